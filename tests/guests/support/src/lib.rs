//! What the guests share: boot, serial port, interrupts, counters, verdict.
//!
//! A guest is an ordinary multiboot program. It runs alone on a machine, real or virtual, and knows of the
//! latter only what CPUID says: `cargo xtask test emu` boots it bare, `cargo xtask guest` under vmm-server, and both
//! must show the same. On the host there is nothing to run, so this crate is empty there.
//!
//! UNSAFETY: a program that owns its machine. Every block says which part of it.
#![cfg_attr(bare, no_std)]
#![cfg(bare)]
#![expect(
    unsafe_code,
    reason = "registers, tables and assembly are what a guest consists of"
)]

pub mod apic;
pub mod counters;
pub mod cpu;
pub mod gate;
pub mod serial;

use core::arch::global_asm;
use core::panic::PanicInfo;

use testproto::{DEBUG_EXIT_PORT, End};

global_asm!(include_str!("boot.s"), options(att_syntax));

/// What a guest finds out about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finding {
    /// Everything was as it must be.
    Right,
    /// Something was not; the serial port said what.
    Wrong,
}

/// Entered by `boot.s` in 64-bit mode.
#[unsafe(no_mangle)]
extern "C" fn guest_start() -> ! {
    unsafe extern "Rust" {
        safe fn guest_main() -> Finding;
    }
    serial::set_up();
    gate::set_up();
    apic::set_up();
    end(match guest_main() {
        Finding::Right => End::Passed,
        Finding::Wrong => End::Failed,
    })
}

/// An exception that nobody expected.
#[unsafe(no_mangle)]
extern "C" fn guest_fault(vector: u64, error: u64, rip: u64) -> ! {
    line!("exception {vector}, error code {error:#x}, at {rip:#x}");
    end(End::Panicked)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    line!("{info}");
    end(End::Panicked)
}

/// Gives the verdict. The machine stops with that.
fn end(verdict: End) -> ! {
    serial::flush();
    loop {
        cpu::out(DEBUG_EXIT_PORT, verdict.port_value());
    }
}
