//! The local APIC, in xAPIC mode (a page of registers) or x2APIC mode (MSRs).
//!
//! The mode is chosen once: x2APIC where CPUID has it, else xAPIC. Every access goes through [`read`] and [`write`].
//!
//! UNSAFETY: device registers, by address or as MSRs.

#![expect(unsafe_code, reason = "device registers")]

use core::sync::atomic::{AtomicBool, Ordering};

use x86_regs::apic::{
    ApicBase, ApicId, ApicReg, ApicVersion, EndOfInterrupt, InterruptCommand, LvtEntry, LvtError,
    LvtLint0, LvtLint1, LvtPmc, LvtThermal, LvtTimer, SelfIpi, SpuriousVector, TaskPriority,
};

use crate::cpu::features::Features;
use crate::cpu::instructions;
use crate::mm::layout::{DEVICE_BASE, PAGE, to_usize};
use crate::trap::vector::Vector;

/// Number of the device page with the local APIC's registers.
pub(crate) const LOCAL_APIC_PAGE: usize = 0;

static IS_X2APIC: AtomicBool = AtomicBool::new(false);

/// Chooses the mode and gives the physical address of the registers' page, which must be mapped before
/// anything else here is used.
pub(crate) fn prepare(features: &Features) -> u64 {
    IS_X2APIC.store(features.x2apic, Ordering::Relaxed);
    instructions::read_msr::<ApicBase>().page() * PAGE
}

/// Switches this CPU's APIC on, with every local source masked but NMI.
pub(crate) fn prepare_cpu() {
    let base = instructions::read_msr::<ApicBase>()
        .with_enable(true)
        .with_x2apic(IS_X2APIC.load(Ordering::Relaxed));
    // SAFETY: 1. The address stays. 2. x2APIC is set only where CPUID has it; firmware that has set it already has such a CPU,
    // so this never leaves x2APIC mode, which would fault.
    unsafe { instructions::write_msr(base) }
    let masked = LvtEntry::new()
        .with_masked(true)
        .with_vector(Vector::SPURIOUS.0);
    write(
        SpuriousVector::new()
            .with_vector(Vector::SPURIOUS.0)
            .with_enable(true),
    );
    write(TaskPriority(0));
    write(LvtTimer(masked));
    write(LvtLint0(masked));
    write(LvtLint1(LvtEntry::new().with_delivery(LvtEntry::NMI)));
    write(LvtError(masked));
    let last = read::<ApicVersion>().last_lvt();
    if last >= 4 {
        write(LvtPmc(masked));
    }
    if last >= 5 {
        write(LvtThermal(masked));
    }
}

/// Ends the interrupt that is being served.
#[inline]
pub(crate) fn end_of_interrupt() {
    write(EndOfInterrupt(0));
}

/// Interrupts this CPU with `vector`. For NMI handlers too: in xAPIC mode the one register that is written needs no
/// destination, so that a command that the NMI came into the middle of is not harmed.
pub(crate) fn interrupt_self(vector: Vector) {
    if IS_X2APIC.load(Ordering::Relaxed) {
        write(SelfIpi(u32::from(vector.0)));
    } else {
        let command = InterruptCommand::new()
            .with_vector(vector.0)
            .with_asserted(true)
            .with_shorthand(InterruptCommand::TO_SELF);
        let low = u32::try_from(command.into_bits()).unwrap_or(0);
        let at = register(InterruptCommand::REGISTER.offset());
        // SAFETY: 1. As in `read`. 2. What follows is an interrupt, which has a gate.
        unsafe { core::ptr::write_volatile(at, low) }
    }
}

/// The APIC identity of this CPU, as far as an I/O APIC can name it: 8 bits.
pub(crate) fn identity() -> u8 {
    let ApicId(id) = read();
    let id = if IS_X2APIC.load(Ordering::Relaxed) {
        id
    } else {
        id >> 24
    };
    // Identities from 255 on need interrupt remapping, and the CPU that boots has a low one.
    u8::try_from(id).unwrap_or(0)
}

/// A register of this CPU's APIC.
#[inline]
pub(crate) fn read<R: ApicReg>() -> R {
    R::from(if IS_X2APIC.load(Ordering::Relaxed) {
        // SAFETY: 1. In x2APIC mode every register that has a type exists as this MSR; reading it has no effect.
        let value = unsafe { instructions::read_msr_at(R::REGISTER.msr()) };
        // The upper half of an APIC register is 0.
        u32::try_from(value).unwrap_or(0)
    } else {
        // SAFETY: 1. The device page is mapped (`prepare`), the register lies in it, aligned.
        unsafe { core::ptr::read_volatile(register(R::REGISTER.offset())) }
    })
}

/// Writes a register of this CPU's APIC.
#[inline]
pub(crate) fn write<R: ApicReg>(value: R) {
    if IS_X2APIC.load(Ordering::Relaxed) {
        // SAFETY: 1. As in `read`; APIC registers change when interrupts come, not memory.
        unsafe { instructions::write_msr_at(R::REGISTER.msr(), u64::from(value.into())) }
    } else {
        // SAFETY: 1. As in `read`.
        unsafe { core::ptr::write_volatile(register(R::REGISTER.offset()), value.into()) }
    }
}

fn register(offset: usize) -> *mut u32 {
    core::ptr::with_exposed_provenance_mut(
        to_usize(DEVICE_BASE + LOCAL_APIC_PAGE as u64 * PAGE) + offset,
    )
}
