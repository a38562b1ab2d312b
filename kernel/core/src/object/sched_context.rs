//! A scheduling context: a budget of CPU time per period, as a sporadic server.
//!
//! Time used in one go, from `since` on, comes back one period after `since`. That bounds what is used in *any*
//! window of one period by the budget, also for threads that block and wake at the worst moments.
//! After B. Sprunt, L. Sha and J. Lehoczky, "Aperiodic Task Scheduling for Hard-Real-Time Systems", 1989, with the correction that a
//! replenishment counts from when the thread was given the CPU, not from when it wanted it.
//! A budget equal to the period is plain round robin: used up means the next one's turn, nothing is throttled.

use super::ThreadId;

/// Replenishments that wait at most; with the one in use, eight.
const QUEUED: usize = 7;
/// Replenishments closer together than the period divided by this are one.
const GRAIN: u64 = 8;

/// Time that comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Refill {
    /// When, in ticks.
    pub(crate) time: u64,
    /// How many ticks.
    pub(crate) amount: u64,
}

/// Whether a scheduling context may be given the CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Start {
    /// Yes.
    Ready,
    /// It had its turn: the others of its priority come first.
    TurnOver,
    /// Not before this moment.
    Throttled(u64),
}

/// A budget of CPU time. `available + spent +` all of `queue` is always `budget`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SchedContext {
    /// Ticks that may be used.
    pub(crate) available: u64,
    /// Ticks used since `since`.
    pub(crate) spent: u64,
    /// When the CPU was given to it.
    pub(crate) since: u64,
    /// Ticks a period.
    pub(crate) budget: u64,
    /// Ticks, at least the budget.
    pub(crate) period: u64,
    /// Ticks used since the last question.
    pub(crate) consumed: u64,
    /// The thread that it belongs to.
    pub(crate) home: Option<ThreadId>,
    /// The thread that runs on it: its own, or one that works for it.
    pub(crate) runner: Option<ThreadId>,
    /// Time of the last queued replenishment when it was queued; joining it with others moves its time.
    opened: u64,
    queue: [Refill; QUEUED],
    queued: u8,
}

impl SchedContext {
    /// A full budget. `budget` and `period` are in ticks.
    pub(crate) fn new(budget: u64, period: u64) -> Self {
        Self {
            available: budget,
            spent: 0,
            since: 0,
            budget,
            period,
            consumed: 0,
            home: None,
            runner: None,
            opened: 0,
            queue: [Refill::default(); QUEUED],
            queued: 0,
        }
    }

    #[inline]
    pub(crate) fn is_round_robin(&self) -> bool {
        self.budget == self.period
    }

    /// The replenishments that wait, earliest first.
    pub(crate) fn queue(&self) -> &[Refill] {
        self.queue.get(..usize::from(self.queued)).unwrap_or(&[])
    }

    /// Takes `used` ticks off the budget. What is used beyond it (an interrupt that came late) delays the next replenishment.
    #[inline]
    pub(crate) fn charge(&mut self, used: u64) {
        let taken = used.min(self.available);
        self.available -= taken;
        self.spent += taken;
        self.since += used - taken;
        self.consumed += used;
    }

    /// Asks for the CPU at `now`. A budget of less than `least` ticks is not worth a switch.
    #[inline]
    pub(crate) fn start(&mut self, now: u64, least: u64) -> Start {
        if !self.is_round_robin() {
            return self.start_sporadic(now, least);
        }
        if self.available >= least {
            return Start::Ready;
        }
        self.new_turn();
        Start::TurnOver
    }

    fn start_sporadic(&mut self, now: u64, least: u64) -> Start {
        self.settle(now);
        match self.queue().first() {
            Some(next) if self.available < least => Start::Throttled(next.time),
            _ => Start::Ready,
        }
    }

    /// A fresh round-robin slice.
    fn new_turn(&mut self) {
        self.available = self.budget;
        self.spent = 0;
    }

    /// Ends one go and begins another at `now`: queues what was used, takes what has come back.
    fn settle(&mut self, now: u64) {
        let spent = core::mem::take(&mut self.spent);
        self.push(self.since.saturating_add(self.period), spent);
        self.since = now;
        let due = self.queue().iter().take_while(|refill| refill.time <= now);
        let (count, amount) = due.fold((0, 0), |(n, sum), refill| (n + 1, sum + refill.amount));
        self.available += amount;
        self.queue.rotate_left(count);
        #[expect(clippy::cast_possible_truncation, reason = "at most QUEUED")]
        let count = count as u8;
        self.queued -= count;
    }

    fn push(&mut self, time: u64, amount: u64) {
        if amount == 0 {
            return;
        }
        let position = usize::from(self.queued);
        if let Some(last) = position
            .checked_sub(1)
            .and_then(|last| self.queue.get_mut(last))
            && (position == QUEUED || time.saturating_sub(self.opened) <= self.period / GRAIN)
        {
            // The later time counts for both: less than asked for, never more than allowed.
            last.amount += amount;
            last.time = last.time.max(time);
        } else if let Some(free) = self.queue.get_mut(position) {
            *free = Refill { time, amount };
            self.opened = time;
            self.queued += 1;
        }
    }

    /// Gives up what is left until it comes back as if it had been used.
    pub(crate) fn give_up(&mut self) {
        if self.is_round_robin() {
            self.new_turn();
        } else {
            self.spent += core::mem::take(&mut self.available);
        }
    }

    /// Sets budget and period, both in ticks. Time that was used and has not come back stays used.
    pub(crate) fn configure(&mut self, budget: u64, period: u64, now: u64) {
        let missing = (self.budget - self.available).min(budget);
        let (home, runner, consumed) = (self.home, self.runner, self.consumed);
        *self = Self {
            home,
            runner,
            consumed,
            ..Self::new(budget, period)
        };
        self.since = now;
        if !self.is_round_robin() {
            self.available = budget - missing;
            self.push(now.saturating_add(period), missing);
        }
    }
}
