//! How this program ends: statuses, and errors that carry one.

use std::fmt;
use std::process::ExitCode;

/// The status that `cargo xtask` ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Everything that was asked for is done, and what ran passed.
    Done,
    /// It was done, and the verdict is no: a test failed, a lint found something.
    Failed,
    /// It could not be done: something is missing on this machine or misspelt.
    Refused,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::Failed => 1,
            Status::Refused => 2,
        })
    }
}

/// An error that the user can mend: one line that says what and how, status 2.
#[derive(Debug)]
pub(crate) struct Refusal(String);

impl Refusal {
    /// A refusal as an error, for `return Err(…)` and `ok_or_else`.
    pub(crate) fn because(message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self(message.into()))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// The status for an error: 2 when a [`Refusal`] is its cause, otherwise 1.
pub(crate) fn status_of(error: &anyhow::Error) -> Status {
    if error.chain().any(|cause| cause.is::<Refusal>()) {
        Status::Refused
    } else {
        Status::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_status_under_any_context() {
        let error = Refusal::because("no board `x`").context("cannot start");
        assert_eq!(status_of(&error), Status::Refused);
        assert_eq!(status_of(&anyhow::anyhow!("it broke")), Status::Failed);
    }
}
