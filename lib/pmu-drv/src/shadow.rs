//! What the registers are known to hold, so that nothing is written twice.
//!
//! Only what cannot change behind our back is remembered for good: selectors and FIXED_CTR_CTRL, which are always
//! trapped. A counter's value is known from the moment it was read or written while stopped until something
//! may count or a guest may write it. LVTPC is unknown once a PMI may have set its mask bit.

use x86_regs::pmu::{FixedCtrCtrl, GlobalStatus, PerfEvtSel, PerfGlobalCtrl};

use crate::counters::{Counter, CounterSet, MAX_FIXED, MAX_GP};
use crate::port::LocalVector;

#[derive(Debug)]
pub(crate) struct Shadow {
    pub(crate) selectors: [PerfEvtSel; MAX_GP],
    pub(crate) fixed_control: FixedCtrCtrl,
    /// What GLOBAL_CTRL holds while the kernel runs.
    pub(crate) global_control: PerfGlobalCtrl,
    /// Valid while stopped and read.
    pub(crate) status: Option<GlobalStatus>,
    pub(crate) local_vector: Option<LocalVector>,
    values: [u64; MAX_GP + MAX_FIXED],
    known: CounterSet,
}

impl Shadow {
    /// After a reset by [`crate::CpuPmu::new`]: everything zero, and known to be.
    pub(crate) const fn zeroed(counters: CounterSet) -> Self {
        Self {
            selectors: [PerfEvtSel::new(); MAX_GP],
            fixed_control: FixedCtrCtrl::new(),
            global_control: PerfGlobalCtrl::new(),
            status: Some(GlobalStatus::new()),
            local_vector: None,
            values: [0; MAX_GP + MAX_FIXED],
            known: counters,
        }
    }

    pub(crate) fn holds(&self, counter: Counter, value: u64) -> bool {
        self.known.has(counter) && self.values.get(counter.position()) == Some(&value)
    }

    pub(crate) fn note(&mut self, counter: Counter, value: u64) {
        if let Some(slot) = self.values.get_mut(counter.position()) {
            *slot = value;
            self.known = self.known.with(counter);
        }
    }

    /// These counters may count, be written, overflow and raise a PMI from now on.
    pub(crate) fn forget(&mut self, counters: CounterSet) {
        self.known = self.known.difference(counters);
        self.status = None;
        self.local_vector = None;
    }
}
