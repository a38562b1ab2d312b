//! Registers change owners: load, put, replace, and what the host wants.
//!
//! The arbiter has decided already. After a VM exit from a resident guest GLOBAL_CTRL is zero, because the exit has loaded it so;
//! while the host is resident the counters run and must be stopped first.

use lease::Ticks;
use pmu_drv::{Counter, CounterSet, HostOverflow, LocalVector, Operations, PmuContext};
use x86_regs::pmu::{FixedCtrCtrl, PerfEvtSel, PerfGlobalCtrl};

use crate::arch::pmu;
use crate::object::{PmuControl, Vcpu, VcpuId};

/// What the host wants of a CPU's counters. Every value has passed the driver's checks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct HostPlan {
    /// Selectors of the general-purpose counters.
    pub(crate) selectors: [PerfEvtSel; pmu_drv::MAX_GP],
    /// That of the fixed ones.
    pub(crate) fixed_control: FixedCtrCtrl,
    /// Which counters run.
    pub(crate) global_control: PerfGlobalCtrl,
    /// Which of them run on while a guest runs.
    pub(crate) including_guests: CounterSet,
    /// Which begin with a new value; the others go on.
    pub(crate) start: CounterSet,
    /// General-purpose counters first, then the fixed ones.
    pub(crate) values: [u64; pmu_drv::MAX_GP + pmu_drv::MAX_FIXED],
    /// 0: the counter only counts.
    pub(crate) periods: [u64; pmu_drv::MAX_GP + pmu_drv::MAX_FIXED],
}

impl HostPlan {
    fn apply(&self, host: &mut PmuContext) {
        for (index, &selector) in (0..).zip(&self.selectors) {
            host.set_selector(index, selector);
        }
        host.set_fixed_control(self.fixed_control);
        host.set_global_control(self.global_control);
        for counter in self.start.iter() {
            let value = self.values.get(counter.position()).copied().unwrap_or(0);
            host.set_value(counter, value);
        }
    }
}

impl PmuControl {
    /// The vector of the guest whose residency is the present one.
    fn guest_vector(&self, vcpu: &Vcpu) -> LocalVector {
        LocalVector::Fixed {
            vector: pmu::guest_vector(self.is_odd()),
            masked: vcpu.pmi.masked,
        }
    }

    /// Host PMIs are NMIs; while nobody profiles there are none.
    fn host_vector(&self) -> LocalVector {
        match self.server {
            Some(_) => LocalVector::Nmi,
            None => LocalVector::Masked,
        }
    }

    fn note_loaded(&mut self, id: VcpuId, now: Ticks) {
        let odd = usize::from(self.is_odd());
        if let Some(last) = self.loaded.get_mut(odd) {
            *last = Some(id);
        }
        self.tally.loaded_at = now.0;
    }

    /// Takes the host off and puts a guest on.
    pub(super) fn load(&mut self, id: VcpuId, vcpu: &Vcpu, now: Ticks) {
        self.note_loaded(id, now);
        let vector = self.guest_vector(vcpu);
        let Some(counters) = &mut self.counters else {
            return;
        };
        let (before, layout) = (counters.operations(), *counters.layout());
        let mut stopped = counters.stop();
        let HostOverflow(overflowed) = stopped.leave_host(&mut self.host);
        if !overflowed.is_empty() {
            pmu::record_late(self.cpu, overflowed, &mut self.host, &layout);
        }
        stopped.take(&vcpu.context, vector);
        stopped.start_guest(&vcpu.context);
        self.tally.last_load = counters.operations().since(before);
    }

    /// Takes one guest off and puts another on.
    pub(super) fn replace(&mut self, old: &mut Vcpu, id: VcpuId, new: &Vcpu, now: Ticks) {
        self.note_loaded(id, now);
        let vector = self.guest_vector(new);
        let Some(counters) = &mut self.counters else {
            return;
        };
        let before = counters.operations();
        let mut stopped = counters.exited();
        stopped.leave(&mut old.context);
        stopped.take(&new.context, vector);
        stopped.start_guest(&new.context);
        self.tally.last_replace = counters.operations().since(before);
    }

    /// Takes a guest off and puts the host on.
    pub(super) fn put(&mut self, vcpu: &mut Vcpu) {
        let vector = self.host_vector();
        let Some(counters) = &mut self.counters else {
            return;
        };
        let before = counters.operations();
        let mut stopped = counters.exited();
        stopped.leave(&mut vcpu.context);
        stopped.take(&self.host, vector);
        stopped.start_host(&self.host);
        self.tally.last_put = counters.operations().since(before);
    }

    /// Gives the host what it wants: at once if it is resident, else when the guest is put.
    pub(crate) fn program(&mut self, plan: &HostPlan) {
        let (is_guests, vector) = (self.resident().is_some(), self.host_vector());
        let Some(counters) = &mut self.counters else {
            return;
        };
        self.including_guests = plan.including_guests;
        if is_guests {
            plan.apply(&mut self.host);
            pmu::set_periods(self.cpu, &plan.periods);
        } else {
            let layout = *counters.layout();
            let mut stopped = counters.stop();
            let HostOverflow(overflowed) = stopped.leave_host(&mut self.host);
            if !overflowed.is_empty() {
                pmu::record_late(self.cpu, overflowed, &mut self.host, &layout);
            }
            // Not before: the old periods belong to the overflows just found.
            pmu::set_periods(self.cpu, &plan.periods);
            plan.apply(&mut self.host);
            stopped.take(&self.host, vector);
            stopped.start_host(&self.host);
        }
    }

    /// Nobody can say any more what the host wants: all counters stop, and nothing of them is left. The host is resident.
    pub(super) fn silence(&mut self) {
        let Some(counters) = &mut self.counters else {
            return;
        };
        self.including_guests = CounterSet::EMPTY;
        let mut stopped = counters.stop();
        // What the last server had not seen yet, nobody will.
        let _ = stopped.leave_host(&mut self.host);
        self.host.scrub();
        stopped.take(&self.host, LocalVector::Masked);
        stopped.leave_stopped();
        pmu::set_periods(self.cpu, &[0; pmu_drv::MAX_GP + pmu_drv::MAX_FIXED]);
        pmu::set_ring(self.cpu, None, 0);
    }

    /// The host's value of a counter at this moment.
    pub(crate) fn read_host(&mut self, counter: Counter) -> u64 {
        let is_guests = self.resident().is_some();
        match &mut self.counters {
            Some(counters) if !is_guests => counters.read_resident(&self.host, counter),
            _ => self.host.value(counter),
        }
    }

    /// Everything executed so far on the counters' registers, NMIs included.
    pub(super) fn operations(&self) -> Operations {
        let Some(counters) = &self.counters else {
            return Operations::default();
        };
        let (own, nmis) = (counters.operations(), pmu::nmi_counts(self.cpu).operations);
        Operations {
            reads: own.reads + nmis.reads,
            writes: own.writes + nmis.writes,
            counter_reads: own.counter_reads + nmis.counter_reads,
            vector_writes: own.vector_writes + nmis.vector_writes,
        }
    }
}
