//! The architecture that this kernel runs on, under one name.
//!
//! No trait and no type parameter: a build has exactly one architecture, and both crates export the
//! same names with the same signatures.

#[cfg(not(bare))]
pub use arch_host::{
    CpuId, MAX_CPUS, boot, console, context, cpu, irq, mm, pmu, port, sync, timer, trap, vcpu,
};
#[cfg(bare)]
pub use arch_x86_64::{
    CpuId, MAX_CPUS, boot, console, context, cpu, irq, mm, pmu, port, sync, timer, trap, vcpu,
};
