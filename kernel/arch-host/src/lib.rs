//! The kernel's architecture interface as an ordinary process, for tests.
//!
//! The same names and signatures as `arch-x86_64`, so this crate is also the compile-time description of
//! that interface: what `kern` uses and builds against here, it may use there. Registers are a structure,
//! time is a number that a test sets, devices are lists of what the kernel did ([`machine`], the only
//! module that the real architecture does not have). All state outside of the kernel's own objects
//! belongs to the calling thread, so tests run side by side.

#![forbid(unsafe_code)]

pub mod boot;
pub mod console;
pub mod context;
pub mod cpu;
pub mod irq;
pub mod machine;
pub mod mm;
pub mod pmu;
pub mod port;
pub mod sync;
pub mod timer;
pub mod trap;
pub mod vcpu;

pub use cpu::{CpuId, MAX_CPUS};
