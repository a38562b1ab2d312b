//! Baton's kernel: glue between the portable kernel and one architecture.
//!
//! In bare builds this is the image that a boot loader starts: `arch-x86_64` enters through its own assembly and leads
//! every trap to the functions of `upcalls`. On the host it is a program that says so.

#![cfg_attr(bare, no_std, no_main)]

#[cfg(bare)]
mod panic;
#[cfg(bare)]
mod upcalls;

/// On the host there is no machine to boot; the tests of crate `kern` run the same kernel on `arch-host`.
#[cfg(not(bare))]
fn main() {
    println!(
        "This is the kernel of a bare x86_64 machine with up to {} CPUs. `cargo xtask run` boots it in an emulator; \
         `cargo test -p kern` runs its portable part here.",
        kern::arch::MAX_CPUS
    );
}
