//! Boots a PVH kernel from a disk image by BIOS: sector and loader.
//!
//! Bochs boots like a PC, but QEMU's `-kernel` enters a kernel by the PVH protocol. This
//! program closes the gap, so one kernel file serves both: the BIOS loads the first sector,
//! that loads the rest of this program, and that copies the kernel and the boot modules to
//! where `xtask` says (it lays the disk out and writes the table at the end of this program),
//! adds the memory map and the ACPI pointer, and enters the kernel in 32-bit protected mode.
//!
//! It is a flat binary without any Rust at run time; on the host it is an empty program.
//!
//! UNSAFETY: the assembly runs alone on the machine, before anything that could rely on memory.
#![cfg_attr(bare, no_std, no_main)]

#[cfg(bare)]
#[expect(unsafe_code, reason = "the two assembly files are this program")]
mod bare {
    core::arch::global_asm!(include_str!("sector.s"), options(att_syntax));
    core::arch::global_asm!(include_str!("loader.s"), options(att_syntax));

    /// Nothing here can panic; the language wants a handler all the same.
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        loop {
            core::hint::spin_loop();
        }
    }
}

#[cfg(not(bare))]
fn main() {}
