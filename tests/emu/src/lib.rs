//! What the proof programs share: boot, traps, registers, a report.
//!
//! A proof runs alone on the emulated machine, without any kernel, and checks what the
//! reference PMU and the emulator around it promise. It uses neither the model nor the driver:
//! expectations are numbers counted by hand. On the host there is nothing to run, so this
//! crate is empty there.
//!
//! UNSAFETY: a program that owns the machine. Every block says which part of it.
#![cfg_attr(bare, no_std)]
#![cfg(bare)]
#![expect(
    unsafe_code,
    reason = "registers, tables and assembly are what these programs test"
)]
#![expect(missing_debug_implementations, reason = "nothing here is ever printed")]
#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tables of fixed size and halves of registers; a panic is a report"
)]
#![expect(
    clippy::multiple_unsafe_ops_per_block,
    reason = "one block is one change of the machine's tables"
)]

pub mod apic;
pub mod count;
pub mod cpu;
pub mod others;
pub mod report;
pub mod trap;
pub mod vmx;

use core::arch::global_asm;

pub use report::{Outcome, Proof, fail};

global_asm!(include_str!("boot.s"), options(att_syntax));

/// What the runner passed as the boot module: the words of `BATON_PMU`, and `cpus=N`.
pub fn settings() -> &'static str {
    // SAFETY: 1. `proof_start` wrote it once, before any other code ran.
    unsafe { SETTINGS }
}

/// The value of one word `key=value` of the settings.
pub fn setting(key: &str) -> Option<&'static str> {
    settings()
        .split_whitespace()
        .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

static mut SETTINGS: &str = "";

/// The parts of `hvm_start_info` and its module list that matter here.
#[repr(C)]
struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    modules: u32,
    module_list: *const Module,
}

#[repr(C)]
struct Module {
    address: *const u8,
    size: usize,
}

/// Entered by `boot.s` with the start information that the loader passed.
#[unsafe(no_mangle)]
extern "C" fn proof_start(info: &StartInfo) -> ! {
    if info.magic == 0x336e_c578 && info.modules > 0 {
        // SAFETY: 1. the PVH protocol says that the list has `modules` entries.
        let module = unsafe { &*info.module_list };
        // SAFETY: 1. the loader copied so many bytes there, and nobody else uses them.
        let bytes = unsafe { core::slice::from_raw_parts(module.address, module.size) };
        // SAFETY: 1. nothing else runs yet.
        unsafe { SETTINGS = core::str::from_utf8(bytes).unwrap_or("") };
    }
    trap::set_up(0);
    apic::silence_old_controllers();
    unsafe extern "Rust" {
        safe fn proof_main(proof: &mut Proof);
    }
    let mut proof = Proof::begin();
    proof_main(&mut proof);
    proof.end()
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    report::panic(info)
}
