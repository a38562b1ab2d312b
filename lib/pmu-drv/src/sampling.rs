//! What an NMI does with the host's counters: a sample, and the period again.
//!
//! Runs inside the NMI handler, which may interrupt the kernel anywhere but at a register write of a switch that
//! it would notice: everything here is an atomic of the CPU that runs it, and nothing waits.
//! Registers are touched in phase [`Phase::Host`] only. An NMI that comes in phase `Switching` is held: its overflow
//! is either found by the load, which then says so with [`Sampling::expect`], or served when the host is back.

mod limit;
mod record;

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use x86_regs::msr::MsrBank;
use x86_regs::msr::MsrReg;
use x86_regs::pmu::{
    FixedCounter, FixedCtrCtrl, FixedField, FullWidthCounter, GlobalStatus, GlobalStatusReset,
    PerfEvtSel, PerfGlobalCtrl,
};

use crate::counters::{Counter, CounterSet, MAX_FIXED, MAX_GP, Split};
use crate::layout::Layout;
use crate::port::{LocalVector, Operations, Phase, PmuPort};

pub use limit::RateLimit;
pub use record::{Interrupted, NmiCounts, NmiOrigin, PhaseSet, Sample};

const COUNTERS: usize = MAX_GP + MAX_FIXED;

/// One CPU's state of sampling. Written by its CPU only; a `static` will do.
#[derive(Debug)]
pub struct Sampling {
    phase: AtomicU8,
    /// 0: the counter only counts.
    periods: [AtomicU64; COUNTERS],
    overflows: [AtomicU64; COUNTERS],
    /// What was taken away to slow a counter down: selectors, then FIXED_CTR_CTRL's fields.
    silenced: [AtomicU64; COUNTERS],
    silenced_set: AtomicU64,
    expected: AtomicU64,
    held: AtomicU64,
    /// When the next sample is paid for.
    paid_until: AtomicU64,
    host_pmis: AtomicU64,
    swallowed: AtomicU64,
    throttled: AtomicU64,
    others: AtomicU64,
    operations: [AtomicU64; 4],
}

impl Sampling {
    /// Nothing is sampled; phase Host.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            phase: AtomicU8::new(Phase::Host as u8),
            periods: [const { AtomicU64::new(0) }; COUNTERS],
            overflows: [const { AtomicU64::new(0) }; COUNTERS],
            silenced: [const { AtomicU64::new(0) }; COUNTERS],
            silenced_set: AtomicU64::new(0),
            expected: AtomicU64::new(0),
            held: AtomicU64::new(0),
            paid_until: AtomicU64::new(0),
            host_pmis: AtomicU64::new(0),
            swallowed: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
            others: AtomicU64::new(0),
            operations: [const { AtomicU64::new(0) }; 4],
        }
    }

    /// Sampling periods: general-purpose counters first, then the fixed ones; 0: the counter only counts.
    pub fn set_periods(&self, periods: &[u64; COUNTERS]) {
        for (slot, &period) in self.periods.iter().zip(periods) {
            slot.store(period, Relaxed);
        }
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> NmiCounts {
        let [reads, writes, counter_reads, vector_writes] =
            self.operations.each_ref().map(|n| n.load(Relaxed));
        NmiCounts {
            host_pmis: self.host_pmis.load(Relaxed),
            swallowed: self.swallowed.load(Relaxed),
            throttled: self.throttled.load(Relaxed),
            others: self.others.load(Relaxed),
            operations: Operations {
                reads,
                writes,
                counter_reads,
                vector_writes,
            },
            overflows: self.overflows.each_ref().map(|n| n.load(Relaxed)),
        }
    }

    /// A load has found overflows of the host and acknowledged them: their NMI is on its way, or was held.
    /// Counts the overflows and sets the values in `saved`, the host's context, back by their periods.
    pub fn expect(
        &self,
        overflowed: CounterSet,
        saved: &mut crate::PmuContext,
        layout: &Layout,
        now: u64,
    ) -> Option<Sample> {
        if overflowed.is_empty() {
            return None;
        }
        if self.held.swap(0, Relaxed) > 0 {
            add(&self.swallowed, 1);
        } else {
            self.expected.store(1, Relaxed);
        }
        let mut sampled = CounterSet::EMPTY;
        for counter in overflowed.iter() {
            if let Some(period) = self.note_overflow(counter) {
                let value = saved.value(counter).wrapping_sub(period) & layout.mask(counter);
                saved.set_value(counter, value);
                sampled = sampled.with(counter);
            }
        }
        let at = Interrupted {
            rip: 0,
            is_user: false,
            now,
        };
        (!sampled.is_empty()).then_some(Sample {
            at,
            counters: sampled,
            is_late: true,
        })
    }

    /// Publishes the phase: what [`PmuPort::set_phase`] does. Before a switch, counters that the rate limit has slowed down
    /// get their selectors back, since what the driver remembers of them must be true.
    ///
    /// [`PhaseSet::NmiWaits`]: the phase is still `Switching`; call [`Self::serve_held`], and then this again.
    pub fn set_phase(&self, port: &mut impl PmuPort, phase: Phase) -> PhaseSet {
        self.phase.store(phase as u8, Relaxed);
        match phase {
            // Not before the store: an NMI in between could slow the counter down again.
            Phase::Switching => self.give_back(port),
            Phase::Host if self.held.swap(0, Relaxed) > 0 => {
                self.phase.store(Phase::Switching as u8, Relaxed);
                return PhaseSet::NmiWaits;
            }
            Phase::Host | Phase::Guest => {}
        }
        PhaseSet::Quiet
    }

    /// Whether the rate limit has slowed a counter down. Then the next timer tick in phase `Host` sets the phase to `Switching`
    /// and back, which lets it count again.
    #[must_use]
    pub fn is_silenced(&self) -> bool {
        self.silenced_set.load(Relaxed) != 0
    }

    /// In phase `Switching`.
    fn give_back(&self, port: &mut impl PmuPort) {
        let silenced = CounterSet::from_bits(self.silenced_set.swap(0, Relaxed));
        if silenced.is_empty() {
            return;
        }
        let control: PerfGlobalCtrl = self.read(port);
        self.write(port, PerfGlobalCtrl::new());
        let mut fixed = None;
        for counter in silenced.iter() {
            let Some(saved) = self.silenced.get(counter.position()) else {
                continue;
            };
            let saved = saved.load(Relaxed);
            match counter.split() {
                Split::Gp(i) => self.write_selector(port, i, PerfEvtSel::from(saved)),
                Split::Fixed(i) => {
                    let old = fixed.unwrap_or_else(|| self.read::<FixedCtrCtrl>(port));
                    fixed = Some(old.with_field(u32::from(i), field(saved)));
                }
            }
        }
        if let Some(control) = fixed {
            self.write(port, control);
        }
        self.write(port, control);
    }

    /// An NMI came. The caller writes the sample and ends the NMI.
    pub fn nmi(
        &self,
        port: &mut impl PmuPort,
        layout: &Layout,
        limit: &RateLimit,
        at: Interrupted,
    ) -> NmiOrigin {
        match self.phase.load(Relaxed) {
            phase if phase == Phase::Host as u8 => self.serve_held(port, layout, limit, at),
            phase if phase == Phase::Switching as u8 => {
                add(&self.held, 1);
                NmiOrigin::Held
            }
            _ => self.not_an_overflow(),
        }
    }

    /// Does what an NMI does. For one that was held, in phase `Switching` with the host's counters loaded.
    pub fn serve_held(
        &self,
        port: &mut impl PmuPort,
        layout: &Layout,
        limit: &RateLimit,
        at: Interrupted,
    ) -> NmiOrigin {
        let status: GlobalStatus = self.read(port);
        let overflowed = CounterSet::from_bits(status.into()).intersection(layout.counters);
        if overflowed.is_empty() {
            return self.not_an_overflow();
        }
        add(&self.host_pmis, 1);
        // 1. Stop: a counter that ran on would overflow again while this one is acknowledged.
        let control: PerfGlobalCtrl = self.read(port);
        self.write(port, PerfGlobalCtrl::new());
        let is_paid = self.pay(limit, at.now);
        // 2. Set the counters back by their period, from where they are: events since the overflow stay counted.
        let mut sampled = CounterSet::EMPTY;
        for counter in overflowed.iter() {
            let Some(period) = self.note_overflow(counter) else {
                continue;
            };
            sampled = sampled.with(counter);
            self.set_back(port, layout, counter, period);
            if !is_paid {
                self.silence(port, counter);
            }
        }
        // 3. Acknowledge, or the next overflow of the same counter raises nothing.
        self.write(port, GlobalStatusReset::from(overflowed.bits()));
        // 4. Unmask: the PMI has set the mask bit. Before the counters run again.
        add_at(&self.operations, 3, 1);
        port.set_local_vector(LocalVector::Nmi);
        // 5. The resting value again, unchanged: a copy of it may be in a VMCS.
        self.write(port, control);
        if sampled.is_empty() {
            return NmiOrigin::Pmi(None);
        }
        if !is_paid {
            add(&self.throttled, 1);
            return NmiOrigin::Pmi(None);
        }
        NmiOrigin::Pmi(Some(Sample {
            at,
            counters: sampled,
            is_late: false,
        }))
    }

    /// Charges the limit with what the NMI took, from `began` to `ended`. The last thing that the handler does.
    pub fn charge(&self, limit: &RateLimit, began: u64, ended: u64) {
        let extra = (ended.saturating_sub(began) * limit.share).saturating_sub(limit.ticks);
        add(&self.paid_until, extra);
    }

    /// Whether another sample is within the limit; if so it is charged for.
    fn pay(&self, limit: &RateLimit, now: u64) -> bool {
        let paid_until = self.paid_until.load(Relaxed).max(now);
        let is_paid = paid_until - now <= limit.ticks * limit.burst;
        if is_paid {
            self.paid_until.store(paid_until + limit.ticks, Relaxed);
        }
        is_paid
    }

    fn not_an_overflow(&self) -> NmiOrigin {
        if self.expected.swap(0, Relaxed) > 0 {
            add(&self.swallowed, 1);
            NmiOrigin::Expected
        } else {
            add(&self.others, 1);
            NmiOrigin::Other
        }
    }

    /// Counts an overflow and gives the period of a counter that samples.
    fn note_overflow(&self, counter: Counter) -> Option<u64> {
        add_at(&self.overflows, counter.position(), 1);
        let period = self.periods.get(counter.position())?.load(Relaxed);
        (period != 0).then_some(period)
    }

    fn set_back(&self, port: &mut impl PmuPort, layout: &Layout, counter: Counter, period: u64) {
        add_at(&self.operations, 2, 1);
        let value = port.read_counter(counter.rdpmc());
        let value = value.wrapping_sub(period) & layout.mask(counter);
        let address = match counter.split() {
            Split::Gp(i) => FullWidthCounter::addr(u32::from(i)),
            Split::Fixed(i) => FixedCounter::addr(u32::from(i)),
        };
        if let Some(address) = address {
            add_at(&self.operations, 1, 1);
            port.write_msr(address, value);
        }
    }

    /// Takes a counter's enable bits away until [`Self::give_back`].
    fn silence(&self, port: &mut impl PmuPort, counter: Counter) {
        let Some(slot) = self.silenced.get(counter.position()) else {
            return;
        };
        match counter.split() {
            Split::Gp(i) => {
                let Some(address) = PerfEvtSel::addr(u32::from(i)) else {
                    return;
                };
                add_at(&self.operations, 0, 1);
                let selector = PerfEvtSel::from(port.read_msr(address));
                slot.store(selector.into(), Relaxed);
                self.write_selector(port, i, selector.with_enable(false));
            }
            Split::Fixed(i) => {
                let control: FixedCtrCtrl = self.read(port);
                let old = control.field(u32::from(i)).unwrap_or_default();
                slot.store(u64::from(old.into_bits()), Relaxed);
                self.write(port, control.with_field(u32::from(i), FixedField::new()));
            }
        }
        let set = CounterSet::from_bits(self.silenced_set.load(Relaxed)).with(counter);
        self.silenced_set.store(set.bits(), Relaxed);
    }

    fn write_selector(&self, port: &mut impl PmuPort, index: u8, selector: PerfEvtSel) {
        if let Some(address) = PerfEvtSel::addr(u32::from(index)) {
            add_at(&self.operations, 1, 1);
            port.write_msr(address, selector.into());
        }
    }

    fn read<R: MsrReg>(&self, port: &mut impl PmuPort) -> R {
        add_at(&self.operations, 0, 1);
        R::from(port.read_msr(R::ADDR))
    }

    fn write<R: MsrReg>(&self, port: &mut impl PmuPort, value: R) {
        add_at(&self.operations, 1, 1);
        port.write_msr(R::ADDR, value.into());
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Self::new()
    }
}

fn field(bits: u64) -> FixedField {
    FixedField::from_bits(u8::try_from(bits & 0xf).unwrap_or(0))
}

/// One CPU writes, and an NMI that comes between load and store has ended before the store: it could lose that
/// NMI's step, so only counts that the NMI alone writes are moved this way, or ones it cannot reach in this phase.
fn add(number: &AtomicU64, amount: u64) {
    number.store(number.load(Relaxed).wrapping_add(amount), Relaxed);
}

fn add_at(numbers: &[AtomicU64], index: usize, amount: u64) {
    if let Some(number) = numbers.get(index) {
        add(number, amount);
    }
}
