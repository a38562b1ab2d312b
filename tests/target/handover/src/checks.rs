//! Statements that must hold, and the verdict over all of them.

use core::fmt::{self, Write as _};

use idl::supervisor::Verdict;
use sel4::cap::{Endpoint, Notification};
use sel4::{Cap, init_slot};
use text::Printer;

/// What was checked so far.
#[derive(Debug)]
pub struct Checks {
    out: Printer,
    verdict: Verdict,
}

impl Checks {
    /// Nothing yet. What is found goes to this console.
    #[must_use]
    pub const fn new(console: Endpoint) -> Self {
        Self {
            out: Printer::to(console),
            verdict: Verdict::Passed,
        }
    }

    /// Something to tell.
    pub fn say(&mut self, text: fmt::Arguments<'_>) {
        // Without a console the verdict still counts.
        let _ = writeln!(self.out, "{text}");
    }

    /// A statement that must hold.
    pub fn hold(&mut self, statement: &str, holds: bool) {
        if !holds {
            self.verdict = Verdict::Failed;
        }
        let word = if holds { "right" } else { "WRONG" };
        self.say(format_args!("{word}: {statement}"));
    }

    /// A number that must be another one.
    pub fn same(&mut self, what: &str, found: u64, expected: u64) {
        if found != expected {
            self.verdict = Verdict::Failed;
            self.say(format_args!("WRONG: {what}: {found} instead of {expected}"));
        }
    }

    /// All of it.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// Tells the supervisor, and does nothing any more.
pub fn end(verdict: Verdict) -> ! {
    // Refused only by a supervisor that is not this system's, and that nothing is owed to.
    let _ = crate::supervisor().finished(verdict);
    loop {
        let notification: Notification = Cap::from_bits(init_slot::NOTIFICATION);
        let _nobody_signals = notification.wait();
    }
}
