//! The APIC timer: one shot, periodic, or at a value of the time-stamp counter.
//!
//! Time is an argument. One clock of the timer is a nanosecond; CPUID leaf 0x15 says so.
//! SDM vol. 3A, "APIC Timer".

use x86_regs::apic::{DivideConfiguration, LvtEntry};

use crate::env::Moment;

const NANOS_A_SECOND: u128 = 1_000_000_000;

/// How it counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    OneShot,
    Periodic,
    TscDeadline,
}

impl Mode {
    /// What the LVT entry says; `None` for the reserved mode.
    pub(super) const fn of(entry: LvtEntry) -> Option<Self> {
        match entry.timer_mode() {
            LvtEntry::ONE_SHOT => Some(Self::OneShot),
            LvtEntry::PERIODIC => Some(Self::Periodic),
            LvtEntry::TSC_DEADLINE => Some(Self::TscDeadline),
            _ => None,
        }
    }
}

/// What became of the timer since it was last asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(super) enum Tick {
    /// Its time has not come.
    Quiet,
    /// It fired, once or more often.
    Fired,
}

#[derive(Clone, Debug)]
pub(super) struct Timer {
    mode: Mode,
    initial: u32,
    divide: DivideConfiguration,
    count: Option<Count>,
    /// 0: not armed.
    deadline: u64,
    tsc_hz: u64,
}

/// A count that is under way.
#[derive(Clone, Copy, Debug)]
struct Count {
    /// Nanoseconds at which it stood at `left`.
    since: u64,
    left: u32,
}

impl Timer {
    pub(super) const fn new(tsc_hz: u64) -> Self {
        Self {
            mode: Mode::OneShot,
            initial: 0,
            divide: DivideConfiguration::new(),
            count: None,
            deadline: 0,
            tsc_hz,
        }
    }

    /// A new mode. To and from TSC deadline the timer is disarmed; between the others it counts on.
    pub(super) fn set_mode(&mut self, mode: Mode) {
        if (self.mode == Mode::TscDeadline) != (mode == Mode::TscDeadline) {
            self.count = None;
            self.initial = 0;
            self.deadline = 0;
        }
        self.mode = mode;
    }

    pub(super) const fn tsc_hz(&self) -> u64 {
        self.tsc_hz
    }

    pub(super) const fn initial(&self) -> u32 {
        self.initial
    }

    /// Starts the count; 0 stops it. Ignored in TSC-deadline mode.
    pub(super) fn set_initial(&mut self, initial: u32, now: Moment) {
        if self.mode == Mode::TscDeadline {
            return;
        }
        self.initial = initial;
        self.count = (initial > 0).then_some(Count {
            since: now.nanos,
            left: initial,
        });
    }

    pub(super) const fn divide(&self) -> DivideConfiguration {
        self.divide
    }

    /// Another speed; what is left of the count stays.
    pub(super) fn set_divide(&mut self, divide: DivideConfiguration, now: Moment) {
        let left = self.current(now);
        self.divide = divide;
        if let Some(count) = &mut self.count {
            *count = Count {
                since: now.nanos,
                left,
            };
        }
    }

    /// What is left of the count. Ask [`Self::poll`] first.
    pub(super) fn current(&self, now: Moment) -> u32 {
        self.count.map_or(0, |count| {
            let gone = now.nanos.saturating_sub(count.since) / u64::from(self.divide.divisor());
            count
                .left
                .saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX))
        })
    }

    pub(super) const fn deadline(&self) -> u64 {
        self.deadline
    }

    /// Arms the timer, or disarms it with 0. Ignored in other modes.
    pub(super) fn set_deadline(&mut self, deadline: u64) {
        if self.mode == Mode::TscDeadline {
            self.deadline = deadline;
        }
    }

    /// Lets time pass up to `now`. Periods that nobody looked at are one tick, as IRR has one bit.
    pub(super) fn poll(&mut self, now: Moment) -> Tick {
        if self.mode == Mode::TscDeadline {
            if self.deadline == 0 || now.tsc < self.deadline {
                return Tick::Quiet;
            }
            self.deadline = 0;
            return Tick::Fired;
        }
        let Some(count) = self.count else {
            return Tick::Quiet;
        };
        let end = count.since.saturating_add(self.nanos(count.left));
        if now.nanos < end {
            return Tick::Quiet;
        }
        self.count = match self.mode {
            Mode::Periodic => {
                let over = (now.nanos - end) % self.nanos(self.initial).max(1);
                Some(Count {
                    since: now.nanos - over,
                    left: self.initial,
                })
            }
            _ => None,
        };
        Tick::Fired
    }

    /// The value of the time-stamp counter, never 0, at which [`Self::poll`] answers [`Tick::Fired`].
    pub(super) fn next(&self, now: Moment) -> Option<u64> {
        if self.mode == Mode::TscDeadline {
            return (self.deadline > 0).then_some(self.deadline);
        }
        let count = self.count?;
        let end = count.since.saturating_add(self.nanos(count.left));
        let left = u128::from(end.saturating_sub(now.nanos));
        // Rounded up, and one more: the nanoseconds that a clock shows are rounded down from its ticks.
        let ticks = (left * u128::from(self.tsc_hz)).div_ceil(NANOS_A_SECOND) + 1;
        Some(
            now.tsc
                .saturating_add(u64::try_from(ticks).unwrap_or(u64::MAX)),
        )
    }

    fn nanos(&self, counts: u32) -> u64 {
        u64::from(counts) * u64::from(self.divide.divisor())
    }
}
