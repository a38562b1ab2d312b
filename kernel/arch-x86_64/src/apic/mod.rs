//! Interrupt controllers: the CPU's own, and those that devices are wired to.

#[cfg(bare)]
pub(crate) mod io;
#[cfg(bare)]
mod local;

#[cfg(bare)]
pub(crate) use local::{
    LOCAL_APIC_PAGE, end_of_interrupt, identity, interrupt_self, prepare, prepare_cpu, read, write,
};
