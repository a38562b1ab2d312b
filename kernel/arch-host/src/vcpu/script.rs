//! A guest that does what a test has listed, with the reference counters.

use std::mem::offset_of;

use pmu_drv::Ring;
use pmu_model::{Access as Done, Elapsed};
use sel4_sys::vcpu::{Changed, VcpuState};
use x86_regs::MsrAddr;
use x86_regs::msr::{MsrBank, MsrReg};
use x86_regs::pmu::{
    FixedCounter, FullWidthCounter, GlobalStatus, GlobalStatusReset, LegacyCounter, PerfGlobalCtrl,
};
use x86_regs::vmx::{ExitReason, ExitWord};

use super::{Access, Counters, RawExit};
use crate::CpuId;
use crate::machine::{GuestRead, GuestStep, Raised, guest_pmi, with_counters, with_guest};
use crate::mm::PageRef;
use crate::trap::Interrupt;

/// What a run of the guest led to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) exit: RawExit,
    /// GLOBAL_CTRL as the exit saved it; `None` when the host's was loaded or the entry failed.
    pub(super) global_control: Option<PerfGlobalCtrl>,
    pub(super) ring: Ring,
}

/// How far the guest has come.
#[derive(Debug)]
pub(super) struct Script {
    id: u32,
    ring: Ring,
    exits: u64,
    last: ExitWord,
    /// The last exit was a read, whose value the VMM writes to the page.
    awaits_value: bool,
}

/// Where a step leads.
enum Way {
    On,
    Out(RawExit),
}

const RAX: usize = 0;
const RCX: usize = 1;
const RDX: usize = 2;

impl Script {
    pub(super) fn new(id: u32) -> Self {
        Self {
            id,
            ring: Ring::Kernel,
            exits: 0,
            last: ExitWord::new(),
            awaits_value: false,
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn take_changes(&mut self, page: PageRef) {
        let inject = page.word(offset_of!(VcpuState, inject) / 8);
        if inject != 0 {
            with_guest(self.id, |guest| guest.injections.push(inject));
            page.set_word(offset_of!(VcpuState, inject) / 8, 0);
        }
        page.set_word(offset_of!(VcpuState, changed) / 8, 0);
    }

    pub(super) fn run(
        &mut self,
        cpu: CpuId,
        page: PageRef,
        access: Access,
        counters: Counters,
    ) -> Outcome {
        if std::mem::take(&mut self.awaits_value) {
            let half = |index| page.word(index) & u64::from(u32::MAX);
            let value = half(RDX) << 32 | half(RAX);
            let is_direct = false;
            with_guest(self.id, |guest| {
                guest.reads.push(GuestRead { value, is_direct });
            });
        }
        let (inside, outside, access) = match counters {
            Counters::Guest(control) => (control, PerfGlobalCtrl::new(), Some(access)),
            Counters::Host { inside, outside } => (inside, outside, None),
        };
        let uses_counters = crate::machine::pmu_layout().is_ok();
        if uses_counters {
            load_global_control(cpu, inside);
        }
        let exit = loop {
            let step = with_guest(self.id, |guest| guest.steps.pop_front());
            let step = step.unwrap_or(GuestStep::Exit(ExitReason::HLT));
            if let Way::Out(exit) = self.step(cpu, page, access, step) {
                break exit;
            }
        };
        self.exits += 1;
        let saved = uses_counters
            .then(|| with_counters(cpu, |unit| PerfGlobalCtrl::from(unit.pmu().global_ctrl())));
        if uses_counters {
            load_global_control(cpu, outside);
        }
        if exit == RawExit::Nmi {
            // With the host's GLOBAL_CTRL loaded, through the NMI gate; the guest's address is not for the host to see.
            with_counters(cpu, |unit| unit.nmi(crate::machine::KERNEL_RIP, false));
        }
        Outcome {
            exit,
            global_control: saved.filter(|_| access.is_some() && exit != RawExit::EntryFailed),
            ring: self.ring,
        }
    }

    pub(super) fn describe_exit(&mut self, page: PageRef) {
        let set = |offset: usize, value: u64| page.set_word(offset / 8, value);
        set(
            offset_of!(VcpuState, exit_reason),
            u64::from(self.last.into_bits()),
        );
        set(offset_of!(VcpuState, exits), self.exits);
        set(offset_of!(VcpuState, shown), Changed::CONTROL);
    }

    /// `access` is what the guest reaches by itself, `None` when nothing is its own.
    fn step(&mut self, cpu: CpuId, page: PageRef, access: Option<Access>, step: GuestStep) -> Way {
        match step {
            GuestStep::Retire(elapsed) => self.retire(cpu, &elapsed),
            GuestStep::ReadMsr(address) => {
                if access.is_some_and(|access| opens(access, address)) {
                    let value = with_counters(cpu, |unit| unit.pmu().rdmsr(address.0));
                    return self.note_read(value);
                }
                page.set_word(RCX, u64::from(address.0));
                self.awaits_value = true;
                self.exit(ExitReason::RDMSR)
            }
            GuestStep::WriteMsr(address, value) => {
                // The status is open to reading only.
                let may_write = address != GlobalStatus::ADDR;
                if may_write && access.is_some_and(|access| opens(access, address)) {
                    let done = with_counters(cpu, |unit| unit.pmu().wrmsr(address.0, value));
                    assert_eq!(done, Done::Done(()), "a guest's WRMSR faults");
                    return Way::On;
                }
                page.set_word(RCX, u64::from(address.0));
                page.set_word(RAX, value & u64::from(u32::MAX));
                page.set_word(RDX, value >> 32);
                self.exit(ExitReason::WRMSR)
            }
            GuestStep::ReadCounter(ecx) => {
                if access.is_some_and(|access| access.rdpmc) {
                    let value = with_counters(cpu, |unit| unit.pmu().rdpmc(ecx));
                    return self.note_read(value);
                }
                page.set_word(RCX, u64::from(ecx));
                self.awaits_value = true;
                self.exit(ExitReason::RDPMC)
            }
            GuestStep::Exit(reason) => self.exit(reason),
            GuestStep::Interrupt(interrupt) => self.interrupted(interrupt),
            GuestStep::Nmi => self.non_maskable(),
            GuestStep::FailEntry => {
                self.last = ExitWord::new()
                    .with_reason(ExitReason::INVALID_GUEST_STATE)
                    .with_entry_failed(true);
                Way::Out(RawExit::EntryFailed)
            }
        }
    }

    fn retire(&mut self, cpu: CpuId, elapsed: &Elapsed) -> Way {
        self.ring = if elapsed.kernel.instructions == 0 {
            Ring::User
        } else {
            Ring::Kernel
        };
        match with_counters(cpu, |unit| unit.advance(elapsed)) {
            None => Way::On,
            Some(Raised::Nmi) => self.non_maskable(),
            Some(Raised::Vector(vector)) => self.interrupted(guest_pmi(vector)),
        }
    }

    fn note_read(&self, value: Done<u64>) -> Way {
        let value = value.done().expect("a guest's read does not fault");
        let is_direct = true;
        with_guest(self.id, |guest| {
            guest.reads.push(GuestRead { value, is_direct });
        });
        Way::On
    }

    fn interrupted(&mut self, interrupt: Interrupt) -> Way {
        self.last = ExitWord::new().with_reason(ExitReason::EXTERNAL_INTERRUPT);
        Way::Out(RawExit::Interrupt(interrupt))
    }

    fn non_maskable(&mut self) -> Way {
        self.last = ExitWord::new().with_reason(ExitReason::EXCEPTION_OR_NMI);
        Way::Out(RawExit::Nmi)
    }

    fn exit(&mut self, reason: ExitReason) -> Way {
        self.last = ExitWord::new().with_reason(reason);
        Way::Out(RawExit::Exit(reason))
    }
}

fn load_global_control(cpu: CpuId, control: PerfGlobalCtrl) {
    let done = with_counters(cpu, |unit| unit.pmu().load_global_ctrl(control.into()));
    assert_eq!(done, Done::Done(()), "GLOBAL_CTRL of a VM entry or exit");
}

/// Whether the MSR bitmap of `access` lets `address` through.
fn opens(access: Access, address: MsrAddr) -> bool {
    let open = |index: Option<u32>, first: u32| {
        index.is_some_and(|index| access.counters.bits() >> (first + index) & 1 == 1)
    };
    let global = [
        PerfGlobalCtrl::ADDR,
        GlobalStatus::ADDR,
        GlobalStatusReset::ADDR,
    ];
    open(LegacyCounter::index(address), 0)
        || open(FixedCounter::index(address), 32)
        || access.full_width && open(FullWidthCounter::index(address), 0)
        || access.global && global.contains(&address)
}

const _: () = assert!(offset_of!(VcpuState, registers) == 0);
