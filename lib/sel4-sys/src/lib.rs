//! The contract of ring 0 and ring 3: numbers, words and layouts.
//!
//! The kernel and every user program are built against this crate, so each number
//! that crosses the system-call boundary has its one home here. Names and shapes
//! follow seL4 x86_64 MCS ("seL4 Reference Manual", chapters "System Calls" and "IPC");
//! what this kernel adds to seL4 says so. There is no behaviour here: typed wrappers are
//! in crate `sel4`, decoding is in the kernel.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod boot_info;
mod error;
mod fault;
mod invocation;
mod ipc_buffer;
pub mod layout;
mod message;
mod object;
pub mod pmu;
mod rights;
pub mod samples;
mod slots;
mod syscall;
mod user_context;
pub mod vcpu;

pub use boot_info::{BOOT_INFO_MAGIC, BootInfo, CpuFeatures};
pub use error::Error;
pub use fault::{FaultLabel, UserException, VmFault};
pub use invocation::{
    AddressSpaceOp, CNodeOp, FrameOp, InterruptOp, PortOp, SchedContextOp, ThreadOp,
};
pub use ipc_buffer::{IPC_BUFFER_WORDS, IpcBuffer};
pub use message::{MESSAGE_REGISTERS, MSG_MAX_CAPS, MSG_MAX_LENGTH, MessageInfo, label};
pub use object::{MAP_EXECUTE, ObjectKind, ThreadState};
pub use rights::CapRights;
pub use slots::slot;
pub use syscall::Syscall;
pub use user_context::UserContext;

/// Index of a slot in the caller's CNode. 0 is always empty.
///
/// CSpaces have one level in this version: a capability pointer is a slot index, and an
/// index outside the CNode fails the lookup.
pub type CPtr = u64;

/// End of the addresses that a task may use; the last page below the canonical hole is never mapped,
/// so that the instruction after a SYSCALL is always at a canonical address.
pub const USER_END: u64 = 0x0000_7fff_ffff_f000;

/// A machine word.
pub type Word = u64;

/// What a receiver learns of the capability that a message was sent through.
pub type Badge = u64;
