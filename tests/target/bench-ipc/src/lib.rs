//! System calls between two looks at the clock.
//!
//! On a machine whose TSC counts instructions the difference of the two, less what it is without a system call
//! ([`empty`]), is the number of instructions from SYSCALL to SYSRET, both included. Who looks first and who looks
//! second may be different tasks: the first look travels as the first word of the message.
//!
//! UNSAFETY: assembly, since nothing else may run between the two looks.

#![cfg_attr(bare, no_std)]
#![expect(unsafe_code, reason = "RDTSC and SYSCALL with nothing in between")]

use core::arch::asm;

use sel4::{CPtr, MessageInfo, Word};
use sel4_sys::Syscall;

/// What the partner does from now on: the label of the first call to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Role(pub u64);

impl Role {
    /// Answers every call with a message of the same length, whose second word says how long the call took.
    pub const SERVER: Self = Self(1);
    /// Waits for a signal and calls back with the time at which it came; then again.
    pub const WAITER: Self = Self(2);
    /// Yields and calls back with the time at which it had the CPU again; then again.
    pub const PEER: Self = Self(3);
}

/// The looks at the clock around a system call, and what it brought.
#[derive(Clone, Copy, Debug)]
pub struct Timed {
    /// TSC before the system call.
    pub before: u64,
    /// TSC after it.
    pub after: u64,
    /// Of the message that came.
    pub info: MessageInfo,
    /// Its first two words. In a message sent by [`timed`] the first is its sender's `before`.
    pub words: [Word; 2],
}

/// The arguments of a system call.
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    /// The capability that it is made through.
    pub capability: CPtr,
    /// What is sent.
    pub info: MessageInfo,
    /// The second word of what is sent; the first is the time.
    pub word: Word,
    /// The reply object.
    pub reply: CPtr,
}

macro_rules! between_two_looks {
    ($instruction:literal, $number:expr, $arguments:expr) => {{
        let Arguments {
            capability,
            info,
            word,
            reply,
        } = $arguments;
        let (before, after, came): (u64, u64, u64);
        let (sent, second): (u64, u64);
        // SAFETY:
        // 1. The kernel keeps every register that is not named here (contract of `sel4_sys::Syscall`).
        // 2. The only memory of this task that it writes is the IPC buffer, which no task of this benchmark
        //    looks at.
        unsafe {
            asm!(
                "rdtsc",
                "shl rdx, 32",
                "or rdx, rax",
                "mov r10, rdx",
                "mov r14, rdx",
                "mov rdx, r13",
                $instruction,
                "rdtsc",
                "shl rdx, 32",
                "or rdx, rax",
                inlateout("rdi") capability => _,
                inlateout("rsi") info.0 => came,
                lateout("r10") sent,
                inlateout("r8") word => second,
                inlateout("r9") 0_u64 => _,
                inlateout("r15") 0_u64 => _,
                in("r12") reply,
                in("r13") $number.0,
                lateout("r14") before,
                lateout("rdx") after,
                lateout("rax") _,
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack),
            );
        }
        Timed {
            before,
            after,
            info: MessageInfo(came),
            words: [sent, second],
        }
    }};
}

/// A system call, with the time before it as the first word of its message.
#[inline(never)]
pub fn timed(number: Syscall, arguments: Arguments) -> Timed {
    between_two_looks!("syscall", number, arguments)
}

/// The same without the system call: what of a measurement is not the kernel's.
#[inline(never)]
pub fn empty(arguments: Arguments) -> Timed {
    between_two_looks!("", Syscall(0), arguments)
}
