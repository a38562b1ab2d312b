//! Time: the TSC, and a timer that interrupts once.
//!
//! The timer is the TSC deadline where CPUID has it, else the local APIC's counter, whose ticks are measured.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use x86_regs::apic::{
    CurrentCount, DivideConfiguration, InitialCount, LvtEntry, LvtTimer, TscDeadline,
};

use crate::CpuId;
use crate::apic;
use crate::cpu::features::Features;
use crate::cpu::instructions;
use crate::dev::{pit, pit_channel};
use crate::trap::vector::Vector;

mod deadline;

/// A moment, or a length of time, in ticks of the TSC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(transparent)]
pub struct Ticks(pub u64);

static TICKS_PER_US: AtomicU64 = AtomicU64::new(1);
static HAS_DEADLINE: AtomicBool = AtomicBool::new(false);
/// Ticks of the APIC's counter in 2^32 TSC ticks.
static COUNTS: AtomicU64 = AtomicU64::new(1 << 32);

/// The time now. It never goes back.
#[must_use]
#[inline]
pub fn now() -> Ticks {
    Ticks(instructions::time_stamp())
}

/// Ticks of a microsecond, at least 1.
#[must_use]
#[inline]
pub fn ticks_per_us() -> u64 {
    TICKS_PER_US.load(Ordering::Relaxed)
}

/// Asks for one [`Interrupt::Timer`](crate::trap::Interrupt::Timer) on `cpu`, which is the one this runs on, at `deadline`, instead of the one asked for before.
///
/// A moment that has passed means at once. The interrupt may come early or late; `kern` looks at [`now`].
#[inline]
pub fn arm(_cpu: CpuId, deadline: Ticks) {
    if HAS_DEADLINE.load(Ordering::Relaxed) {
        deadline::set(TscDeadline(deadline.0));
    } else {
        let left = deadline.0.saturating_sub(now().0);
        apic::write(InitialCount(scale(left, COUNTS.load(Ordering::Relaxed))));
    }
}

/// `ticks * per_2_32 / 2^32`, at least 1 (0 would stop the counter) and at most what the counter holds: it then
/// fires early, which is allowed.
fn scale(ticks: u64, per_2_32: u64) -> u32 {
    let counts = (u128::from(ticks) * u128::from(per_2_32)) >> 32;
    u32::try_from(counts).unwrap_or(u32::MAX).max(1)
}

/// Measures what CPUID does not say, sets the timer up, and gives the TSC's frequency in Hz.
pub(crate) fn prepare(features: &Features) -> u64 {
    HAS_DEADLINE.store(features.tsc_deadline, Ordering::Relaxed);
    let entry = LvtEntry::new().with_vector(Vector::TIMER.0);
    let tsc_hz = if features.tsc_deadline {
        apic::write(LvtTimer(entry.with_timer_mode(LvtEntry::TSC_DEADLINE)));
        // A deadline written before the mode is set would be lost. SDM vol. 3A, "TSC-Deadline Mode".
        deadline::fence();
        features.tsc_hz.unwrap_or_else(measure_tsc)
    } else {
        apic::write(DivideConfiguration::BY_1);
        apic::write(LvtTimer(entry.with_masked(true)));
        let tsc_hz = features.tsc_hz.unwrap_or_else(measure_tsc);
        let count_hz = measure_counter();
        let counts = (u128::from(count_hz) << 32) / u128::from(tsc_hz.max(1));
        COUNTS.store(
            u64::try_from(counts).unwrap_or(u64::MAX).max(1),
            Ordering::Relaxed,
        );
        apic::write(LvtTimer(entry.with_timer_mode(LvtEntry::ONE_SHOT)));
        tsc_hz
    };
    TICKS_PER_US.store((tsc_hz / 1_000_000).max(1), Ordering::Relaxed);
    tsc_hz
}

fn measure_tsc() -> u64 {
    pit::settle(|ticks| pit_channel::measure(ticks, instructions::time_stamp))
}

fn measure_counter() -> u64 {
    apic::write(InitialCount(u32::MAX));
    let hz = pit::settle(|ticks| {
        pit_channel::measure(ticks, || {
            let CurrentCount(left) = apic::read();
            u64::from(u32::MAX - left)
        })
    });
    apic::write(InitialCount(0));
    hz
}
