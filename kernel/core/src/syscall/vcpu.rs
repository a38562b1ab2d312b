//! Operations of a virtual CPU.
//!
//! A value for a register of the counters is a claim until the driver's checks have passed it. Where it goes then depends on
//! whether the guest's context is on the CPU: into the registers, or into what is saved.

use pmu_drv::{
    Alleged, Counter, CounterSet, Layout, LocalVector, check_counter, check_fixed_control,
    check_global_control, check_selector,
};
use sel4_sys::Error;
use sel4_sys::vcpu::{OpenFlags, VcpuOp};
use x86_regs::pmu::{FixedCtrCtrl, GlobalStatus, PerfEvtSel, PerfGlobalCtrl};

use super::{Answer, Args, Refusal};
use crate::Kernel;
use crate::arch::pmu;
use crate::cap::SlotId;
use crate::object::{Blind, PmuControl, ThreadId, Vcpu, VcpuId};

/// An operation that cannot fail any more.
#[derive(Clone, Copy, Debug)]
pub(super) enum VcpuPlan {
    SetBlind(VcpuId, Blind),
    Counters(VcpuId, CountersPlan),
}

/// An operation on the guest's counters.
#[derive(Clone, Copy, Debug)]
pub(super) enum CountersPlan {
    SetSelector(u8, PerfEvtSel),
    SetFixedControl(FixedCtrCtrl),
    SetGlobalControl(PerfGlobalCtrl),
    Open {
        counters: CounterSet,
        full_width: bool,
        global: bool,
    },
    OpenRdpmc(bool),
    Read(Counter),
    Write(Counter, u64),
    ReadStatus,
    ChangeStatus {
        clear: CounterSet,
        set: CounterSet,
    },
    MaskPmi(bool),
}

/// Begins the guest of `id` if that is what its thread asks for. By far the most frequent call on a virtual CPU, and the only one
/// without an answer of its own, so it is looked at before anything is collected for the others.
pub(super) fn enter(k: &mut Kernel, caller: ThreadId, slot: SlotId, id: VcpuId) -> Option<()> {
    let info = k.threads[caller].context.system_call().info.of_task();
    if VcpuOp(info.label()) != VcpuOp::ENTER || k.vcpus[id].thread != caller || !k.runs_guests {
        return None;
    }
    k.vcpus[id].slot = Some(slot);
    k.begin_guest(caller, id);
    Some(())
}

/// Looks at a call on a virtual CPU.
pub(super) fn decode(k: &Kernel, id: VcpuId, args: &Args) -> Result<VcpuPlan, Refusal> {
    let vcpu = &k.vcpus[id];
    let not_possible = Refusal::new(Error::IllegalOperation);
    if k.threads[args.caller].cpu != k.threads[vcpu.thread].cpu {
        return Err(not_possible);
    }
    match VcpuOp(args.label()) {
        // An entry that is possible has been made by `enter`.
        VcpuOp::ENTER => Err(not_possible),
        VcpuOp::SET_BLIND => {
            let blind = if flag(args, 0)? {
                Blind::Yes
            } else {
                Blind::No
            };
            Ok(VcpuPlan::SetBlind(id, blind))
        }
        operation => {
            let layout = k.layout_of(id).ok_or(not_possible)?;
            let plan = decode_counters(vcpu, &layout, operation, args)?;
            Ok(VcpuPlan::Counters(id, plan))
        }
    }
}

fn decode_counters(
    vcpu: &Vcpu,
    layout: &Layout,
    operation: VcpuOp,
    args: &Args,
) -> Result<CountersPlan, Refusal> {
    let alleged = |i| args.word(i).map(Alleged);
    let wrong = |i| move |_| Refusal::argument(i);
    let plan = match operation {
        VcpuOp::SET_SELECTOR => {
            let counter = u8::try_from(args.word(0)?).ok().and_then(Counter::gp);
            let counter = counter.filter(|&counter| layout.counters.has(counter));
            let counter = counter.ok_or(Refusal::argument(0))?;
            let selector = check_selector(alleged(1)?).map_err(wrong(1))?;
            let index = u8::try_from(counter.rdpmc()).map_err(|_| Refusal::argument(0))?;
            CountersPlan::SetSelector(index, selector)
        }
        VcpuOp::SET_FIXED_CONTROL => {
            let control = check_fixed_control(alleged(0)?, layout.counters);
            CountersPlan::SetFixedControl(control.map_err(wrong(0))?)
        }
        VcpuOp::SET_GLOBAL_CONTROL => {
            let control = check_global_control(alleged(0)?, layout.counters);
            CountersPlan::SetGlobalControl(control.map_err(wrong(0))?)
        }
        VcpuOp::OPEN_COUNTERS => {
            let flags = args.word(1)?;
            if flags & !(OpenFlags::FULL_WIDTH | OpenFlags::GLOBAL) != 0 {
                return Err(Refusal::argument(1));
            }
            CountersPlan::Open {
                counters: counters(layout, args, 0)?,
                full_width: flags & OpenFlags::FULL_WIDTH != 0,
                global: flags & OpenFlags::GLOBAL != 0,
            }
        }
        VcpuOp::OPEN_RDPMC => {
            let open = flag(args, 0)?;
            if open && !vcpu.opens_all(layout.counters) {
                return Err(Refusal::new(Error::IllegalOperation));
            }
            CountersPlan::OpenRdpmc(open)
        }
        VcpuOp::READ_COUNTER => CountersPlan::Read(counter(layout, args)?),
        VcpuOp::WRITE_COUNTER => {
            let counter = counter(layout, args)?;
            let value = check_counter(alleged(1)?, counter, layout).map_err(wrong(1))?;
            CountersPlan::Write(counter, value)
        }
        VcpuOp::READ_STATUS => CountersPlan::ReadStatus,
        VcpuOp::CHANGE_STATUS => CountersPlan::ChangeStatus {
            clear: counters(layout, args, 0)?,
            set: counters(layout, args, 1)?,
        },
        VcpuOp::SET_PMI_MASK => CountersPlan::MaskPmi(flag(args, 0)?),
        _ => return Err(Refusal::new(Error::IllegalOperation)),
    };
    Ok(plan)
}

/// Message word `i`, which is 0 or 1.
fn flag(args: &Args, i: usize) -> Result<bool, Refusal> {
    Ok(args.word_up_to(i, 1)? == 1)
}

/// Message word `i`: counters that the CPU has, as bits of GLOBAL_CTRL.
fn counters(layout: &Layout, args: &Args, i: usize) -> Result<CounterSet, Refusal> {
    let control = check_global_control(Alleged(args.word(i)?), layout.counters);
    let control = control.map_err(|_| Refusal::argument(i as u64))?;
    Ok(CounterSet::running(control))
}

/// Message word 0: a counter that the CPU has, as RDPMC names it.
fn counter(layout: &Layout, args: &Args) -> Result<Counter, Refusal> {
    let number = u32::try_from(args.word(0)?).ok();
    let counter = number.and_then(Counter::from_rdpmc);
    counter
        .filter(|&counter| layout.counters.has(counter))
        .ok_or(Refusal::argument(0))
}

/// Does what was decoded.
pub(super) fn invoke(k: &mut Kernel, plan: VcpuPlan) -> Answer {
    match plan {
        VcpuPlan::SetBlind(id, blind) => k.vcpus[id].blind = blind,
        VcpuPlan::Counters(id, plan) => return invoke_counters(k, id, plan),
    }
    Answer::done()
}

fn invoke_counters(k: &mut Kernel, id: VcpuId, plan: CountersPlan) -> Answer {
    let control = k.control_of(id);
    let vcpu = &mut k.vcpus[id];
    match plan {
        CountersPlan::Open {
            full_width, global, ..
        } => {
            vcpu.direct.full_width |= full_width;
            vcpu.direct.global |= global;
        }
        CountersPlan::OpenRdpmc(open) => vcpu.direct.rdpmc = open,
        CountersPlan::MaskPmi(masked) => vcpu.pmi.masked = masked,
        _ => {}
    }
    let control = control.map(|control| &mut k.pmu_controls[control]);
    let answer = match control.filter(|control| control.resident() == Some(id)) {
        Some(control) => {
            let answer = on_the_cpu(control, vcpu, plan);
            control.publish();
            answer
        }
        None => on_what_is_saved(vcpu, plan),
    };
    vcpu.is_idle = vcpu.context.is_idle();
    answer
}

/// The guest's context is resident: between an exit and the next entry.
fn on_the_cpu(control: &mut PmuControl, vcpu: &mut Vcpu, plan: CountersPlan) -> Answer {
    let vector = pmu::guest_vector(control.is_odd());
    let Some(counters) = &mut control.counters else {
        return Answer::done();
    };
    let context = &mut vcpu.context;
    match plan {
        CountersPlan::SetSelector(index, selector) => {
            counters.set_selector(context, index, selector);
        }
        CountersPlan::SetFixedControl(value) => counters.set_fixed_control(context, value),
        CountersPlan::SetGlobalControl(value) => context.set_global_control(value),
        CountersPlan::Open { counters: more, .. } => counters.open(context, more),
        CountersPlan::OpenRdpmc(_) => {}
        CountersPlan::Read(counter) => {
            return Answer::of([counters.read_resident(context, counter)]);
        }
        CountersPlan::Write(counter, value) => counters.write_resident(context, counter, value),
        CountersPlan::ReadStatus => return Answer::of([counters.resident_status().into()]),
        CountersPlan::ChangeStatus { clear, set } => counters.change_resident_status(clear, set),
        CountersPlan::MaskPmi(masked) => {
            counters.set_resident_vector(LocalVector::Fixed { vector, masked });
        }
    }
    Answer::done()
}

/// The guest's context is not resident: no register is touched.
fn on_what_is_saved(vcpu: &mut Vcpu, plan: CountersPlan) -> Answer {
    let context = &mut vcpu.context;
    match plan {
        CountersPlan::SetSelector(index, selector) => context.set_selector(index, selector),
        CountersPlan::SetFixedControl(value) => context.set_fixed_control(value),
        CountersPlan::SetGlobalControl(value) => context.set_global_control(value),
        CountersPlan::Open { counters, .. } => {
            context.set_opened(context.opened().union(counters));
        }
        CountersPlan::OpenRdpmc(_) | CountersPlan::MaskPmi(_) => {}
        CountersPlan::Read(counter) => return Answer::of([context.value(counter)]),
        CountersPlan::Write(counter, value) => context.set_value(counter, value),
        CountersPlan::ReadStatus => return Answer::of([context.status().into()]),
        CountersPlan::ChangeStatus { clear, set } => {
            let status: u64 = context.status().into();
            context.set_status(GlobalStatus::from(status & !clear.bits() | set.bits()));
        }
    }
    Answer::done()
}

impl Kernel {
    /// The counters of the CPU on which a virtual CPU runs.
    fn control_of(&self, id: VcpuId) -> Option<crate::object::PmuControlId> {
        let cpu = self.threads[self.vcpus[id].thread].cpu;
        self.cpus.get(cpu.index())?.counters
    }

    /// Which counters there are; `None` where none can be handed over.
    fn layout_of(&self, id: VcpuId) -> Option<Layout> {
        self.pmu_controls[self.control_of(id)?].layout()
    }
}
