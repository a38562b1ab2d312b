//! How far the emulator may run before something happens unseen.

use super::Pmu;
use super::program::{Program, Source};
use crate::{Allowance, Budget, EventSet, UNLIMITED};

/// What a counter needs before it has counted enough.
enum Need {
    /// It never will.
    Nothing,
    /// So many instructions in ring 0, so many in the others.
    Instructions(u64, u64),
    /// So many events.
    Events(EventSet, u64),
}

impl Pmu {
    /// How much may retire, under the present state, before [`Pmu::advance`] must be called.
    ///
    /// Ask again after every access and every report: both change the answer.
    #[must_use]
    pub fn budget(&self) -> Budget {
        let mut budget = Budget {
            kernel: Allowance::UNLIMITED,
            user: Allowance::UNLIMITED,
            wanted: EventSet::NONE,
        };
        if self.delay_left != 0 {
            let half = share(u64::from(self.delay_left), true);
            budget.limit_instructions(Some(half), Some(half));
        }
        for program in self.programs() {
            if let Source::Event(event) = program.source {
                budget.wanted |= event;
            }
            let (in_kernel, in_user) = (program.kernel, program.user);
            match self.need(&program) {
                Need::Nothing => {}
                Need::Instructions(kernel, user) => {
                    budget.limit_instructions(in_kernel.then_some(kernel), in_user.then_some(user));
                }
                Need::Events(event, count) => {
                    if in_kernel {
                        budget.kernel.limit_events(event, count);
                    }
                    if in_user {
                        budget.user.limit_events(event, count);
                    }
                }
            }
        }
        budget
    }

    fn need(&self, program: &Program) -> Need {
        let (low, high) = self.values(program.source);
        let asserted = (program.is_asserted_by(low), program.is_asserted_by(high));
        if program.edge && asserted.0 != asserted.1 {
            // An edge depends on the order of cycles, which a report does not tell.
            return Need::Instructions(1, 1);
        }
        if !program.interrupt {
            return Need::Nothing;
        }
        let left = (1 << self.width(program.which)) - self.value(program.which);
        let each = share(left, program.kernel && program.user);
        match (program.source, asserted) {
            _ if program.edge => self.constant_edge(program, asserted.0),
            (Source::Event(event), _) if program.counter_mask == 0 => Need::Events(event, each),
            (Source::ReferenceCycles, _) if program.counter_mask == 0 => {
                let ratio = self.config.reference_ratio;
                let (kernel, user) = self.clocks.cycles_until(each, ratio);
                Need::Instructions(kernel, user)
            }
            (_, _) if program.counter_mask == 0 => {
                let cycles = each.div_ceil(high);
                Need::Instructions(cycles, cycles)
            }
            (_, (false, false)) => Need::Nothing,
            (Source::Event(event), (false, true)) => Need::Events(event, each),
            // At most one a cycle, so this many cycles cannot be too many.
            _ => Need::Instructions(each, each),
        }
    }

    /// A condition that never changes has one edge at most: the first cycle, if it holds.
    fn constant_edge(&self, program: &Program, asserted: bool) -> Need {
        if asserted && !self.was_asserted(program.which) {
            Need::Instructions(1, 1)
        } else {
            Need::Nothing
        }
    }

    /// The least and the most of `source` that one cycle can hold.
    fn values(&self, source: Source) -> (u64, u64) {
        match source {
            Source::Cycles => (1, 1),
            Source::Slots => (super::count::SLOTS, super::count::SLOTS),
            Source::Event(_) => (0, 1),
            Source::ReferenceCycles => {
                let ratio = self.config.reference_ratio;
                let (reference, core) = (u64::from(ratio.reference), u64::from(ratio.core));
                (reference / core, reference.div_ceil(core))
            }
        }
    }
}

/// What each ring may use up of `left`. Two rings get half each, rounded up: before the
/// instruction that uses up one half, both together have used less than `left`.
const fn share(left: u64, both_rings: bool) -> u64 {
    if both_rings { left.div_ceil(2) } else { left }
}

impl Budget {
    fn limit_instructions(&mut self, kernel: Option<u64>, user: Option<u64>) {
        if let Some(count) = kernel {
            limit(&mut self.kernel.instructions, count);
        }
        if let Some(count) = user {
            limit(&mut self.user.instructions, count);
        }
    }
}

impl Allowance {
    fn limit_events(&mut self, event: EventSet, count: u64) {
        match event {
            EventSet::BRANCHES => limit(&mut self.branches, count),
            EventSet::BRANCH_MISSES => limit(&mut self.branch_misses, count),
            EventSet::LLC_REFERENCES => limit(&mut self.llc_references, count),
            EventSet::LLC_MISSES => limit(&mut self.llc_misses, count),
            _ => {}
        }
    }
}

fn limit(allowance: &mut i64, count: u64) {
    *allowance = i64::try_from(count).unwrap_or(UNLIMITED).min(*allowance);
}
