//! Control registers, where the kernel does not let the guest write them itself.
//!
//! CR0 and CR4 exit when a bit changes that VMX fixes; CR3 never does. The rules are those of
//! SDM vol. 3A, "Control Registers" and "Switching Out of or into 64-Bit Mode".

use x86_regs::system::{Cr0, Cr4};
use x86_regs::vmx::ControlQualification;

use super::Outcome;
use crate::inject::Exception;
use crate::registers::Registers;
use crate::vcpu::Vcpu;
use crate::verdict::Verdict;

const FAULT: Outcome = Outcome::Raise(Exception::GeneralProtection);

pub(super) fn access(
    vcpu: &mut Vcpu,
    registers: &mut Registers<'_>,
    access: ControlQualification,
) -> Outcome {
    let value = registers.general(access.general());
    match (access.access(), access.control()) {
        (ControlQualification::WRITE, 0) => write_0(registers, value.into()),
        (ControlQualification::WRITE, 4) => write_4(vcpu, registers, value.into()),
        (ControlQualification::WRITE, 8) => match u8::try_from(value) {
            Ok(class @ 0..=15) => {
                vcpu.apic.set_cr8(class);
                Outcome::Completed
            }
            _ => FAULT,
        },
        (ControlQualification::READ, 8) => {
            registers.set_general(access.general(), vcpu.apic.cr8().into());
            Outcome::Completed
        }
        (ControlQualification::CLTS, _) => {
            let cr0 = registers.cr0().with_task_switched(false);
            write_0(registers, cr0)
        }
        (ControlQualification::LMSW, _) => {
            let source = Cr0::from(u64::from(access.lmsw_source()));
            let old = registers.cr0();
            // LMSW sets PE but cannot clear it.
            let cr0 = old
                .with_protection(old.protection() || source.protection())
                .with_monitor_coprocessor(source.monitor_coprocessor())
                .with_emulation(source.emulation())
                .with_task_switched(source.task_switched());
            write_0(registers, cr0)
        }
        _ => Outcome::Stop(Verdict::NotEmulated {
            what: "an access to a control register other than CR0, CR4 and CR8",
            rip: registers.0.rip,
        }),
    }
}

fn write_0(registers: &mut Registers<'_>, cr0: Cr0) -> Outcome {
    let old = registers.cr0();
    let efer = registers.efer();
    let impossible = cr0.into_bits() >> u32::BITS != 0
        || cr0.paging() && !cr0.protection()
        || cr0.not_write_through() && !cr0.cache_disable();
    let turns_on = cr0.paging() && !old.paging();
    let long = turns_on && efer.long_mode_enable();
    if impossible || long && !registers.cr4().physical_address_extension() {
        return FAULT;
    }
    if long {
        registers.0.efer = efer.with_long_mode_active(true).into();
    } else if !cr0.paging() {
        registers.0.efer = efer.with_long_mode_active(false).into();
    }
    registers.0.cr0 = cr0.with_extension_type(true).into();
    registers.mark_control();
    Outcome::Completed
}

fn write_4(vcpu: &Vcpu, registers: &mut Registers<'_>, cr4: Cr4) -> Outcome {
    let unknown = cr4.into_bits() & !vcpu.features.cr4.into_bits() != 0;
    let leaves_long_mode = registers.efer().long_mode_active() && !cr4.physical_address_extension();
    if unknown || leaves_long_mode {
        return FAULT;
    }
    registers.0.cr4 = cr4.into();
    registers.mark_control();
    Outcome::Completed
}
