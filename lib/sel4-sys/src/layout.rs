//! Where things lie in every task's address space.
//!
//! The image builder puts them there, `sel4::task!` relies on it. All lie in the first GiB, so that
//! a small task needs one page directory and two page tables.

/// First address of a task's program; `lib/sel4/task.x` links it to run there.
pub const PROGRAM: u64 = 0x0040_0000;
/// First stack pointer. The stack's pages end here; the pages on both sides of it are never mapped.
pub const STACK_TOP: u64 = 0x3fff_0000;
/// The page of the thread's [`IpcBuffer`](crate::IpcBuffer); its neighbours are never mapped.
pub const IPC_BUFFER: u64 = 0x3fff_2000;
/// The page with [`BootInfo`](crate::BootInfo), read-only, in the root task only. The kernel maps it.
pub const BOOT_INFO: u64 = 0x3fff_4000;
/// The system image's task table, read-only, in the root task only; its last page is filled up with zero bytes.
pub const TASK_TABLE: u64 = 0x3fff_8000;
/// Pages at most of the task table.
pub const TASK_TABLE_PAGES: u64 = 7;
/// First of the addresses at which a task maps frames while it runs.
pub const WINDOWS: u64 = 0x1000_0000;
/// End of those addresses.
pub const WINDOWS_END: u64 = 0x3000_0000;
