//! A guest's thread goes back to its VMM.

use lease::{Exit, Mode, Ticks};
use sel4_sys::MessageInfo;
use sel4_sys::vcpu::VcpuReturn;
use x86_regs::vmx::ExitReason;

use crate::Kernel;
use crate::arch::timer;
use crate::object::{Entry, State, StateWord, ThreadId, VcpuId};

impl Kernel {
    /// Ends the thread's entry: the page shows the guest, the registers say why.
    pub(super) fn leave_guest(&mut self, id: ThreadId, vcpu: VcpuId, why: VcpuReturn, detail: u64) {
        let object = &mut self.vcpus[vcpu];
        let page = object.page;
        if object.entry == Entry::Begun {
            object.machine.describe_exit(page.0);
            object.entry = Entry::Fresh;
        }
        page.set(
            StateWord::GLOBAL_CONTROL,
            object.context.global_control().into(),
        );
        page.set(StateWord::BLIND_TIME, object.blind_time);
        if why == VcpuReturn::DEADLINE {
            page.set(StateWord::DEADLINE, 0);
        }
        if core::mem::take(&mut object.pmi.pending) {
            page.set(StateWord::PMI_PENDING, 1);
        }
        let thread = &mut self.threads[id];
        thread.guest = None;
        thread.context.set_badge(0);
        thread.context.set_info(MessageInfo::new(0, 0, 0, 2));
        thread.context.set_message([why.0, detail, 0, 0]);
        let cpu = thread.cpu;
        if let Some(control) = self.cpu(cpu).counters {
            let object = &mut self.pmu_controls[control];
            // An exit has been looked at already; these are the ways back without one.
            if object.arbiter.mode() == Mode::Eager
                && object.resident() == Some(vcpu)
                && let Some(put) = object.arbiter.exit(Exit::Vmm, Ticks(timer::now().0))
            {
                self.carry_out(control, put);
            }
        }
    }

    /// A thread that is to stop leaves its guest. If the guest has run, the VMM finds an exit for an interrupt when the
    /// thread goes on, and enters again; otherwise the thread makes its call again.
    pub(crate) fn break_off_guest(&mut self, id: ThreadId) {
        let Some(vcpu) = self.threads[id].guest else {
            return;
        };
        if self.vcpus[vcpu].entry == Entry::Begun {
            self.leave_guest(id, vcpu, VcpuReturn::EXIT, 0);
            let reason = u64::from(ExitReason::EXTERNAL_INTERRUPT.0);
            self.vcpus[vcpu].page.set(StateWord::EXIT_REASON, reason);
        } else {
            if self.threads[id].state == State::Halted {
                self.unqueue(id);
                self.threads[id].state = State::Stopped;
            }
            let thread = &mut self.threads[id];
            thread.guest = None;
            thread.context.rewind_system_call();
        }
    }

    /// The bits of a signal that the thread's bound notification keeps for it. A thread without time hears nothing.
    pub(crate) fn take_signal(&mut self, id: ThreadId) -> Option<u64> {
        let thread = &self.threads[id];
        let notification = thread.notification?;
        thread.sched_context?;
        self.notifications[notification].take()
    }
}
