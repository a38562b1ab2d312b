//! Why the kernel refused an invocation.

/// The label of the answer to an invocation of a kernel object. Numbers as seL4's `seL4_Error`.
///
/// A refused invocation changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Error {
    /// Argument number `mr0` (0 is the first) makes no sense for this object.
    InvalidArgument = 1,
    /// Capability number `mr0` (0 is the invoked one) has the wrong kind or lacks a right.
    InvalidCapability = 2,
    /// The object cannot do this, or not now.
    IllegalOperation = 3,
    /// An argument must lie between `mr0` and `mr1`.
    RangeError = 4,
    /// An argument is not aligned.
    AlignmentError = 5,
    /// A slot index lies outside the CNode, or the slot is empty.
    FailedLookup = 6,
    /// The message has fewer words or capabilities than the operation needs.
    TruncatedMessage = 7,
    /// The destination is in use already.
    DeleteFirst = 8,
    /// The capability has children that must be revoked first.
    RevokeFirst = 9,
    /// No page table is left in the address space's reserve; `mr0` says how many were declared.
    NotEnoughMemory = 10,
}

impl Error {
    /// The error of a label, `None` for 0 (success) and for unknown labels.
    #[must_use]
    pub const fn from_label(label: u64) -> Option<Self> {
        Some(match label {
            1 => Self::InvalidArgument,
            2 => Self::InvalidCapability,
            3 => Self::IllegalOperation,
            4 => Self::RangeError,
            5 => Self::AlignmentError,
            6 => Self::FailedLookup,
            7 => Self::TruncatedMessage,
            8 => Self::DeleteFirst,
            9 => Self::RevokeFirst,
            10 => Self::NotEnoughMemory,
            _ => return None,
        })
    }

    /// The label that carries this error.
    #[must_use]
    pub const fn label(self) -> u64 {
        self as u64
    }
}
