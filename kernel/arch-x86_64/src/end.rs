//! The end of the machine, and the way the kernel got there.
//!
//! UNSAFETY: reads the frame pointer.

#![expect(unsafe_code, reason = "reads the frame pointer")]

use core::arch::asm;

use testproto::{DEBUG_EXIT_PORT, End};

use crate::cpu::{instructions, stacks};
use crate::port::{self, Width};

/// Ends the emulator with a verdict. On a real machine, which has no such port, the CPU stops.
pub fn end(verdict: End) -> ! {
    port::write(DEBUG_EXIT_PORT, Width::Byte, verdict.port_value().into());
    instructions::halt()
}

/// Return addresses of the calls that led here, innermost first, at most 32.
///
/// Follows frame pointers through the kernel's stacks only, so a wild one ends the walk instead of faulting.
pub fn backtrace() -> impl Iterator<Item = u64> {
    let mut frame: u64;
    // SAFETY: 1. Reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack, preserves_flags)) }
    core::iter::from_fn(move || {
        let address = stacks::word(frame.checked_add(8)?)?;
        frame = stacks::word(frame)?;
        Some(address)
    })
    .take(32)
}
