//! Adds instructions that software completed on a guest's behalf.
//!
//! An instruction that causes a VM exit does not retire, so the hardware never counts it. The VMM that emulates
//! it says so at re-entry, and each enabled counter that would have counted it is moved by hand: read, add, write.

use x86_regs::pmu::{EventSelect, GlobalStatus, GlobalStatusSet};

use crate::context::PmuContext;
use crate::counters::{Counter, CounterSet};
use crate::cpu::CpuPmu;
use crate::layout::Layout;
use crate::port::{PmuPort, Ring};

/// What software completed at one privilege level.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Retired {
    /// Instructions, branches included.
    pub instructions: u32,
    /// Branches among them.
    pub branches: u32,
}

/// What adding them led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Emulated {
    /// No counter asked for an interrupt.
    Quiet,
    /// A counter wrapped and its interrupt bit is set: the guest gets a PMI.
    Pmi,
}

impl<P: PmuPort> CpuPmu<P> {
    /// Adds `retired` to the resident context, between a VM exit and the next entry.
    ///
    /// With k counters that count it: k RDPMC, k WRMSR, and one WRMSR more if any of them wraps. None of either for k = 0.
    pub fn add_emulated(
        &mut self,
        resident: &PmuContext,
        ring: Ring,
        retired: Retired,
    ) -> Emulated {
        let layout = *self.layout();
        let mut wrapped = CounterSet::EMPTY;
        for (counter, amount) in counting(resident, &layout, ring, retired) {
            let value = self.port.read_counter(counter.rdpmc());
            let sum = value.wrapping_add(u64::from(amount));
            self.write_counter(counter, sum & layout.mask(counter));
            if sum > layout.mask(counter) {
                wrapped = wrapped.with(counter);
            }
        }
        if !wrapped.is_empty() {
            self.port.write(GlobalStatusSet::from(wrapped.bits()));
        }
        self.shadow.forget(resident.live());
        outcome(resident, wrapped)
    }
}

impl PmuContext {
    /// Adds `retired` to a context that is not resident: no register is touched.
    pub fn add_emulated(&mut self, layout: &Layout, ring: Ring, retired: Retired) -> Emulated {
        let mut wrapped = CounterSet::EMPTY;
        // The others count nothing, and most exits find a guest that uses no counter at all.
        let enabled = self.enabled().intersection(layout.counters);
        for counter in enabled.iter() {
            let amount = amount(self, counter, ring, retired);
            let sum = self.value(counter).wrapping_add(u64::from(amount));
            self.set_value(counter, sum & layout.mask(counter));
            if sum > layout.mask(counter) {
                wrapped = wrapped.with(counter);
            }
        }
        let status: u64 = self.status().into();
        self.set_status(GlobalStatus::from(status | wrapped.bits()));
        outcome(self, wrapped)
    }
}

fn counting(
    context: &PmuContext,
    layout: &Layout,
    ring: Ring,
    retired: Retired,
) -> impl Iterator<Item = (Counter, u32)> {
    let enabled = context.enabled().intersection(layout.counters);
    enabled
        .iter()
        .map(move |counter| (counter, amount(context, counter, ring, retired)))
        .filter(|&(_, n)| n > 0)
}

/// What `retired` adds to `counter`.
fn amount(context: &PmuContext, counter: Counter, ring: Ring, retired: Retired) -> u32 {
    if context.counts(counter, EventSelect::INSTRUCTIONS, ring) {
        retired.instructions
    } else if context.counts(counter, EventSelect::BRANCHES, ring) {
        retired.branches
    } else {
        0
    }
}

fn outcome(context: &PmuContext, wrapped: CounterSet) -> Emulated {
    if wrapped.iter().any(|counter| context.interrupts(counter)) {
        Emulated::Pmi
    } else {
        Emulated::Quiet
    }
}
