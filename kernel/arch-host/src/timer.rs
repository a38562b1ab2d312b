//! Time, which a test sets.

use crate::CpuId;
use crate::machine;

/// A moment, or a length of time, in ticks of the TSC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(transparent)]
pub struct Ticks(pub u64);

/// The time now. It never goes back.
#[must_use]
#[inline]
pub fn now() -> Ticks {
    machine::now()
}

/// Ticks of a microsecond, at least 1.
#[must_use]
#[inline]
pub fn ticks_per_us() -> u64 {
    1000
}

/// Asks for one [`Interrupt::Timer`](crate::trap::Interrupt::Timer) on `cpu` at `deadline`, instead of the one asked for before.
///
/// A moment that has passed means at once. The interrupt may come early or late; `kern` looks at [`now`].
#[inline]
pub fn arm(cpu: CpuId, deadline: Ticks) {
    machine::note_deadline(cpu, deadline);
}
