//! Guest state that exists only in a VMCS: what blocks events.

use bitfield_struct::bitfield;

/// Guest interruptibility state. SDM vol. 3C, "Guest Non-Register State".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Interruptibility {
    /// The instruction after STI has not run yet.
    pub after_sti: bool,
    /// The instruction after a load of SS has not run yet.
    pub after_ss_load: bool,
    /// System-management interrupts wait.
    pub smi_blocked: bool,
    /// An NMI is being handled: others wait for IRET.
    pub nmi_blocked: bool,
    #[bits(60)]
    __: u64,
}

const _: () = assert!(Interruptibility::new().with_nmi_blocked(true).into_bits() == 1 << 3);
