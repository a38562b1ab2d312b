//! Runs guests: entry, exit, and what the kernel does by itself in between.
//!
//! The loop ends only when the CPU is to go on in ring 3 or to wait. An exit that needs no policy is served and the guest
//! entered again, as long as its thread is the one that should run.

use lease::{Exit, Ticks};
use pmu_drv::{CounterSet, Emulated, Retired};
use sel4_sys::vcpu::VcpuReturn;
use x86_regs::pmu::PerfGlobalCtrl;

use crate::Kernel;
use crate::arch::CpuId;
use crate::arch::timer;
use crate::arch::trap::Next;
use crate::arch::vcpu::{Counters, RawExit};
use crate::object::{
    Activity, Blind, Entry, Place, PmuControlId, State, StateWord, ThreadId, VcpuId,
};

/// Neither the host nor anybody else counts while the guest runs.
const NOBODY_COUNTS: Counters = Counters::Host {
    inside: PerfGlobalCtrl::new(),
    outside: PerfGlobalCtrl::new(),
};

/// What comes of looking at a guest that could be entered.
enum Look {
    /// Enter.
    Enter,
    /// It waits for an interrupt.
    Wait,
    /// Its VMM must hear of something first.
    Leave(VcpuReturn, u64),
}

impl Kernel {
    /// Chooses what the CPU does, and does it as long as that is to run a guest.
    pub(crate) fn proceed(&mut self, cpu: CpuId) -> Next {
        loop {
            let next = self.schedule(cpu);
            if self.put_if_its_thread_left(cpu) {
                // Whoever hears of the put may be more urgent.
                continue;
            }
            let current = self.cpu(cpu).current;
            let Some((id, vcpu)) = current.and_then(|id| Some((id, self.threads[id].guest?)))
            else {
                return next;
            };
            self.run_guest(cpu, id, vcpu);
        }
    }

    /// The thread begins to run its guest: what the VMM wrote for the kernel is taken over.
    pub(crate) fn begin_guest(&mut self, id: ThreadId, vcpu: VcpuId) {
        self.add_emulated(vcpu);
        let object = &mut self.vcpus[vcpu];
        object.deadline = match object.page.word(StateWord::DEADLINE) {
            0 => u64::MAX,
            deadline => deadline,
        };
        object.activity = match object.page.word(StateWord::ACTIVITY) {
            0 => Activity::Active,
            _ => Activity::Halted,
        };
        self.threads[id].guest = Some(vcpu);
    }

    /// Adds what the VMM completed for the guest to the guest's counters.
    fn add_emulated(&mut self, id: VcpuId) {
        let vcpu = &mut self.vcpus[id];
        let page = vcpu.page;
        let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let retired = Retired {
            instructions: small(page.take(StateWord::EMULATED_INSTRUCTIONS)),
            branches: small(page.take(StateWord::EMULATED_BRANCHES)),
        };
        if retired == Retired::default() {
            return;
        }
        let cpu = self.threads[vcpu.thread].cpu;
        let control = self.cpus.get(cpu.index()).and_then(|cpu| cpu.counters);
        let Some(control) = control.map(|control| &mut self.pmu_controls[control]) else {
            return;
        };
        control.tally.emulated += u64::from(retired.instructions);
        let is_resident = control.resident() == Some(id);
        let Some(counters) = &mut control.counters else {
            return;
        };
        let ring = vcpu.machine.ring();
        let led_to = if is_resident {
            counters.add_emulated(&vcpu.context, ring, retired)
        } else {
            let layout = *counters.layout();
            vcpu.context.add_emulated(&layout, ring, retired)
        };
        control.publish_emulated(is_resident);
        if led_to == Emulated::Pmi {
            vcpu.raise_pmi();
        }
    }

    fn run_guest(&mut self, cpu: CpuId, id: ThreadId, vcpu: VcpuId) {
        let now = timer::now().0;
        match self.look_at(id, vcpu, now) {
            Look::Enter => self.enter_guest(cpu, id, vcpu, Ticks(now)),
            Look::Wait => self.halt(id, vcpu),
            Look::Leave(why, detail) => self.leave_guest(id, vcpu, why, detail),
        }
    }

    fn look_at(&mut self, id: ThreadId, vcpu: VcpuId, now: u64) -> Look {
        let object = &self.vcpus[vcpu];
        if object.pmi.pending {
            return Look::Leave(VcpuReturn::PMI, 0);
        }
        if object.deadline <= now {
            return Look::Leave(VcpuReturn::DEADLINE, 0);
        }
        if let Some(bits) = self.take_signal(id) {
            return Look::Leave(VcpuReturn::SIGNALLED, bits);
        }
        match self.vcpus[vcpu].activity {
            Activity::Active => Look::Enter,
            Activity::Halted => Look::Wait,
        }
    }

    /// The thread sleeps, since its guest does. The current thread.
    fn halt(&mut self, id: ThreadId, vcpu: VcpuId) {
        let deadline = self.vcpus[vcpu].deadline;
        self.threads[id].state = State::Halted;
        if deadline != u64::MAX {
            self.wait_until(id, deadline);
        }
        self.return_borrowed(id);
    }

    /// A sleeping thread's guest has a reason to go on.
    pub(crate) fn wake_halted(&mut self, id: ThreadId, why: VcpuReturn, detail: u64) {
        let thread = &self.threads[id];
        if let (State::Halted, Some(vcpu)) = (thread.state, thread.guest) {
            self.unqueue(id);
            self.leave_guest(id, vcpu, why, detail);
            self.set_runnable(id);
        }
    }

    fn enter_guest(&mut self, cpu: CpuId, id: ThreadId, vcpu: VcpuId, now: Ticks) {
        let Some(counters) = self.counters_for(cpu, vcpu, now) else {
            return self.leave_guest(id, vcpu, VcpuReturn::LEASE_NEEDED, 0);
        };
        self.arm_for_guest(cpu, vcpu);
        let object = &mut self.vcpus[vcpu];
        if object.entry == Entry::Fresh {
            // What follows changes only while the VMM runs.
            object.machine.take_changes(object.page.0);
            object.machine.set_access(object.access());
            object.entry = Entry::Begun;
        }
        let space = &self.guest_spaces[object.space].tables;
        let thread = &*self.threads[id].context;
        let exit = object
            .machine
            .enter(cpu, thread, space, object.page.0, counters);
        self.after_exit(cpu, id, vcpu, counters, exit, now);
    }

    /// What is on the counters while the guest runs; `None` when its own should be and may not.
    fn counters_for(&mut self, cpu: CpuId, id: VcpuId, now: Ticks) -> Option<Counters> {
        let control_id = self.cpu(cpu).counters;
        let vcpu = &self.vcpus[id];
        if let Some(control) = control_id
            && self.pmu_controls[control].resident() == Some(id)
        {
            // By far the most frequent: nothing to do, and nothing to look at.
            return Some(Counters::Guest(vcpu.context.global_control()));
        }
        let is_idle = vcpu.is_idle;
        let may_be_blind = is_idle || vcpu.blind == Blind::Yes;
        let Some(control_id) = control_id else {
            return may_be_blind.then_some(NOBODY_COUNTS);
        };
        let asks = lease::Vcpu {
            context: id.context(),
            lease: vcpu.lease.lease(),
            is_idle,
        };
        let lease = &self.pmu_leases[vcpu.lease].lease;
        let control = &mut self.pmu_controls[control_id];
        match control.arbiter.enter(asks, lease, now) {
            lease::Entry::Resident => {}
            lease::Entry::Load => {
                control.load(id, &self.vcpus[id], now);
                control.publish();
                self.note_resident(control_id);
            }
            lease::Entry::Replace(old) => {
                let old = VcpuId::of_context(old)?;
                let (old, new) = self.vcpus.pair(old, id)?;
                control.replace(old, id, new, now);
                control.publish();
                self.note_resident(control_id);
            }
            lease::Entry::Idle => return Some(self.counters_of_the_host(control_id)),
            lease::Entry::LeaseNeeded => {
                control.publish();
                return may_be_blind.then(|| self.counters_of_the_host(control_id));
            }
        }
        Some(Counters::Guest(self.vcpus[id].context.global_control()))
    }

    /// What runs on while a guest runs that has no counters. Nothing when another guest has them.
    fn counters_of_the_host(&self, id: PmuControlId) -> Counters {
        let control = &self.pmu_controls[id];
        if control.resident().is_some() {
            return NOBODY_COUNTS;
        }
        let outside = control.host.global_control();
        let inside = CounterSet::running(outside).intersection(control.including_guests);
        Counters::Host {
            inside: PerfGlobalCtrl::from(inside.bits()),
            outside,
        }
    }

    /// The timer ends a slice, and is a deadline's alarm.
    fn arm_for_guest(&mut self, cpu: CpuId, id: VcpuId) {
        let slice_end = self.cpu(cpu).counters.and_then(|id| {
            let control = &self.pmu_controls[id];
            control.arbiter.slice_end()
        });
        let slice_end = slice_end.map_or(u64::MAX, |end| end.0);
        let wanted = self.vcpus[id].deadline.min(slice_end);
        let state = self.cpu(cpu);
        if wanted < state.armed {
            state.armed = wanted;
            timer::arm(cpu, timer::Ticks(wanted));
        }
    }

    fn after_exit(
        &mut self,
        cpu: CpuId,
        id: ThreadId,
        vcpu: VcpuId,
        counters: Counters,
        exit: RawExit,
        entered: Ticks,
    ) {
        let now = Ticks(timer::now().0);
        let object = &mut self.vcpus[vcpu];
        match counters {
            Counters::Guest(_) if exit != RawExit::EntryFailed => {
                let control = object.machine.global_control();
                object.context.set_global_control(control);
            }
            Counters::Host { .. } if !object.is_idle => {
                object.blind_time += now.since(entered);
            }
            _ => {}
        }
        let (leads_to, why) = match exit {
            RawExit::Interrupt(_) | RawExit::Nmi => (Exit::Kernel, None),
            RawExit::Exit(_) => (Exit::Vmm, Some(VcpuReturn::EXIT)),
            RawExit::EntryFailed => (Exit::Vmm, Some(VcpuReturn::ENTRY_FAILED)),
        };
        if let Some(control) = self.cpu(cpu).counters {
            self.count_exit(control, vcpu, leads_to, now);
        }
        if let RawExit::Interrupt(interrupt) = exit {
            self.serve(cpu, interrupt);
        }
        if let Some(why) = why {
            self.leave_guest(id, vcpu, why, 0);
        }
    }

    fn count_exit(&mut self, id: PmuControlId, vcpu: VcpuId, leads_to: Exit, now: Ticks) {
        let control = &mut self.pmu_controls[id];
        control.tally.exits += 1;
        if control.resident() != Some(vcpu) {
            return control.publish_exit();
        }
        match control.arbiter.exit(leads_to, now) {
            Some(put) => self.carry_out(id, put),
            None => control.publish_exit(),
        }
    }

    /// Puts a sleeping thread where the timer finds it.
    fn wait_until(&mut self, id: ThreadId, moment: u64) {
        debug_assert_eq!(self.threads[id].place, Place::Nowhere, "it is in no queue");
        self.throttle(id, moment);
    }
}
