//! The host's register image, as the kernel is to load it.

use pmu_drv::Counter;
use x86_regs::pmu::{FixedCtrCtrl, PerfEvtSel, PerfGlobalCtrl};

use crate::event::{EventSpec, Guests, fixed_index, gp_index, position};

/// Selectors and control registers of the host context.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct HostImage {
    /// Selectors of the general-purpose counters.
    pub selectors: [PerfEvtSel; 8],
    /// FIXED_CTR_CTRL.
    pub fixed_control: FixedCtrCtrl,
    /// GLOBAL_CTRL: exactly the counters in use.
    pub global_control: PerfGlobalCtrl,
    /// Of those, the ones that run on while a guest with idle counters runs: their events do not exclude guests.
    pub including_guests: PerfGlobalCtrl,
    /// Values for counters that a new event begins on; the others go on from where they are.
    pub starts: [Option<u64>; 12],
    /// Sampling periods; 0: the counter only counts.
    pub periods: [u64; 12],
}

impl HostImage {
    /// Adds an event that `counter` counts.
    pub(crate) fn add(&mut self, spec: &EventSpec, counter: Counter) {
        if let Some(i) = gp_index(counter)
            && let Some(slot) = self.selectors.get_mut(usize::from(i))
        {
            *slot = spec.selector();
        }
        if let Some(i) = fixed_index(counter) {
            self.fixed_control = self
                .fixed_control
                .with_field(u32::from(i), spec.fixed_field());
        }
        if let Some(slot) = self.periods.get_mut(position(counter)) {
            *slot = spec.period.unwrap_or(0);
        }
        self.global_control = with(self.global_control, counter);
        if spec.guests != Guests::Exclude {
            self.including_guests = with(self.including_guests, counter);
        }
    }
}

fn with(control: PerfGlobalCtrl, counter: Counter) -> PerfGlobalCtrl {
    match (gp_index(counter), fixed_index(counter)) {
        (Some(i), _) => control.with_gp(control.gp() | 1 << i),
        (None, Some(i)) => control.with_fixed(control.fixed() | 1 << i),
        (None, None) => control,
    }
}
