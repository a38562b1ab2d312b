//! Records and the verdict, through the kernel's console.

use core::fmt::{self, Write as _};
use core::sync::atomic::{AtomicBool, Ordering};

use arch_x86_64::{console, end};
use heapless::String;
use testproto::{End, Record, Verdict};

/// What a check says: why it failed.
pub(crate) type Outcome = Result<(), String<112>>;

/// A failure with a note, cut when it is too long.
pub(crate) fn fail(text: fmt::Arguments<'_>) -> Outcome {
    let mut note = String::new();
    let _ = note.write_fmt(text);
    Err(note)
}

/// Fails with both values when they differ.
macro_rules! same {
    ($found:expr, $wanted:expr, $($what:tt)+) => {{
        let (found, wanted) = ($found, $wanted);
        if found != wanted {
            return $crate::report::fail(format_args!(
                "{}: {found:x?} instead of {wanted:x?}", format_args!($($what)+)
            ));
        }
    }};
}
pub(crate) use same;

static FAILED: AtomicBool = AtomicBool::new(false);

/// The first record.
pub(crate) fn begin(board: &str) {
    let system = "emu";
    console::send(&Record::Hello { board, system });
}

/// Runs a check; `name` is what it promises.
pub(crate) fn check(name: &str, body: impl FnOnce() -> Outcome) {
    console::send(&Record::TestBegin { name });
    let outcome = body();
    let (verdict, note) = match &outcome {
        Ok(()) => (Verdict::Passed, ""),
        Err(note) => (Verdict::Failed, note.as_str()),
    };
    FAILED.fetch_or(outcome.is_err(), Ordering::Relaxed);
    console::send(&Record::TestEnd {
        name,
        verdict,
        note,
    });
}

/// Tells what was measured, the smallest first.
pub(crate) fn tell(name: &str, sorted: &[u64]) {
    let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
        return;
    };
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(max);
    console::send(&Record::Metric {
        name,
        unit: "instructions",
        min,
        median,
        max,
        count: sorted.len() as u64,
    });
}

/// The last record, and the machine's end.
pub(crate) fn finish() -> ! {
    console::send(&Record::Done);
    end::end(if FAILED.load(Ordering::Relaxed) {
        End::Failed
    } else {
        End::Passed
    })
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let mut text: String<600> = String::new();
    let _ = write!(text, "{info}");
    console::send(&Record::Panic { text: &text });
    end::end(End::Panicked)
}
