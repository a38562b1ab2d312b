//! RDMSR and WRMSR: who has the register.
//!
//! What the MSR bitmap lets through never comes here: the bases of FS and GS, and the registers of SYSCALL and SYSENTER. A register that nobody has is #GP: nothing of the host's can be
//! reached by a number that this list does not know (threat T8).

use x86_regs::pmu::{DebugCtl, PerfGlobalCtrl};
use x86_regs::system::{BiosSignature, Efer, MiscEnable, PageAttributes, TimeStampCounter};
use x86_regs::{MsrAddr, MsrReg};

use super::{Outcome, Rdmsr, Wrmsr};
use crate::env::{Env, Trace};
use crate::inject::Exception;
use crate::registers::Registers;
use crate::vcpu::Vcpu;

pub(super) fn read(vcpu: &mut Vcpu, registers: &mut Registers<'_>, env: &mut impl Env) -> Outcome {
    let address = MsrAddr(registers.ecx());
    let running = PerfGlobalCtrl::from(registers.0.global_control);
    let mut result = match &mut vcpu.pmu {
        Some(pmu) => pmu.rdmsr(address, running, env),
        None => Rdmsr::NotMine,
    };
    if result == Rdmsr::NotMine {
        let now = env.now();
        result = vcpu.apic.rdmsr(address, now);
    }
    if result == Rdmsr::NotMine {
        result = read_own(vcpu, registers, address, env);
    }
    match result {
        Rdmsr::Value(value) => {
            registers.set_pair(value);
            Outcome::Completed
        }
        Rdmsr::Fault | Rdmsr::NotMine => {
            let rip = registers.0.rip;
            env.trace(Trace::UnknownMsrRead { address, rip });
            Outcome::Raise(Exception::GeneralProtection)
        }
    }
}

pub(super) fn write(vcpu: &mut Vcpu, registers: &mut Registers<'_>, env: &mut impl Env) -> Outcome {
    let address = MsrAddr(registers.ecx());
    let value = registers.pair();
    let mut result = Wrmsr::NotMine;
    if let Some(pmu) = &mut vcpu.pmu {
        let mut running = PerfGlobalCtrl::from(registers.0.global_control);
        result = pmu.wrmsr(address, value, &mut running, env);
        registers.0.global_control = running.into();
    }
    if result == Wrmsr::NotMine {
        let now = env.now();
        result = vcpu.apic.wrmsr(address, value, now, env);
    }
    if result == Wrmsr::NotMine {
        result = write_own(vcpu, registers, address, value);
    }
    match result {
        Wrmsr::Done => Outcome::Completed,
        Wrmsr::Fault | Wrmsr::NotMine => {
            let rip = registers.0.rip;
            env.trace(Trace::MsrWriteRefused {
                address,
                value,
                rip,
            });
            Outcome::Raise(Exception::GeneralProtection)
        }
    }
}

/// Registers of the CPU itself.
fn read_own(vcpu: &Vcpu, registers: &Registers<'_>, address: MsrAddr, env: &mut impl Env) -> Rdmsr {
    Rdmsr::Value(match address {
        Efer::ADDR => registers.0.efer,
        PageAttributes::ADDR => vcpu.page_attributes.into(),
        TimeStampCounter::ADDR => env.now().tsc,
        MiscEnable::ADDR => misc_enable(vcpu).into(),
        // No bit of DEBUGCTL is offered: freezing and branch traces would reach the host's counters and memory.
        DebugCtl::ADDR | BiosSignature::ADDR => 0,
        _ => return Rdmsr::NotMine,
    })
}

fn write_own(
    vcpu: &mut Vcpu,
    registers: &mut Registers<'_>,
    address: MsrAddr,
    value: u64,
) -> Wrmsr {
    match address {
        Efer::ADDR => return write_efer(vcpu, registers, value.into()),
        PageAttributes::ADDR => {
            let attributes = PageAttributes::from(value);
            if !attributes.is_valid() {
                return Wrmsr::Fault;
            }
            vcpu.page_attributes = attributes;
        }
        // A guest clears it before it asks for the microcode's revision.
        BiosSignature::ADDR => {}
        MiscEnable::ADDR
            if MiscEnable::from(value).with_fast_strings(true) == misc_enable(vcpu) => {}
        MiscEnable::ADDR => return Wrmsr::Fault,
        DebugCtl::ADDR if value == 0 => {}
        DebugCtl::ADDR => return Wrmsr::Fault,
        _ => return Wrmsr::NotMine,
    }
    Wrmsr::Done
}

/// LMA is the CPU's own; LME changes only while paging is off. SDM vol. 3A, "Extended Feature Enable Register".
fn write_efer(vcpu: &Vcpu, registers: &mut Registers<'_>, efer: Efer) -> Wrmsr {
    let old = registers.efer();
    let known = old
        .with_system_call(efer.system_call())
        .with_long_mode_enable(efer.long_mode_enable())
        .with_no_execute(efer.no_execute());
    let is_known = efer.with_long_mode_active(old.long_mode_active()) == known;
    let toggles_mode = old.long_mode_enable() != efer.long_mode_enable();
    let no_execute = efer.no_execute() && !vcpu.features.no_execute;
    if !is_known || no_execute || toggles_mode && registers.cr0().paging() {
        return Wrmsr::Fault;
    }
    registers.0.efer = known.into();
    registers.mark_control();
    Wrmsr::Done
}

fn misc_enable(vcpu: &Vcpu) -> MiscEnable {
    MiscEnable::new()
        .with_fast_strings(true)
        .with_performance_monitoring(vcpu.pmu.is_some())
        .with_no_branch_trace(true)
        .with_no_pebs(true)
}
