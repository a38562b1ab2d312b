//! In which rings the fixed-function counters count.

use bitfield_struct::bitfield;

use crate::msr::{MsrAddr, MsrReg};

/// IA32_FIXED_CTR_CTRL: four bits for each fixed-function counter.
/// SDM vol. 3B, "Architectural Performance Monitoring Version 2".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct FixedCtrCtrl {
    /// Counter 0: instructions retired.
    #[bits(4)]
    pub instructions: FixedField,
    /// Counter 1: core cycles.
    #[bits(4)]
    pub cycles: FixedField,
    /// Counter 2: reference cycles.
    #[bits(4)]
    pub reference_cycles: FixedField,
    /// Counter 3: topdown slots.
    #[bits(4)]
    pub topdown_slots: FixedField,
    #[bits(48)]
    __: u64,
}

impl FixedCtrCtrl {
    /// The field of counter `index`; `None` past the last that the architecture defines.
    #[must_use]
    pub const fn field(self, index: u32) -> Option<FixedField> {
        match index {
            0 => Some(self.instructions()),
            1 => Some(self.cycles()),
            2 => Some(self.reference_cycles()),
            3 => Some(self.topdown_slots()),
            _ => None,
        }
    }

    /// This register with the field of counter `index` replaced; unchanged past the last.
    #[must_use]
    pub const fn with_field(self, index: u32, field: FixedField) -> Self {
        match index {
            0 => self.with_instructions(field),
            1 => self.with_cycles(field),
            2 => self.with_reference_cycles(field),
            3 => self.with_topdown_slots(field),
            _ => self,
        }
    }
}

impl MsrReg for FixedCtrCtrl {
    const ADDR: MsrAddr = MsrAddr(0x38d);
    const NAME: &'static str = "IA32_FIXED_CTR_CTRL";
}

const _: () = assert!(size_of::<FixedCtrCtrl>() == 8);
const _: () = assert!(
    FixedCtrCtrl::new()
        .with_cycles(FixedField::new().with_interrupt(true))
        .into_bits()
        == 1 << 7
);

/// The four bits of one fixed-function counter in [`FixedCtrCtrl`].
#[bitfield(u8)]
#[derive(PartialEq, Eq)]
pub struct FixedField {
    /// Count in ring 0.
    pub kernel: bool,
    /// Count in rings 1 to 3.
    pub user: bool,
    /// Count all logical processors of the core. Version 3; may be deprecated in version 5.
    pub any_thread: bool,
    /// Raise an interrupt at each overflow (PMI).
    pub interrupt: bool,
    #[bits(4)]
    __: u8,
}
