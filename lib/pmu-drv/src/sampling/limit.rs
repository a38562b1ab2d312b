//! How often samples may be taken: a profiler must not stop what it profiles.

/// How often samples may be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimit {
    /// Ticks of the time-stamp counter between two samples in the long run.
    pub ticks: u64,
    /// A sample's handling may use one of this many ticks in the long run.
    pub share: u64,
    /// Samples that may come at once.
    pub burst: u64,
}

impl RateLimit {
    /// 100 000 samples a second and a quarter of the CPU, as Linux has it.
    #[must_use]
    pub const fn usual(tsc_hz: u64) -> Self {
        Self {
            ticks: tsc_hz / 100_000,
            share: 4,
            burst: 64,
        }
    }
}
