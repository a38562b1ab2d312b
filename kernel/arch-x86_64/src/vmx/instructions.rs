//! The instructions of VMX, one function each.
//!
//! UNSAFETY: inline assembly. A VMCS decides what a VM entry and the exit after it load, but not before `world` enters:
//! reading and writing fields is harmless by itself.

#![expect(unsafe_code, reason = "inline assembly")]

use core::arch::asm;

use x86_regs::vmx::state::INSTRUCTION_ERROR;
use x86_regs::vmx::{EptPointer, FieldAccess, Rw, VmcsField, VmcsValue};

/// An instruction of VMX refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Refused;

/// Runs one instruction with a memory operand and says whether it refused: CF or ZF.
macro_rules! with_pointer {
    ($instruction:literal, $physical:expr) => {{
        let refused: u8;
        let physical: u64 = $physical;
        // SAFETY: 1. The caller's promise. 2. The operand is a word on the stack.
        unsafe {
            asm!(
                concat!($instruction, " [{pointer}]"),
                "setbe {refused}",
                pointer = in(reg) &raw const physical,
                refused = out(reg_byte) refused,
                options(nostack),
            );
        }
        if refused == 0 { Ok(()) } else { Err(Refused) }
    }};
}

/// VMXON.
///
/// # Safety
/// CPUID has VMX, CR0, CR4 and FEATURE_CONTROL are as it wants them, and the page at `region` is for the CPU alone from now on.
pub(super) unsafe fn vmxon(region: u64) -> Result<(), Refused> {
    with_pointer!("vmxon", region)
}

/// VMCLEAR: what the CPU knows of the VMCS at `region` goes to memory, and its next entry is a launch.
///
/// # Safety
/// VMX is on, and the page is a VMCS region of this CPU or of none.
pub(super) unsafe fn vmclear(region: u64) -> Result<(), Refused> {
    with_pointer!("vmclear", region)
}

/// VMPTRLD: makes the VMCS at `region` current.
///
/// # Safety
/// As [`vmclear`], and the page begins with the revision.
pub(super) unsafe fn vmptrld(region: u64) -> Result<(), Refused> {
    with_pointer!("vmptrld", region)
}

/// INVEPT of one context: forgets all translations through `pointer`.
pub(super) fn forget_translations(pointer: EptPointer) {
    let descriptor = [pointer.into_bits(), 0];
    // SAFETY: 1. Who has an EPT pointer has a current VMCS, so VMX is on. 2. Translations are only cached: they come back.
    unsafe {
        asm!("invept {kind}, [{descriptor}]", kind = in(reg) 1_u64, descriptor = in(reg) &raw const descriptor,
            options(readonly, nostack));
    }
}

/// The current VMCS of this CPU. Exists only while one is current.
#[derive(Clone, Copy, Debug)]
pub(super) struct Current(());

impl Current {
    /// # Safety
    /// VMX is on and a VMCS is current on this CPU, as long as the value is used.
    pub(super) unsafe fn assume() -> Self {
        Self(())
    }

    /// VMREAD. A field that the CPU does not have reads as it was in RAX: [`controls`](super::controls) has asked for all of them.
    #[inline]
    pub(super) fn read<T: VmcsValue, A: FieldAccess>(self, field: &VmcsField<T, A>) -> T {
        let value: u64;
        let number = u64::from(field.encoding().into_bits());
        // SAFETY: 1. A VMCS is current (`assume`). 2. Reading has no effect.
        unsafe {
            asm!("vmread {value}, {number}", value = out(reg) value, number = in(reg) number, options(nostack));
        }
        T::from_vmcs(value)
    }

    /// VMWRITE.
    #[inline]
    pub(super) fn write<T: VmcsValue>(self, field: &VmcsField<T, Rw>, value: T) {
        let number = u64::from(field.encoding().into_bits());
        let value = value.into_vmcs();
        // SAFETY: 1. A VMCS is current (`assume`). 2. The field has no effect before an entry, and `world` says why entries are sound.
        unsafe {
            asm!("vmwrite {number}, {value}", number = in(reg) number, value = in(reg) value, options(nostack));
        }
    }

    /// Why the last VMLAUNCH or VMRESUME refused. SDM vol. 3C, "VM Instruction Error Numbers".
    pub(super) fn error(self) -> u32 {
        self.read(&INSTRUCTION_ERROR)
    }
}
