//! Ring 0 of an x86_64 machine: all unsafe code and assembly of the kernel.
//!
//! The names that the portable kernel uses are those of `arch-host`, signature by signature: [`context`],
//! [`boot`], [`cpu`], [`mm`], [`timer`], [`irq`], [`port`], [`console`], [`sync`], [`trap`], [`vcpu`], `pmu`. None of them is unsafe: what
//! could break memory or ring 0 is checked here or cannot be said.
//!
//! What touches the machine is there in bare builds only. The rest, encodings and the reading of foreign
//! tables, is ordinary code that the host tests.

#![cfg_attr(not(test), no_std)]
#![cfg_attr(
    not(bare),
    expect(dead_code, reason = "on the host only the tests use these parts")
)]

pub mod boot;
pub mod context;
pub mod cpu;
pub mod mm;
pub mod trap;
pub mod vcpu;

mod apic;
mod dev;
mod vmx;

#[cfg(bare)]
pub mod console;
#[cfg(bare)]
pub mod end;
#[cfg(bare)]
pub mod irq;
#[cfg(bare)]
pub mod pmu;
#[cfg(bare)]
pub mod port;
#[cfg(bare)]
pub mod sync;
#[cfg(bare)]
pub mod timer;

pub use cpu::{CpuId, MAX_CPUS};
