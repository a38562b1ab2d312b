//! SYSCALL and the fixed addresses, on the kernel.
//!
//! Register use is that of the table in `sel4_sys::Syscall`. Each function passes exactly the registers
//! that its system call reads, so that the compiler can leave the others alone.

#![expect(
    unsafe_code,
    reason = "the SYSCALL instruction and memory at fixed addresses"
)]

use core::arch::asm;
use core::ptr;
use core::slice;
use core::sync::atomic::{AtomicBool, Ordering};

use sel4_sys::{BootInfo, CPtr, IpcBuffer, MessageInfo, Syscall, layout};
use sysdesc::Task;

use super::{Received, Registers};

/// Whether somebody in this task holds a reference into the IPC buffer. A task is one thread, so
/// this is no lock: finding it taken is a bug.
static BUFFER_IS_LENT: AtomicBool = AtomicBool::new(false);

/// SYSCALL with the registers that every system call destroys, and those given.
///
/// Flags come back as they were, because the kernel restores them with the instruction pointer. Memory
/// counts as read and written: the kernel moves words in and out of the IPC buffer.
macro_rules! syscall {
    ($number:expr, $($operands:tt)*) => {
        refuse_while_lent();
        // SAFETY:
        // 1. The kernel keeps every register that is not named here (contract of `sel4_sys::Syscall`).
        // 2. The only memory of this task that it writes is the IPC buffer, and no reference into
        //    that exists: `refuse_while_lent` has looked.
        unsafe {
            asm!(
                "syscall",
                in("rdx") $number.0,
                $($operands)*
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack, preserves_flags),
            );
        }
    };
}

/// A system call that sends and receives. The names of the variables are the macro's interface.
macro_rules! exchange {
    ($number:expr, $first:expr, $info:expr, $words:expr $(, $more:tt = $value:expr)*) => {{
        let badge: u64;
        let info: u64;
        let [mut w0, mut w1, mut w2, mut w3] = $words;
        syscall!(
            $number,
            inlateout("rdi") $first => badge,
            inlateout("rsi") $info.0 => info,
            inlateout("r10") w0,
            inlateout("r8") w1,
            inlateout("r9") w2,
            inlateout("r15") w3,
            $(in($more) $value,)*
        );
        Received { badge, info: MessageInfo(info), registers: [w0, w1, w2, w3] }
    }};
}

/// A system call that only receives.
macro_rules! take {
    ($number:expr, $from:expr $(, $more:tt = $value:expr)*) => {{
        let (badge, info): (u64, u64);
        let (w0, w1, w2, w3): (u64, u64, u64, u64);
        syscall!(
            $number,
            inlateout("rdi") $from => badge,
            lateout("rsi") info,
            lateout("r10") w0,
            lateout("r8") w1,
            lateout("r9") w2,
            lateout("r15") w3,
            $(in($more) $value,)*
        );
        Received { badge, info: MessageInfo(info), registers: [w0, w1, w2, w3] }
    }};
}

#[inline(always)]
pub(crate) fn call(to: CPtr, info: MessageInfo, words: Registers) -> (MessageInfo, Registers) {
    let answer = exchange!(Syscall::CALL, to, info, words);
    (answer.info, answer.registers)
}

#[inline(always)]
pub(crate) fn send(number: Syscall, to: CPtr, info: MessageInfo, words: Registers) {
    let _nothing: Received = exchange!(number, to, info, words);
}

#[inline(always)]
pub(crate) fn receive(number: Syscall, from: CPtr, reply: CPtr) -> Received {
    take!(number, from, "r12" = reply)
}

#[inline(always)]
pub(crate) fn wait(number: Syscall, from: CPtr) -> Received {
    take!(number, from)
}

#[inline(always)]
pub(crate) fn reply_receive(
    from: CPtr,
    info: MessageInfo,
    words: Registers,
    reply: CPtr,
) -> Received {
    exchange!(Syscall::REPLY_RECV, from, info, words, "r12" = reply)
}

#[inline(always)]
pub(crate) fn nb_send_recv(
    to: CPtr,
    info: MessageInfo,
    words: Registers,
    from: CPtr,
    reply: CPtr,
) -> Received {
    exchange!(
        Syscall::NB_SEND_RECV,
        from,
        info,
        words,
        "r12" = reply,
        "r13" = to
    )
}

#[inline(always)]
pub(crate) fn nb_send_wait(to: CPtr, info: MessageInfo, words: Registers, from: CPtr) -> Received {
    exchange!(Syscall::NB_SEND_WAIT, from, info, words, "r13" = to)
}

#[inline(always)]
pub(crate) fn yields() {
    syscall!(
        Syscall::YIELD,
        lateout("rdi") _,
        lateout("rsi") _,
        lateout("r8") _,
        lateout("r9") _,
        lateout("r10") _,
        lateout("r15") _,
    );
}

/// Ends this life of the task with an invalid-opcode exception.
pub(crate) fn die() -> ! {
    // SAFETY: 1. UD2 does nothing but fault; whoever hears of the fault never lets the thread go on
    // behind it, and `noreturn` would be wrong only then.
    unsafe { asm!("ud2", options(noreturn, nomem, nostack)) }
}

#[inline(always)]
pub(crate) fn timestamp() -> u64 {
    // SAFETY: 1. RDTSC reads a counter; the kernel leaves it open to ring 3.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[inline(always)]
fn refuse_while_lent() {
    if BUFFER_IS_LENT.load(Ordering::Relaxed) {
        lent();
    }
}

#[cold]
fn lent() -> ! {
    panic!("the IPC buffer was used while a closure had it");
}

/// Ends a loan whose holder will never run again. Only for the panic handler.
pub(crate) fn reclaim_ipc_buffer() {
    BUFFER_IS_LENT.store(false, Ordering::Relaxed);
}

pub(crate) fn with_ipc_buffer<R>(f: impl FnOnce(&mut IpcBuffer) -> R) -> R {
    refuse_while_lent();
    BUFFER_IS_LENT.store(true, Ordering::Relaxed);
    // SAFETY:
    // 1. The image builder maps a page, readable and writable and for this task only, at this address,
    //    and IpcBuffer is plain words that fit it.
    // 2. No other reference exists: the flag was clear, and it is set until `f` has returned.
    // 3. The kernel writes the buffer only in system calls, and none is made while the flag is set.
    let buffer = unsafe { &mut *ptr::with_exposed_provenance_mut(as_size(layout::IPC_BUFFER)) };
    let result = f(buffer);
    BUFFER_IS_LENT.store(false, Ordering::Relaxed);
    result
}

/// The boot information. Only for a task that the kernel has given its address.
pub(crate) fn boot_info() -> &'static BootInfo {
    // SAFETY: 1. The kernel maps the page, written before the first task runs and read-only since; the
    // caller has been started with its address. BootInfo is plain words.
    unsafe { &*ptr::with_exposed_provenance(as_size(layout::BOOT_INFO)) }
}

/// The first `count` records of the task table. Only for the task with the boot information.
pub(crate) fn task_table(count: usize) -> &'static [Task] {
    let room = as_size(layout::TASK_TABLE_PAGES * sysdesc::PAGE) / size_of::<Task>();
    // SAFETY: 1. The image builder maps the table, read-only, into the root task, with as many records as
    // the system has threads, `count`; it never changes. Task is plain numbers.
    unsafe {
        slice::from_raw_parts(
            ptr::with_exposed_provenance(as_size(layout::TASK_TABLE)),
            count.min(room),
        )
    }
}

/// Two instructions a turn, and at least one turn.
#[inline(never)]
pub(crate) fn spin(turns: u64) {
    // SAFETY: 1. Only the register given is written.
    unsafe {
        asm!("2:", "sub {turns}, 1", "ja 2b", turns = inout(reg) turns => _, options(nomem, nostack));
    }
}

macro_rules! accesses {
    ($($type:ty: $load:ident, $store:ident;)*) => { $(
        /// Reads once. `address` is aligned and lies in a window.
        #[inline]
        pub(crate) fn $load(address: u64) -> $type {
            // SAFETY: 1. window.rs passes addresses of a frame that it has mapped and that stays mapped. A program that unmaps it
            // nevertheless faults here and reads nothing. 2. No reference lies there: the kernel refuses to map a frame over
            // memory that the program has from its image. 3. Volatile: whoever else writes it makes the value any, no more.
            unsafe { ptr::with_exposed_provenance::<$type>(as_size(address)).read_volatile() }
        }

        /// Writes once. `address` is as above, in a window that may be written.
        #[inline]
        pub(crate) fn $store(address: u64, value: $type) {
            // SAFETY: 1. to 3. as above.
            unsafe { ptr::with_exposed_provenance_mut::<$type>(as_size(address)).write_volatile(value) }
        }
    )* };
}

accesses! {
    u64: load_word, store_word;
    u8: load_byte, store_byte;
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "addresses have 64 bits here: this file is x86_64's"
)]
const fn as_size(word: u64) -> usize {
    word as usize
}
