//! Statements that must hold, told on the console.

use core::fmt::{self, Write as _};

use text::Printer;

use crate::caps;

/// How it has gone so far.
pub(crate) struct Checks {
    out: Printer,
    wrong: u64,
}

impl Checks {
    pub(crate) const fn new() -> Self {
        Self {
            out: Printer::to(caps::console),
            wrong: 0,
        }
    }

    /// Says whether a statement holds.
    pub(crate) fn hold(&mut self, holds: bool, statement: &str) {
        let word = if holds { "ok" } else { "WRONG" };
        self.wrong += u64::from(!holds);
        // Without a console the verdict still counts.
        let _ = writeln!(self.out, "{statement}: {word}");
    }

    /// Something that had to be right was not.
    pub(crate) fn fail(&mut self, what: fmt::Arguments<'_>) {
        self.wrong += 1;
        let _ = writeln!(self.out, "WRONG: {what}");
    }

    pub(crate) const fn wrong(&self) -> u64 {
        self.wrong
    }
}
