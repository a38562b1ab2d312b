//! Time passes: counters move, overflow, freeze, and ask for an interrupt.

use x86_regs::pmu::{GlobalStatus, PerfGlobalCtrl};

use super::Pmu;
use super::count::Cycles;
use super::program::Which;
use crate::{Elapsed, Version};

/// What overflowed in one report.
#[derive(Default)]
struct Overflows {
    status: GlobalStatus,
    interrupt: bool,
}

impl Pmu {
    /// Time passes: `elapsed` retired since the last report, under the present state.
    ///
    /// Every counter counts up to and including the last instruction reported. Then what
    /// overflowed is recorded, the counters freeze if DEBUGCTL says so, and an interrupt is
    /// requested after the configured delay. The delay counts instructions of either ring.
    /// Nothing takes an interrupt back once it is on its way: not clearing the status, not
    /// stopping the counter, not another overflow; and an overflow while one is on its way
    /// adds no second one.
    pub fn advance(&mut self, elapsed: &Elapsed) {
        let (kernel_ticks, user_ticks) = self.clocks.advance(elapsed, self.config.reference_ratio);
        let mut programs = [None; super::GP + super::FIXED];
        for (room, program) in programs.iter_mut().zip(self.programs()) {
            *room = Some(program);
        }
        let mut overflows = Overflows::default();
        for program in programs.into_iter().flatten() {
            let mut asserted = self.was_asserted(program.which);
            let mut counted = 0;
            if program.kernel {
                let cycles = Cycles::of(program.source, &elapsed.kernel, kernel_ticks);
                counted += cycles.counted(&program, &mut asserted);
            }
            if program.user {
                let cycles = Cycles::of(program.source, &elapsed.user, user_ticks);
                counted += cycles.counted(&program, &mut asserted);
            }
            if self.add(program.which, counted, asserted) {
                overflows.record(program.which);
                overflows.interrupt |= program.interrupt;
            }
        }
        let instructions = elapsed
            .kernel
            .instructions
            .saturating_add(elapsed.user.instructions);
        self.wait(instructions);
        self.overflow(&overflows);
    }

    /// The processor stopped retiring instructions (HLT, MWAIT, shutdown): an interrupt on
    /// its way arrives now, since no instruction will ever count its delay down.
    pub const fn settle(&mut self) {
        if self.delay_left != 0 {
            self.delay_left = 0;
            self.interrupt_requested = true;
        }
    }

    /// Whether an interrupt is requested now. Answers `true` once for each request; the local
    /// APIC decides what becomes of it.
    #[must_use]
    pub const fn take_pmi(&mut self) -> bool {
        core::mem::replace(&mut self.interrupt_requested, false)
    }

    /// Adds to a counter, and says whether it overflowed.
    fn add(&mut self, which: Which, counted: u128, asserted: bool) -> bool {
        let width = self.width(which);
        let value = match which {
            Which::Gp(index) => self.gp.get_mut(index).map(|counter| {
                counter.was_asserted = asserted;
                &mut counter.value
            }),
            Which::Fixed(index) => self.fixed.get_mut(index),
        };
        let Some(value) = value else { return false };
        let sum = u128::from(*value).saturating_add(counted);
        *value = u64::try_from(sum & ((1 << width) - 1)).unwrap_or(0);
        sum >> width != 0
    }

    /// An interrupt on its way comes nearer.
    fn wait(&mut self, instructions: u64) {
        let left = u64::from(self.delay_left).saturating_sub(instructions);
        if left == 0 {
            self.settle();
        } else {
            self.delay_left = u8::try_from(left).unwrap_or(u8::MAX);
        }
    }

    fn overflow(&mut self, overflows: &Overflows) {
        let status = self.status.into_bits() | overflows.status.into_bits();
        self.status = GlobalStatus::from_bits(status);
        if !overflows.interrupt {
            return;
        }
        self.freeze();
        if self.delay_left == 0 {
            self.delay_left = self.config.pmi_delay;
            self.interrupt_requested |= self.config.pmi_delay == 0;
        }
    }

    /// Freezes what DEBUGCTL says an overflow with an interrupt freezes. The overflow does
    /// it, not the interrupt, which may be late.
    fn freeze(&mut self) {
        let records = self.debug_control.freeze_branch_records_on_pmi();
        let counters = self.debug_control.freeze_counters_on_pmi();
        if self.config.version >= Version::V4 {
            self.status
                .set_lbr_frozen(self.status.lbr_frozen() || records);
            self.status
                .set_counters_frozen(self.status.counters_frozen() || counters);
            return;
        }
        if records {
            self.debug_control.set_branch_records(false);
        }
        if counters {
            self.global_control = PerfGlobalCtrl::new();
        }
    }

    pub(super) const fn width(&self, which: Which) -> u8 {
        match which {
            Which::Gp(_) => self.config.gp_width,
            Which::Fixed(_) => self.config.fixed_width,
        }
    }

    pub(super) fn was_asserted(&self, which: Which) -> bool {
        match which {
            Which::Gp(index) => self
                .gp
                .get(index)
                .is_some_and(|counter| counter.was_asserted),
            Which::Fixed(_) => false,
        }
    }

    pub(super) fn value(&self, which: Which) -> u64 {
        match which {
            Which::Gp(index) => self.gp.get(index).map_or(0, |counter| counter.value),
            Which::Fixed(index) => self.fixed.get(index).copied().unwrap_or(0),
        }
    }
}

impl Overflows {
    fn record(&mut self, which: Which) {
        match which {
            Which::Gp(index) => self.status.set_gp(self.status.gp() | 1 << index),
            Which::Fixed(index) => self.status.set_fixed(self.status.fixed() | 1 << index),
        }
    }
}
