//! The guest's surroundings: counters at the kernel, the time, the console.

use core::fmt;

use heapless::Vec;
use pmu_drv::{Counter, CounterSet};
use sel4_sys::vcpu::OpenFlags;
use vmm_server_core::{Console, Direct, Env, Moment, PmuBackend, Trace};
use x86_regs::pmu::{FixedCtrCtrl, GlobalStatus, PerfEvtSel, PerfGlobalCtrl};

use crate::caps::vcpu;
use crate::lines::Lines;

/// Unusual things that are kept, the first ones: what comes later often follows from them.
const KEPT: usize = 16;

const NANOS_A_SECOND: u128 = 1_000_000_000;

/// Everything that the core asks for.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) lines: Lines,
    tsc_hz: u64,
    has_counters: bool,
    unusual: Vec<Trace, KEPT>,
}

impl Environment {
    /// `has_counters`: the guest has some, so that the kernel has a place for them.
    pub(crate) const fn new(lines: Lines, tsc_hz: u64, has_counters: bool) -> Self {
        Self {
            lines,
            tsc_hz,
            has_counters,
            unusual: Vec::new(),
        }
    }
}

impl Environment {
    /// Shows what the guest did that this VM does not know: for a guest that did not end well.
    pub(crate) fn show_unusual(&mut self) {
        for event in &self.unusual {
            self.lines.say(format_args!("{}", Sentence(*event)));
        }
    }
}

/// The core gives only values that the kernel takes: its checks are the same ones.
fn taken<T>(result: sel4::Result<T>) -> T {
    result.expect("the kernel takes what the core has checked")
}

impl PmuBackend for Environment {
    fn set_selector(&mut self, index: u8, selector: PerfEvtSel) {
        taken(vcpu.set_selector(index, selector.into()));
    }
    fn set_fixed_control(&mut self, control: FixedCtrCtrl) {
        taken(vcpu.set_fixed_control(control.into()));
    }
    fn set_global_control(&mut self, control: PerfGlobalCtrl) {
        taken(vcpu.set_global_control(control.into()));
    }
    fn open(&mut self, direct: Direct) {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        let flags =
            flag(direct.full_width, OpenFlags::FULL_WIDTH) | flag(direct.global, OpenFlags::GLOBAL);
        taken(vcpu.open_counters(direct.counters.bits(), flags));
    }
    fn open_rdpmc(&mut self) {
        taken(vcpu.open_rdpmc());
    }
    fn read_counter(&mut self, counter: Counter) -> u64 {
        taken(vcpu.read_counter(counter.rdpmc()))
    }
    fn write_counter(&mut self, counter: Counter, value: u64) {
        taken(vcpu.write_counter(counter.rdpmc(), value));
    }
    fn read_status(&mut self) -> GlobalStatus {
        taken(vcpu.read_status()).into()
    }
    fn change_status(&mut self, clear: CounterSet, set: CounterSet) {
        taken(vcpu.change_status(clear.bits(), set.bits()));
    }
    fn set_pmi_mask(&mut self, masked: bool) {
        // Every guest has the entry in its APIC; without counters there is nothing that it could mask.
        if self.has_counters {
            taken(vcpu.set_pmi_mask(masked));
        }
    }
}

impl Env for Environment {
    fn now(&mut self) -> Moment {
        let tsc = sel4::timestamp();
        let nanos = u128::from(tsc) * NANOS_A_SECOND / u128::from(self.tsc_hz.max(1));
        Moment {
            nanos: u64::try_from(nanos).unwrap_or(u64::MAX),
            tsc,
        }
    }

    fn put_byte(&mut self, console: Console, byte: u8) {
        // The debug console is for a test runner that the guest brings along; people see the serial port.
        if console == Console::Serial {
            self.lines.guest_byte(byte);
        }
    }

    fn trace(&mut self, event: Trace) {
        // One more than fits is not kept.
        let _ = self.unusual.push(event);
    }
}

/// An unusual thing in words.
struct Sentence(Trace);

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Trace::UnknownMsrRead { address, rip } => {
                write!(f, "RDMSR {:#x} at {rip:#x} raised #GP", address.0)
            }
            Trace::MsrWriteRefused {
                address,
                value,
                rip,
            } => {
                write!(
                    f,
                    "WRMSR {:#x} with {value:#x} at {rip:#x} raised #GP",
                    address.0
                )
            }
            Trace::UnknownPort { port, input } => {
                let what = if input { "IN from" } else { "OUT to" };
                write!(f, "{what} port {port:#x}, where nothing is")
            }
        }
    }
}
