//! The host's register image, as the kernel is to load it.

use pmu_drv::Counter;
use x86_regs::pmu::{FixedCtrCtrl, PerfEvtSel, PerfGlobalCtrl};

use crate::event::{EventSpec, fixed_index, gp_index};

/// Selectors and control registers of the host context.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct HostImage {
    /// Selectors of the general-purpose counters.
    pub selectors: [PerfEvtSel; 8],
    /// FIXED_CTR_CTRL.
    pub fixed_control: FixedCtrCtrl,
    /// GLOBAL_CTRL: exactly the counters in use.
    pub global_control: PerfGlobalCtrl,
    /// Values for counters that a new event begins on; the others go on from where they are.
    pub starts: [Option<u64>; 12],
}

impl HostImage {
    /// Adds an event that `counter` counts.
    pub(crate) fn add(&mut self, spec: &EventSpec, counter: Counter) {
        let running = self.global_control;
        if let Some(i) = gp_index(counter) {
            if let Some(slot) = self.selectors.get_mut(usize::from(i)) {
                *slot = spec.selector();
            }
            self.global_control = running.with_gp(running.gp() | 1 << i);
        }
        if let Some(i) = fixed_index(counter) {
            self.fixed_control = self
                .fixed_control
                .with_field(u32::from(i), spec.fixed_field());
            self.global_control = running.with_fixed(running.fixed() | 1 << i);
        }
    }
}
