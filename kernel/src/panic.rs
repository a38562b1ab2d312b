//! A bug of the kernel seen from outside: text, backtrace, record, verdict.

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use arch_x86_64::{console, end};
use testproto::{End, MAX_TEXT, Record};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    static PANICKING: AtomicBool = AtomicBool::new(false);
    if PANICKING.swap(true, Ordering::Relaxed) {
        // A panic while the first one is told: whatever was said so far has to do.
        end::end(End::Panicked);
    }
    let mut report = Report {
        text: [0; MAX_TEXT],
        length: 0,
    };
    // A report that is too long is cut; writing to it cannot fail.
    let _ = match info.location() {
        Some(at) => writeln!(report, "panic at {at}: {}", info.message()),
        None => writeln!(report, "panic: {}", info.message()),
    };
    let _ = report.write_str("backtrace:");
    for address in end::backtrace() {
        let _ = write!(report, " {address:#x}");
    }
    let _ = report.write_str("\n");
    console::write(report.as_str());
    console::send(&Record::Panic {
        text: report.as_str(),
    });
    end::end(End::Panicked)
}

/// Text in memory of its own, as much as a record holds.
struct Report {
    text: [u8; MAX_TEXT],
    length: usize,
}

impl Report {
    fn as_str(&self) -> &str {
        let bytes = self.text.get(..self.length).unwrap_or_default();
        // Cutting may have split a character: keep what is whole.
        match core::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let whole = bytes.get(..error.valid_up_to()).unwrap_or_default();
                core::str::from_utf8(whole).unwrap_or_default()
            }
        }
    }
}

impl Write for Report {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.text.get_mut(self.length..).unwrap_or_default();
        room.iter_mut()
            .zip(text.bytes())
            .for_each(|(to, byte)| *to = byte);
        self.length = (self.length + text.len()).min(MAX_TEXT);
        Ok(())
    }
}
