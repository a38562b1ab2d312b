//! CPUs, and which context each resumes.

pub(crate) mod features;

#[cfg(bare)]
mod fpu;
#[cfg(bare)]
pub(crate) mod instructions;
#[cfg(bare)]
pub(crate) mod per_cpu;
#[cfg(bare)]
pub(crate) mod setup;
#[cfg(bare)]
pub(crate) mod stacks;
#[cfg(bare)]
mod switch;

#[cfg(bare)]
pub(crate) use fpu::area_words;
#[cfg(bare)]
pub use switch::switch_to;

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
        // It is below already; this tells the compiler, which then checks no index.
        self.0 as usize % MAX_CPUS
    }
}
