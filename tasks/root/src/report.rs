//! What root says on the serial line, in sentences and one table.

use core::fmt::{self, Write as _};

use idl::supervisor::Verdict;
use root::Cause;
use sel4::cap::Port;
use sel4::{BootInfo, CpuFeatures};
use sysdesc::Task;
use testproto::End;
use text::Uart;

/// The serial line, if it works. Root's work does not depend on being heard.
pub(crate) struct Report {
    uart: Option<Uart>,
}

/// The text of a field that is padded with zero bytes.
pub(crate) fn text_of(bytes: &[u8]) -> &str {
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    let text = bytes.get(..end).unwrap_or_default();
    text.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

impl Report {
    pub(crate) fn open(port: Port) -> Self {
        let uart = Uart::open(port).ok();
        Self { uart }
    }

    fn say(&mut self, text: fmt::Arguments<'_>) {
        if let Some(uart) = &mut self.uart
            && uart.write_fmt(text).is_err()
        {
            self.uart = None;
        }
    }

    /// The machine, and what the kernel made of it.
    pub(crate) fn machine(&mut self, boot: &BootInfo) {
        let mib = |bytes: u64| bytes >> 20;
        let plural = if boot.cpus == 1 { "" } else { "s" };
        self.say(format_args!(
            "This is Baton, a small capability kernel, running the system \"{}\".\n\
             Machine: {}, {} CPU{plural}, {} MiB of memory, of which {} MiB are used.\n",
            text_of(&boot.system),
            text_of(&boot.cpu),
            boot.cpus,
            mib(boot.memory_bytes),
            mib(boot.used_bytes).max(1),
        ));
        self.say(format_args!("Protection:"));
        let features = CpuFeatures::from_bits_truncate(boot.features);
        for (name, bit) in [
            ("SMEP", CpuFeatures::SMEP),
            ("SMAP", CpuFeatures::SMAP),
            ("UMIP", CpuFeatures::UMIP),
            ("NX", CpuFeatures::NX),
        ] {
            let state = if features.contains(bit) {
                "on"
            } else {
                "absent"
            };
            self.say(format_args!(" {name} {state},"));
        }
        self.say(format_args!(
            " FPU state by {}, APIC in {} mode.\n\
             From the kernel's first instruction to this task: {} ticks of the time stamp counter ({} MHz).\n\n",
            if features.contains(CpuFeatures::XSAVE) { "XSAVE" } else { "FXSAVE" },
            if features.contains(CpuFeatures::X2APIC) { "x2APIC" } else { "xAPIC" },
            boot.tsc_at_first_task.saturating_sub(boot.tsc_at_entry),
            boot.tsc_hz / 1_000_000,
        ));
    }

    /// The table of tasks.
    pub(crate) fn tasks(&mut self, tasks: &[Task]) {
        let width = tasks.iter().map(|task| task.name.as_str().len()).max();
        let width = width.unwrap_or(0).max("root".len());
        self.say(format_args!(
            "{:width$}  priority  state    what it does\n",
            "task"
        ));
        self.say(format_args!(
            "{:width$}       top  running  starts the others, restarts those that die\n",
            "root"
        ));
        for task in tasks {
            let state = if task.flags & Task::NOT_STARTED == 0 {
                "started"
            } else {
                "stopped"
            };
            let essential = if task.flags & Task::ESSENTIAL == 0 {
                ""
            } else {
                " (essential)"
            };
            self.say(format_args!(
                "{:width$}  {:8}  {state}  {}{essential}\n",
                task.name.as_str(),
                task.priority,
                text_of(&task.summary),
            ));
        }
        self.say(format_args!("\n"));
    }

    pub(crate) fn death(&mut self, task: &Task, cause: &Cause<'_>) {
        self.say(format_args!(
            "root: {} died: it {cause}.\n",
            task.name.as_str()
        ));
    }

    pub(crate) fn restarted(&mut self, task: &Task, generation: u64) {
        let name = task.name.as_str();
        self.say(format_args!(
            "root: {name} has fresh memory and capabilities and runs again, as generation {generation}.\n"
        ));
    }

    pub(crate) fn given_up(&mut self, task: &Task) {
        self.say(format_args!(
            "root: {} stays stopped.\n",
            task.name.as_str()
        ));
    }

    pub(crate) fn finished(&mut self, task: &Task, verdict: Verdict) {
        let how = match verdict {
            Verdict::Passed => "all went well",
            Verdict::Failed => "something went wrong",
        };
        self.say(format_args!(
            "root: {} has done its work: {how}.\n",
            task.name.as_str()
        ));
    }

    /// The last words; they have left the machine when this returns.
    pub(crate) fn end(&mut self, end: End) {
        let how = match end {
            End::Passed => "passed",
            End::Failed | End::Panicked => "FAILED",
        };
        self.say(format_args!("root: the system ends; it has {how}.\n"));
        self.drain();
    }

    pub(crate) fn own_panic(&mut self, text: &str) {
        self.say(format_args!(
            "root: I panicked at {text}; the system ends here.\n"
        ));
        self.drain();
    }

    fn drain(&self) {
        if let Some(uart) = &self.uart {
            // A line that is stuck keeps its last words.
            let _ = uart.drain();
        }
    }
}
