//! What is done for the resident guest between a VM exit and the next entry.
//!
//! GLOBAL_CTRL is zero then, since the exit has loaded it so: registers may be written. Whatever is written here is
//! forgotten by the shadow, because the guest runs next.

use x86_regs::pmu::{GlobalStatus, GlobalStatusReset, GlobalStatusSet};

use crate::context::PmuContext;
use crate::counters::{Counter, CounterSet};
use crate::cpu::CpuPmu;
use crate::port::{LocalVector, PmuPort};

impl<P: PmuPort> CpuPmu<P> {
    /// Replaces the value of `counter` of the resident context: one write when the counter is live, none otherwise.
    pub fn write_resident(&mut self, resident: &mut PmuContext, counter: Counter, value: u64) {
        if resident.live().has(counter) {
            self.write_counter(counter, value);
            self.shadow.forget(CounterSet::EMPTY.with(counter));
        } else {
            resident.set_value(counter, value);
        }
    }

    /// What has overflowed since the resident guest last looked: one read.
    pub fn resident_status(&mut self) -> GlobalStatus {
        self.port.read()
    }

    /// Clears and sets overflow bits of the resident context: one write for each of the two that is not empty.
    pub fn change_resident_status(&mut self, clear: CounterSet, set: CounterSet) {
        if !clear.is_empty() {
            self.port.write(GlobalStatusReset::from(clear.bits()));
        }
        if !set.is_empty() {
            self.port.write(GlobalStatusSet::from(set.bits()));
        }
        self.shadow.status = None;
    }

    /// Sets what becomes of the resident guest's PMI: one write, unless LVTPC says so already.
    pub fn set_resident_vector(&mut self, vector: LocalVector) {
        if self.shadow.local_vector != Some(vector) {
            self.port.set_local_vector(vector);
        }
        // A PMI sets the mask bit, and the guest runs next.
        self.shadow.local_vector = None;
    }
}
