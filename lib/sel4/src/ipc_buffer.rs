//! The thread's IPC buffer: words 4 to 119 of a message, and capabilities.

use sel4_sys::{CPtr, MSG_MAX_CAPS, MSG_MAX_LENGTH, Word};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{arch, cap};

/// The thread's IPC buffer.
#[derive(Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(transparent)]
pub struct IpcBuffer(sel4_sys::IpcBuffer);

impl IpcBuffer {
    /// The message. Its first four words travel in registers: here they are scratch space.
    #[must_use]
    #[inline]
    pub fn msg_regs(&self) -> &[Word; MSG_MAX_LENGTH] {
        &self.0.msg
    }

    /// [`Self::msg_regs`], to write.
    #[must_use]
    #[inline]
    pub fn msg_regs_mut(&mut self) -> &mut [Word; MSG_MAX_LENGTH] {
        &mut self.0.msg
    }

    /// Sending: the slots of the capabilities to pass. Receiving: badges of those that were unwrapped.
    #[must_use]
    #[inline]
    pub fn caps_or_badges(&self) -> &[Word; MSG_MAX_CAPS] {
        &self.0.caps_or_badges
    }

    /// [`Self::caps_or_badges`], to write.
    #[must_use]
    #[inline]
    pub fn caps_or_badges_mut(&mut self) -> &mut [Word; MSG_MAX_CAPS] {
        &mut self.0.caps_or_badges
    }

    /// Where capabilities are to be received: up to three slots of `cnode` from `first` on, which must be empty.
    #[inline]
    pub fn set_recv_slot(&mut self, cnode: cap::CNode, first: CPtr) {
        self.0.receive_cnode = cnode.bits();
        self.0.receive_index = first;
    }

    /// From now on no capabilities are wanted.
    #[inline]
    pub fn clear_recv_slot(&mut self) {
        self.0.receive_cnode = 0;
        self.0.receive_index = 0;
    }
}

/// Gives `f` the IPC buffer to read.
///
/// # Panics
/// If `f` makes a system call or asks for the buffer again: the kernel writes it in system calls.
#[inline]
pub fn with_ipc_buffer<R>(f: impl FnOnce(&IpcBuffer) -> R) -> R {
    with_ipc_buffer_mut(|buffer| f(buffer))
}

/// Gives `f` the IPC buffer to read and write.
///
/// # Panics
/// If `f` makes a system call or asks for the buffer again: the kernel writes it in system calls.
#[inline]
pub fn with_ipc_buffer_mut<R>(f: impl FnOnce(&mut IpcBuffer) -> R) -> R {
    arch::with_ipc_buffer(|buffer| f(zerocopy::transmute_mut!(buffer)))
}
