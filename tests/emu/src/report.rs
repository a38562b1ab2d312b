//! Records and the verdict, as the test runner reads them.

use core::fmt::{self, Write as _};

use heapless::String;
use testproto::{DEBUG_CONSOLE_PORT, DEBUG_EXIT_PORT, End, Record, Verdict, send};

use crate::cpu::out;

type Note = String<200>;

/// A check failed; [`fail`] has kept why.
pub struct Failed(());
/// What a check says.
pub type Outcome = Result<(), Failed>;

/// Why the check that runs failed. There is no heap, and carried along it would be large.
static mut NOTE: Note = Note::new();

/// A failure with a note.
pub fn fail(text: fmt::Arguments<'_>) -> Outcome {
    let mut note = Note::new();
    // A note that is too long is cut, which is all that can go wrong here.
    let _ = note.write_fmt(text);
    // SAFETY: 1. Checks run on the first CPU only, and nobody keeps a reference.
    unsafe { NOTE = note };
    Err(Failed(()))
}

/// Fails with both values when they differ.
#[macro_export]
macro_rules! same {
    ($found:expr, $wanted:expr, $($what:tt)+) => {{
        let (found, wanted) = (u64::from($found), u64::from($wanted));
        if found != wanted {
            return $crate::fail(format_args!(
                "{}: {found:#x} ({found}) instead of {wanted:#x} ({wanted})",
                format_args!($($what)+)
            ));
        }
    }};
}

/// A program's report.
pub struct Proof {
    failed: bool,
}

impl Proof {
    pub(crate) fn begin() -> Self {
        tell(&Record::Hello {
            board: crate::settings(),
            system: "emu",
        });
        Self { failed: false }
    }

    /// Runs a check; `name` is what it promises, as a sentence with underscores.
    pub fn check(&mut self, name: &str, body: impl FnOnce() -> Outcome) {
        tell(&Record::TestBegin { name });
        let outcome = body();
        // SAFETY: 1. Checks run on the first CPU only, and this one is over.
        let kept = unsafe { (&raw mut NOTE).replace(Note::new()) };
        let (verdict, note) = match &outcome {
            Ok(()) => (Verdict::Passed, ""),
            Err(Failed(())) => (Verdict::Failed, kept.as_str()),
        };
        self.failed |= outcome.is_err();
        tell(&Record::TestEnd {
            name,
            verdict,
            note,
        });
    }

    /// Says that a check cannot run on this board.
    pub fn skip(&mut self, name: &str, why: &str) {
        tell(&Record::TestBegin { name });
        tell(&Record::TestEnd {
            name,
            verdict: Verdict::Skipped,
            note: why,
        });
    }

    pub(crate) fn end(self) -> ! {
        tell(&Record::Done);
        exit(if self.failed {
            End::Failed
        } else {
            End::Passed
        })
    }
}

fn tell(record: &Record<'_>) {
    send(record, |byte| out(DEBUG_CONSOLE_PORT, byte));
}

fn exit(end: End) -> ! {
    loop {
        out(DEBUG_EXIT_PORT, end.port_value());
    }
}

/// Says why the program cannot go on.
pub(crate) fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let mut text = Note::new();
    let _ = write!(text, "{info}");
    tell(&Record::Panic { text: &text });
    exit(End::Panicked)
}
