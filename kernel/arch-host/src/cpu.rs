//! CPUs, and which context each resumes.

use crate::context::Context;
use crate::machine;

/// CPUs at most.
pub const MAX_CPUS: usize = 8;

/// A CPU that runs, 0 to [`MAX_CPUS`] - 1. 0 is the one that booted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct CpuId(u8);

impl CpuId {
    /// The CPU that booted.
    pub const BOOT: Self = Self(0);

    /// The CPU with this number, `None` from [`MAX_CPUS`] on.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        u8::try_from(number)
            .ok()
            .filter(|&n| usize::from(n) < MAX_CPUS)
            .map(Self)
    }

    /// Its number, below [`MAX_CPUS`].
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize % MAX_CPUS
    }
}

/// Makes `context` what [`Next::Thread`](crate::trap::Next::Thread) resumes on this CPU.
///
/// The context must be one of [`carve_contexts`](crate::boot::Boot::carve_contexts): its address is kept.
#[inline]
pub fn switch_to(cpu: CpuId, context: &mut Context) {
    machine::note_switch(cpu, context.id(), context.space());
}
