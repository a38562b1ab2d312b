//! What becomes of an access to a register.

/// What becomes of an RDMSR, WRMSR, RDPMC or a load by a VM entry or exit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Access<T> {
    /// It happened; for a read, with this value.
    Done(T),
    /// It raises #GP(0), and nothing has changed. (A VM entry or exit fails its own way.)
    GeneralProtection,
    /// The address is none of the performance-monitoring unit's: ask somebody else.
    NotPmu,
}

impl<T> Access<T> {
    /// The value, if the access happened.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(value) => Some(value),
            Self::GeneralProtection | Self::NotPmu => None,
        }
    }
}
