//! The objects of virtual machines and of the counters that they take over.
//!
//! A `[[vm]]` is memory, and a lease for each CPU on which somebody has to do with its counters. Each `vcpu` that
//! a program declares is a virtual CPU of its own; authority over the counters is one object a CPU.

use std::collections::BTreeMap;

use sel4_sys::{CapRights, ObjectKind};
use sysdesc::{DeclarationKind, GuestSpace, PmuControl, PmuLease, Vcpu};

use super::declared::Gift;
use super::description::Description;
use super::objects::{Grant, Plan};
use super::plan::Member;
use super::problem::{Problem, choice};

/// What programs have asked for so far.
#[derive(Debug, Default)]
pub(crate) struct Guests {
    leases: BTreeMap<(u16, u32), u16>,
    vcpus: Vec<Vcpu>,
    controls: Vec<PmuControl>,
}

impl Guests {
    /// The capability for a declaration of one of these kinds.
    pub(crate) fn resolve(
        &mut self,
        description: &Description,
        member: &Member<'_>,
        kind: DeclarationKind,
        gift: &Gift<'_>,
    ) -> Result<Grant, Problem> {
        if kind == DeclarationKind::PmuControl {
            return self.control(description, member, gift);
        }
        let vm = vm(description, gift)?;
        match kind {
            DeclarationKind::Vcpu => self.vcpu(description, member, gift, vm),
            DeclarationKind::PmuLease => {
                let lease = self.lease(vm, member.task.cpu);
                Ok(Grant::all(ObjectKind::PmuLease, lease))
            }
            _ => Ok(Grant::all(ObjectKind::GuestSpace, vm)),
        }
    }

    /// Adds the objects to the plan.
    pub(crate) fn finish(self, description: &Description, plan: &mut Plan) {
        let vms = description.system.vms.iter().map(toml::Spanned::get_ref);
        plan.guest_spaces = vms
            .map(|vm| GuestSpace {
                tables: *vm.tables.get_ref(),
                reserved: 0,
            })
            .collect();
        let mut leases: Vec<_> = self.leases.into_iter().collect();
        leases.sort_by_key(|&(_, index)| index);
        plan.pmu_leases = leases
            .into_iter()
            .map(|((_, cpu), lease)| {
                let vmm = self.vcpus.iter().find(|vcpu| vcpu.lease == lease);
                PmuLease {
                    cpu,
                    // The position of a task is its badge.
                    vmm_badge: vmm.map_or(0, |vcpu| vcpu.thread),
                    reserved: 0,
                }
            })
            .collect();
        plan.vcpus = self.vcpus;
        plan.pmu_controls = self.controls;
    }

    fn lease(&mut self, vm: u16, cpu: u32) -> u16 {
        let next = number(self.leases.len());
        *self.leases.entry((vm, cpu)).or_insert(next)
    }

    fn vcpu(
        &mut self,
        description: &Description,
        member: &Member<'_>,
        gift: &Gift<'_>,
        vm: u16,
    ) -> Result<Grant, Problem> {
        if !member.task.fpu {
            let cause = format!("`{}` runs a guest, but may not use the FPU", member.name());
            let suggestion = "add fpu = true: the guest uses the FPU of the task that runs it";
            return Err(Problem::new(&member.span, cause, suggestion));
        }
        let Some(state) = gift.text("state") else {
            let cause = "a virtual CPU without a page for its registers";
            let suggestion = "write { vm = \"…\", state = \"…\" } with the name of a [[frame]]";
            return Err(Problem::new(&gift.span, cause, suggestion));
        };
        let state_region = memory(description, gift, state)?;
        if self
            .vcpus
            .iter()
            .any(|other| other.state_region == state_region)
        {
            let cause = format!("another virtual CPU has its registers in `{state}`");
            let suggestion = "give each virtual CPU a frame of its own";
            return Err(Problem::new(&gift.span, cause, suggestion));
        }
        let lease = self.lease(vm, member.task.cpu);
        self.vcpus.push(Vcpu {
            thread: member.index,
            guest_space: vm,
            state_region,
            lease,
            reserved: 0,
        });
        Ok(Grant::all(ObjectKind::Vcpu, number(self.vcpus.len() - 1)))
    }

    fn control(
        &mut self,
        description: &Description,
        member: &Member<'_>,
        gift: &Gift<'_>,
    ) -> Result<Grant, Problem> {
        let accounting_region = memory(description, gift, gift.name)?;
        let cpu = member.task.cpu;
        let known = self.controls.iter().position(|control| control.cpu == cpu);
        let at = known.unwrap_or(self.controls.len());
        match known.and_then(|at| self.controls.get(at)) {
            None => self.controls.push(PmuControl {
                cpu,
                accounting_region,
                reserved: 0,
            }),
            Some(other) if other.accounting_region == accounting_region => {}
            Some(_) => {
                let cause = format!("CPU {cpu} has another frame for its accounts already");
                let suggestion = "name the same frame in every task that controls its counters";
                return Err(Problem::new(&gift.span, cause, suggestion));
            }
        }
        let grant = Grant::all(ObjectKind::PmuControl, number(at));
        Ok(if gift.flag("read-only") {
            grant.with(CapRights::READ)
        } else {
            grant
        })
    }
}

/// The index of the virtual machine that a gift names.
fn vm(description: &Description, gift: &Gift<'_>) -> Result<u16, Problem> {
    let vms = description.system.vms.iter();
    let names: Vec<&str> = vms.map(|vm| vm.get_ref().name.get_ref().as_str()).collect();
    let at = names.iter().position(|name| *name == gift.name);
    at.map(number).ok_or_else(|| {
        let cause = format!("there is no vm `{}`", gift.name);
        Problem::new(&gift.span, cause, choice(gift.name, &names))
    })
}

/// The region of a shared frame that is ordinary memory.
fn memory(description: &Description, gift: &Gift<'_>, name: &str) -> Result<u16, Problem> {
    let frames = description.system.frames.iter().map(toml::Spanned::get_ref);
    let all: Vec<_> = frames.collect();
    let at = all.iter().position(|frame| frame.name.get_ref() == name);
    let Some((at, frame)) = at.and_then(|at| Some((at, all.get(at)?))) else {
        let names: Vec<&str> = all
            .iter()
            .map(|frame| frame.name.get_ref().as_str())
            .collect();
        let cause = format!("there is no frame `{name}`");
        return Err(Problem::new(&gift.span, cause, choice(name, &names)));
    };
    if frame.device.is_some() {
        let cause = format!("the frame `{name}` is device memory, which the kernel does not write");
        return Err(Problem::new(
            &gift.span,
            cause,
            "name a frame without `device`",
        ));
    }
    Ok(number(at))
}

/// What can be wrong with the virtual machines by themselves.
pub(crate) fn check(description: &Description, problems: &mut Vec<Problem>) {
    let mut names = BTreeMap::new();
    for vm in &description.system.vms {
        let vm = vm.get_ref();
        if names.insert(vm.name.get_ref(), ()).is_some() {
            let cause = format!("there are two vms `{}`", vm.name.get_ref());
            let suggestion = "give each vm a name of its own";
            problems.push(Problem::new(&vm.name.span(), cause, suggestion));
        }
        if *vm.tables.get_ref() == 0 {
            let suggestion = "give it one for each 2 MiB of memory, and three more";
            let cause = "a vm without page tables has no memory";
            problems.push(Problem::new(&vm.tables.span(), cause, suggestion));
        }
    }
}

fn number(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
