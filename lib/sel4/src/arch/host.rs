//! No kernel: every system call panics.

use sel4_sys::{BootInfo, CPtr, IpcBuffer, MessageInfo, Syscall};
use sysdesc::Task;

use super::{Received, Registers};

macro_rules! absent {
    ($($name:ident($($argument:ty),*) -> $answer:ty;)*) => { $(
        pub(crate) fn $name($(_: $argument),*) -> $answer {
            panic!("{} needs the kernel, and this is the host", stringify!($name));
        }
    )* };
}

absent! {
    call(CPtr, MessageInfo, Registers) -> (MessageInfo, Registers);
    send(Syscall, CPtr, MessageInfo, Registers) -> ();
    receive(Syscall, CPtr, CPtr) -> Received;
    wait(Syscall, CPtr) -> Received;
    reply_receive(CPtr, MessageInfo, Registers, CPtr) -> Received;
    nb_send_recv(CPtr, MessageInfo, Registers, CPtr, CPtr) -> Received;
    nb_send_wait(CPtr, MessageInfo, Registers, CPtr) -> Received;
    yields() -> ();
    die() -> !;
    reclaim_ipc_buffer() -> ();
    boot_info() -> &'static BootInfo;
    task_table(usize) -> &'static [Task];
    timestamp() -> u64;
    spin(u64) -> ();
    load_word(u64) -> u64;
    load_byte(u64) -> u8;
    store_word(u64, u64) -> ();
    store_byte(u64, u8) -> ();
}

pub(crate) fn with_ipc_buffer<R>(_: impl FnOnce(&mut IpcBuffer) -> R) -> R {
    panic!("the IPC buffer needs the kernel, and this is the host");
}
