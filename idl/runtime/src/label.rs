//! The labels of messages: operations, answers, refusals, the kernel's own.
//!
//! A request's label is the operation's number. A reply's label says how the call ended; errors and
//! refusals carry no words.

/// The reply's label after success: the words are the results.
pub const OK: u64 = 0;

/// The last number an operation may have; the first is 1.
///
/// Twelve bits leave every higher label of a request to the kernel.
pub const LAST_OPERATION: u64 = 0xfff;

/// The last code an interface's error enum may use; the first is 1.
pub const LAST_ERROR: u64 = 0xfff;

/// A refusal's label is this plus [`Refusal::code`](crate::Refusal::code).
pub const REFUSED: u64 = 0x1000;

pub use sel4_sys::label::{KERNEL_BASE, SERVER_DIED};

const _: () = assert!(
    REFUSED + 0xfff < KERNEL_BASE,
    "tasks cannot send the kernel's labels"
);
