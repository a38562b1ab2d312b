//! What is left when a VMM or the server of the counters dies: nothing.

use lease::Ticks;
use sel4_sys::ObjectKind;

use crate::Kernel;
use crate::arch::timer;
use crate::cap::{Capability, SlotId};
use crate::object::{PmuControlId, ThreadId, VcpuId};

impl Kernel {
    /// The thread died: guests that it ran are forgotten, counters that it served stop.
    pub(crate) fn bury_guests(&mut self, thread: ThreadId) {
        for id in self.vcpus.ids() {
            if self.vcpus[id].thread == thread {
                self.forget_guest(id);
            }
        }
        for id in self.pmu_controls.ids() {
            let server = self.pmu_controls[id].server;
            if server.is_some_and(|server| server.thread == thread) {
                self.server_died(id);
            }
        }
    }

    /// A capability leaves its slot for good. Who went by it can do so no longer.
    pub(crate) fn stop_using(&mut self, slot: SlotId, capability: Capability) {
        match capability.kind {
            ObjectKind::Vcpu => {
                if let Some(id) = capability.vcpu()
                    && self.vcpus[id].slot == Some(slot)
                {
                    self.vcpus[id].slot = None;
                    self.end_entry(id);
                    self.put_for_good(id);
                }
            }
            ObjectKind::PmuControl => {
                if let Some(id) = capability.pmu_control()
                    && let Some(server) = self.pmu_controls[id].server
                    && server.slot == slot
                {
                    self.server_died(id);
                }
            }
            ObjectKind::Notification => {
                for control in self.pmu_controls.iter_mut() {
                    if control.target.is_some_and(|target| target.slot == slot) {
                        control.target = None;
                    }
                }
            }
            _ => {}
        }
    }

    /// A capability moved; what goes by it goes by its new slot.
    pub(crate) fn follow(&mut self, from: SlotId, to: SlotId) {
        for vcpu in self.vcpus.iter_mut() {
            if vcpu.slot == Some(from) {
                vcpu.slot = Some(to);
            }
        }
        for control in self.pmu_controls.iter_mut() {
            if let Some(server) = &mut control.server
                && server.slot == from
            {
                server.slot = to;
            }
            if let Some(target) = &mut control.target
                && target.slot == from
            {
                target.slot = to;
            }
        }
    }

    /// The thread that is in this virtual CPU, if one is, makes its call again, and finds that it cannot.
    fn end_entry(&mut self, id: VcpuId) {
        let thread = self.vcpus[id].thread;
        if self.threads[thread].guest != Some(id) {
            return;
        }
        let was_halted = self.threads[thread].state == crate::object::State::Halted;
        self.break_off_guest(thread);
        if was_halted {
            self.set_runnable(thread);
        }
    }

    /// Takes the guest's counters off the CPU, if they are there, since nobody will run it.
    fn put_for_good(&mut self, id: VcpuId) {
        let now = Ticks(timer::now().0);
        let cpu = self.threads[self.vcpus[id].thread].cpu;
        if let Some(control) = self.cpu(cpu).counters {
            let put = self.pmu_controls[control].arbiter.forget(id.context(), now);
            if let Some(put) = put {
                self.carry_out(control, put);
            }
        }
    }

    fn forget_guest(&mut self, id: VcpuId) {
        let lease = self.vcpus[id].lease;
        self.pmu_leases[lease].lease.disarm();
        self.put_for_good(id);
        for control in self.pmu_controls.iter_mut() {
            for last in &mut control.loaded {
                // A PMI that is still on its way finds nobody.
                *last = last.filter(|&last| last != id);
            }
        }
        let vcpu = &mut self.vcpus[id];
        vcpu.scrub();
        let space = vcpu.space;
        self.guest_spaces[space].tables.clear();
    }

    /// Disarms every lease of the CPU, puts the resident, stops all counters and masks the PMI.
    fn server_died(&mut self, id: PmuControlId) {
        let cpu = self.pmu_controls[id].cpu;
        self.pmu_controls[id].server = None;
        self.pmu_controls[id].target = None;
        for lease in self.pmu_leases.ids() {
            if self.pmu_leases[lease].cpu == Some(cpu) {
                self.disarm(id, lease);
            }
        }
        let control = &mut self.pmu_controls[id];
        control.silence();
        control.publish();
    }

    /// Ends a lease's epoch and takes its guest off the counters.
    pub(crate) fn disarm(&mut self, id: PmuControlId, lease: crate::object::PmuLeaseId) {
        self.pmu_leases[lease].lease.disarm();
        let now = Ticks(timer::now().0);
        let put = self.pmu_controls[id].arbiter.revoke(lease.lease(), now);
        if let Some(put) = put {
            self.carry_out(id, put);
        }
    }
}
