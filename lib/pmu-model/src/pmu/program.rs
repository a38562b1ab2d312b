//! What each running counter counts at this moment.

use x86_regs::pmu::EventSelect;

use super::{FIXED, GP, Pmu};
use crate::EventSet;

/// What happens in a cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// Instructions retired and core cycles: one of each in every cycle.
    Cycles,
    /// Slots in which an instruction could have been issued: four in every cycle.
    Slots,
    /// Ticks of the reference clock.
    ReferenceCycles,
    /// Something that happens in some cycles, once.
    Event(EventSet),
}

/// Which counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Which {
    Gp(usize),
    Fixed(usize),
}

/// What a running counter counts, where, and what its overflow does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Program {
    pub(super) which: Which,
    pub(super) source: Source,
    pub(super) kernel: bool,
    pub(super) user: bool,
    pub(super) interrupt: bool,
    pub(super) edge: bool,
    pub(super) invert: bool,
    pub(super) counter_mask: u8,
}

impl Pmu {
    /// The counters that count, unless the freeze bit stops them all.
    pub(super) fn programs(&self) -> impl Iterator<Item = Program> {
        let running = !self.status.counters_frozen();
        let gp = (0..GP).filter_map(|index| self.gp_program(index));
        let fixed = (0..FIXED).filter_map(|index| self.fixed_program(index));
        gp.chain(fixed).filter(move |_| running)
    }

    fn gp_program(&self, index: usize) -> Option<Program> {
        let select = self.gp.get(index)?.select;
        let enabled = select.enable() && self.global_control.gp() >> index & 1 != 0;
        if !enabled || !(select.kernel() || select.user()) {
            return None;
        }
        Some(Program {
            which: Which::Gp(index),
            source: self.source(select.event())?,
            kernel: select.kernel(),
            user: select.user(),
            interrupt: select.interrupt(),
            edge: select.edge(),
            invert: select.invert(),
            counter_mask: select.counter_mask(),
        })
    }

    fn fixed_program(&self, index: usize) -> Option<Program> {
        let field = self.fixed_control.field(u32::try_from(index).ok()?)?;
        let enabled = self.global_control.fixed() >> index & 1 != 0;
        if !enabled || !(field.kernel() || field.user()) {
            return None;
        }
        Some(Program {
            which: Which::Fixed(index),
            source: match index {
                2 => Source::ReferenceCycles,
                3 => Source::Slots,
                _ => Source::Cycles,
            },
            kernel: field.kernel(),
            user: field.user(),
            interrupt: field.interrupt(),
            edge: false,
            invert: false,
            counter_mask: 0,
        })
    }

    /// What `event` means here; `None` for an event this processor does not have.
    fn source(&self, event: EventSelect) -> Option<Source> {
        // The order is that of the bits of CPUID leaf 0xA EBX.
        let (bit, source) = match event {
            EventSelect::CYCLES => (0, Source::Cycles),
            EventSelect::INSTRUCTIONS => (1, Source::Cycles),
            EventSelect::REFERENCE_CYCLES => (2, Source::ReferenceCycles),
            EventSelect::LLC_REFERENCES => (3, Source::Event(EventSet::LLC_REFERENCES)),
            EventSelect::LLC_MISSES => (4, Source::Event(EventSet::LLC_MISSES)),
            EventSelect::BRANCHES => (5, Source::Event(EventSet::BRANCHES)),
            EventSelect::BRANCH_MISSES => (6, Source::Event(EventSet::BRANCH_MISSES)),
            EventSelect::TOPDOWN_SLOTS => (7, Source::Slots),
            _ => return None,
        };
        let listed = bit < self.config.event_count;
        (listed && self.config.events_missing >> bit & 1 == 0).then_some(source)
    }
}
