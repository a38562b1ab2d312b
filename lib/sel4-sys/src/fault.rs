//! The messages that a fault handler receives.
//!
//! A thread that faults sends a message to its fault endpoint as if it had called it, and stops.
//! The badge says who it was, the label what happened. A reply with label 0 lets it go on
//! (with the registers in the reply for [`UserException`] and unknown system calls), any other label leaves it stopped.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Label of a fault message. Numbers as seL4's `seL4_Fault_tag` with MCS. Any value may arrive at a handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct FaultLabel(pub u64);

impl FaultLabel {
    /// A system call sent or received through an empty slot, a capability of the wrong kind, or one
    /// that lacks the right. Words: rip, capability pointer, 1 if receiving, [`Error`](crate::Error).
    pub const CAP: Self = Self(1);
    /// Words: rip, rsp, rflags, the number that was in `rdx`, rdi, rsi.
    pub const UNKNOWN_SYSCALL: Self = Self(2);
    /// Words: [`UserException`].
    pub const USER_EXCEPTION: Self = Self(3);
    /// The scheduling context ran out of budget and a timeout handler is set. Words: scheduling context data, consumed µs.
    pub const TIMEOUT: Self = Self(5);
    /// Words: [`VmFault`].
    pub const VM: Self = Self(6);
}

/// Words of a [`FaultLabel::USER_EXCEPTION`] message; its reply writes back the first three.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct UserException {
    /// Address of the instruction, or of the one after it for traps.
    pub rip: u64,
    /// Stack pointer.
    pub rsp: u64,
    /// Flags; a reply cannot set system flags.
    pub rflags: u64,
    /// Exception vector, 0 to 31. SDM vol. 3A, "Exception and Interrupt Vectors".
    pub vector: u64,
    /// Error code, 0 for vectors without one.
    pub error_code: u64,
}

/// Words of a [`FaultLabel::VM`] message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct VmFault {
    /// Address of the instruction.
    pub rip: u64,
    /// Address that it touched (CR2).
    pub address: u64,
    /// 1 when fetching the instruction failed.
    pub is_fetch: u64,
    /// The page-fault error code. SDM vol. 3A, "Page-Fault Exceptions".
    pub error_code: u64,
}
