//! Everything unsafe: the SYSCALL instruction, the entry, fixed addresses, windows.
//!
//! On the host the same names exist and panic, so that programs compile and their pure parts can be tested.

#[cfg(bare)]
#[path = "arch/target.rs"]
mod imp;

#[cfg(not(bare))]
#[path = "arch/host.rs"]
mod imp;

pub(crate) use imp::{
    boot_info, call, die, load_byte, load_word, nb_send_recv, nb_send_wait, receive,
    reclaim_ipc_buffer, reply_receive, send, spin, store_byte, store_word, task_table, timestamp,
    wait, with_ipc_buffer, yields,
};

use sel4_sys::{Badge, MESSAGE_REGISTERS, MessageInfo, Word};

/// The message words that travel in registers.
pub(crate) type Registers = [Word; MESSAGE_REGISTERS];

/// What a receiving system call leaves in the registers.
#[derive(Clone, Copy)]
pub(crate) struct Received {
    pub(crate) badge: Badge,
    pub(crate) info: MessageInfo,
    pub(crate) registers: Registers,
}
