//! Where the rest of the kernel tells that something happened to a guest.

use lease::{Exit, Put, Ticks};
use sel4_sys::vcpu::VcpuReturn;

use crate::Kernel;
use crate::arch::{CpuId, pmu, timer};
use crate::object::{PmuControlId, State, ThreadId};

impl Kernel {
    /// Takes a guest's context off, as the arbiter has decided, and tells the server if the host wants its counters.
    pub(crate) fn carry_out(&mut self, id: PmuControlId, put: Put) {
        let control = &mut self.pmu_controls[id];
        if let Some(vcpu) = crate::object::VcpuId::of_context(put.context) {
            control.put(&mut self.vcpus[vcpu]);
        }
        control.publish();
        let wants = !control.host.is_idle();
        let target = control.target.filter(|_| wants);
        self.note_resident(id);
        if let Some(target) = target {
            self.signal(target.notification, target.badge);
        }
    }

    /// Remembers for the scheduler whether a put depends on which thread runs.
    pub(crate) fn note_resident(&mut self, id: PmuControlId) {
        let control = &self.pmu_controls[id];
        let stays = control.arbiter.slice_end().is_none();
        let thread = control.resident().map(|vcpu| self.vcpus[vcpu].thread);
        let cpu = control.cpu;
        self.cpu(cpu).leaves = thread.filter(|_| !stays);
    }

    /// The thread of the resident guest may have left the CPU. Whether a put followed.
    pub(super) fn put_if_its_thread_left(&mut self, cpu: CpuId) -> bool {
        let state = self.cpu(cpu);
        let (Some(thread), Some(id)) = (state.leaves, state.counters) else {
            return false;
        };
        if state.current == Some(thread) {
            return false;
        }
        let now = Ticks(timer::now().0);
        let control = &mut self.pmu_controls[id];
        let put = control
            .resident()
            .and_then(|vcpu| control.arbiter.leave(vcpu.context(), now));
        match put {
            Some(put) => {
                self.carry_out(id, put);
                true
            }
            None => false,
        }
    }

    /// The timer fired: a slice may have ended, and counters that the rate limit has slowed down may go on.
    pub(crate) fn tick_counters(&mut self, cpu: CpuId, now: u64) {
        let Some(id) = self.cpu(cpu).counters else {
            return;
        };
        let control = &mut self.pmu_controls[id];
        if control.arbiter.slice_end().is_some_and(|end| end.0 <= now) {
            if let Some(put) = control.arbiter.exit(Exit::Kernel, Ticks(now)) {
                self.carry_out(id, put);
            }
        } else if control.counters.is_some() && control.resident().is_none() {
            pmu::resume(cpu);
        }
    }

    /// The counters of a guest have asked for an interrupt; it may have been put since.
    pub(crate) fn guest_pmi(&mut self, cpu: CpuId, is_odd: bool) {
        let Some(id) = self.cpu(cpu).counters else {
            return;
        };
        let control = &mut self.pmu_controls[id];
        let [even, odd] = control.loaded;
        let Some(vcpu) = (if is_odd { odd } else { even }) else {
            return;
        };
        if control.resident() == Some(vcpu) {
            control.tally.guest_pmis += 1;
        } else {
            control.tally.late_pmis += 1;
        }
        control.publish();
        let object = &mut self.vcpus[vcpu];
        object.raise_pmi();
        let thread = object.thread;
        if self.threads[thread].state == State::Halted {
            self.wake_halted(thread, VcpuReturn::PMI, 0);
        }
    }

    /// Samples of the host have reached the watermark.
    pub(crate) fn samples_are_ready(&mut self, cpu: CpuId) {
        let target = self
            .cpu(cpu)
            .counters
            .and_then(|id| self.pmu_controls[id].target);
        if let Some(target) = target {
            self.signal(target.notification, target.badge);
        }
    }

    /// The moment for which a sleeping thread asked has come.
    pub(crate) fn alarm(&mut self, id: ThreadId) {
        self.wake_halted(id, VcpuReturn::DEADLINE, 0);
    }

    /// Takes over a CPU's counters from the firmware, on that CPU, once.
    pub(crate) fn start_counters(&mut self, cpu: CpuId) {
        let Some(id) = self.cpu(cpu).counters else {
            return;
        };
        let control = &mut self.pmu_controls[id];
        match pmu::layout() {
            Ok(layout) => control.counters = Some(pmu_drv::CpuPmu::new(pmu::port(cpu), layout)),
            Err(unsupported) => control.unsupported = Some(unsupported),
        }
        control.publish();
    }
}
