//! The page part through which long messages and capabilities travel.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{MSG_MAX_CAPS, MSG_MAX_LENGTH};

/// Size of [`IpcBuffer`] in words.
pub const IPC_BUFFER_WORDS: usize = 128;

/// One thread's IPC buffer, 1024 bytes, at the start of a page of its own. Layout as seL4's `seL4_IPCBuffer`.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct IpcBuffer {
    /// Not used by the kernel.
    pub tag: u64,
    /// The message. Words 0 to 3 travel in registers; the kernel neither reads nor writes them here.
    pub msg: [u64; MSG_MAX_LENGTH],
    /// Not used by the kernel.
    pub user_data: u64,
    /// Sending: slots of the capabilities to send. Receiving: badges of those that were unwrapped.
    pub caps_or_badges: [u64; MSG_MAX_CAPS],
    /// Receiving: the CNode that holds the receive slots. 0: no capabilities are wanted.
    pub receive_cnode: u64,
    /// Receiving: the first of the receive slots; up to 3 in a row are filled. Slots must be empty.
    pub receive_index: u64,
    /// seL4 compatibility; ignored, since CSpaces have one level.
    pub receive_depth: u64,
}

const _: () = assert!(size_of::<IpcBuffer>() == IPC_BUFFER_WORDS * 8);

impl IpcBuffer {
    /// Word index of [`Self::msg`].
    pub const MSG_WORD: usize = 1;
    /// Word index of [`Self::caps_or_badges`].
    pub const CAPS_WORD: usize = Self::MSG_WORD + MSG_MAX_LENGTH + 1;
    /// Word index of [`Self::receive_cnode`].
    pub const RECEIVE_CNODE_WORD: usize = Self::CAPS_WORD + MSG_MAX_CAPS;
    /// Word index of [`Self::receive_index`].
    pub const RECEIVE_INDEX_WORD: usize = Self::RECEIVE_CNODE_WORD + 1;
}

const _: () = assert!(core::mem::offset_of!(IpcBuffer, msg) == IpcBuffer::MSG_WORD * 8);
const _: () = assert!(core::mem::offset_of!(IpcBuffer, caps_or_badges) == IpcBuffer::CAPS_WORD * 8);
const _: () =
    assert!(core::mem::offset_of!(IpcBuffer, receive_index) == IpcBuffer::RECEIVE_INDEX_WORD * 8);
