//! Invocations of kernel objects: decode, then invoke.

use super::{
    Answer, Args, Refusal, frame, guest_space, interrupt, pmu, port, sched_context, thread, vcpu,
};
use crate::Kernel;
use crate::cap::{self, CNodePlan, Capability, SlotId};
use crate::object::ThreadId;

/// An invocation that was found to be in order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plan {
    CNode(CNodePlan),
    Thread(thread::ThreadPlan),
    SchedContext(sched_context::SchedContextPlan),
    Frame(frame::FramePlan),
    Space(frame::SpacePlan),
    Interrupt(interrupt::InterruptPlan),
    Port(port::PortPlan),
    GuestSpace(guest_space::GuestSpacePlan),
    Vcpu(vcpu::VcpuPlan),
    Pmu(pmu::PmuPlan),
}

impl Kernel {
    /// Invokes the kernel object that a capability names. Endpoints, notifications and reply objects are not invoked.
    pub(super) fn invoke(
        &mut self,
        caller: ThreadId,
        slot: SlotId,
        capability: Capability,
    ) -> Answer {
        let args = Args::of(self, caller, slot, capability);
        match decode(self, &args) {
            Ok(plan) => invoke(self, &args, plan),
            Err(refusal) => refusal.into(),
        }
    }
}

fn decode(k: &Kernel, args: &Args) -> Result<Plan, Refusal> {
    let capability = args.capability;
    if let Some(id) = capability.cnode() {
        cap::decode_cnode(k, id, args).map(Plan::CNode)
    } else if let Some(id) = capability.thread() {
        thread::decode(k, id, args).map(Plan::Thread)
    } else if let Some(id) = capability.sched_context() {
        sched_context::decode(k, id, args).map(Plan::SchedContext)
    } else if let Some(id) = capability.frame() {
        frame::decode(k, id, args).map(Plan::Frame)
    } else if let Some(id) = capability.space() {
        frame::decode_space(id, args).map(Plan::Space)
    } else if let Some(id) = capability.interrupt() {
        interrupt::decode(k, id, args).map(Plan::Interrupt)
    } else if let Some(id) = capability.port() {
        port::decode(k, id, args).map(Plan::Port)
    } else if let Some(id) = capability.guest_space() {
        guest_space::decode(k, id, args).map(Plan::GuestSpace)
    } else if let Some(id) = capability.vcpu() {
        vcpu::decode(k, id, args).map(Plan::Vcpu)
    } else if let Some(id) = capability.pmu_control() {
        pmu::decode(k, id, args).map(Plan::Pmu)
    } else if let Some(id) = capability.pmu_lease() {
        pmu::decode_lease(id, args).map(Plan::Pmu)
    } else {
        Err(Refusal::capability(0))
    }
}

fn invoke(k: &mut Kernel, args: &Args, plan: Plan) -> Answer {
    match plan {
        Plan::CNode(plan) => cap::invoke_cnode(k, plan),
        Plan::Thread(plan) => thread::invoke(k, args, plan),
        Plan::SchedContext(plan) => sched_context::invoke(k, plan),
        Plan::Frame(plan) => frame::invoke(k, plan),
        Plan::Space(plan) => frame::invoke_space(k, plan),
        Plan::Interrupt(plan) => interrupt::invoke(k, plan),
        Plan::Port(plan) => port::invoke(args, plan),
        Plan::GuestSpace(plan) => guest_space::invoke(k, plan),
        Plan::Vcpu(plan) => vcpu::invoke(k, plan),
        Plan::Pmu(plan) => pmu::invoke(k, args, plan),
    }
}
