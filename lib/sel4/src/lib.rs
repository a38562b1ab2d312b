//! The typed user side of the system-call interface.
//!
//! Names and shapes are those of the maintained Rust bindings of seL4 (`sel4::cap::Endpoint`,
//! `sel4::MessageInfo`, `sel4::with_ipc_buffer`, …), so that a program written against those needs few changes.
//! What this kernel has and seL4 has not sits in modules of its own: [`task!`] and [`Start`], which make a
//! program a task of a system image, [`reset`] for supervisors, [`panicking`].
//!
//! A system call is one instruction and the moves that bring its arguments into their registers; all of
//! it is in `arch`, the only module with unsafe code. Programs compile on the host too, where a
//! system call panics: there is no kernel there.

#![cfg_attr(bare, no_std)]

mod arch;
pub mod cap;
mod fault;
mod invoke;
mod ipc_buffer;
pub mod panicking;
pub mod reset;
mod start;
mod syscalls;
mod task;
mod window;

pub use cap::{Cap, CapType};
pub use fault::{CapFault, Fault, Timeout, UnknownSyscall};
pub use invoke::{LeaseMode, PORT_BYTES_AT_ONCE, ThreadDescription};
pub use ipc_buffer::{IpcBuffer, with_ipc_buffer, with_ipc_buffer_mut};
pub use sel4_sys::slot as init_slot;
pub use sel4_sys::{
    Badge, BootInfo, CPtr, CapRights, CpuFeatures, Error, FaultLabel, MAP_EXECUTE,
    MESSAGE_REGISTERS, MSG_MAX_CAPS, MSG_MAX_LENGTH, MessageInfo, ObjectKind, ThreadState,
    UserContext, UserException, VmFault, Word, label,
};
pub use start::{Start, spin, timestamp};
pub use syscalls::{CallWithMRs, FastMessages, RecvWithMRs, r#yield};
pub use window::Window;

/// What an operation on a kernel object gives.
pub type Result<T> = core::result::Result<T, Error>;

#[doc(hidden)]
pub mod private {
    //! What [`task!`](crate::task) expands to; nothing for people.
    pub use crate::task::bytes_of;
    #[cfg(not(bare))]
    pub use crate::task::refuse_to_run;
    #[cfg(not(bare))]
    pub use std::process::ExitCode;
}
