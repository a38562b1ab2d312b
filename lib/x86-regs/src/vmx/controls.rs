//! The execution, entry and exit controls, and which of them exist.

use bitfield_struct::bitfield;

use crate::msr::{MsrAddr, MsrReg};

/// Pin-based VM-execution controls.
/// SDM vol. 3C, "Pin-Based VM-Execution Controls".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct PinControls {
    /// An external interrupt exits.
    pub external_interrupt_exiting: bool,
    #[bits(2)]
    __: u8,
    /// A non-maskable interrupt exits.
    pub nmi_exiting: bool,
    #[bits(1)]
    __: bool,
    /// NMI blocking is virtual.
    pub virtual_nmis: bool,
    /// The preemption timer runs in the guest.
    pub preemption_timer: bool,
    /// Posted interrupts are processed.
    pub posted_interrupts: bool,
    #[bits(24)]
    __: u32,
}

/// Primary processor-based VM-execution controls.
/// SDM vol. 3C, "Processor-Based VM-Execution Controls".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct ProcessorControls {
    #[bits(2)]
    __: u8,
    /// Exit as soon as the guest can take an interrupt.
    pub interrupt_window_exiting: bool,
    /// RDTSC adds the offset.
    pub tsc_offsetting: bool,
    #[bits(3)]
    __: u8,
    /// HLT exits.
    pub hlt_exiting: bool,
    #[bits(1)]
    __: bool,
    /// INVLPG exits.
    pub invlpg_exiting: bool,
    /// MWAIT exits.
    pub mwait_exiting: bool,
    /// RDPMC exits.
    pub rdpmc_exiting: bool,
    /// RDTSC exits.
    pub rdtsc_exiting: bool,
    #[bits(2)]
    __: u8,
    /// Writes of CR3 exit.
    pub cr3_load_exiting: bool,
    /// Reads of CR3 exit.
    pub cr3_store_exiting: bool,
    /// The tertiary controls are in force.
    pub tertiary: bool,
    #[bits(1)]
    __: bool,
    /// Writes of CR8 exit.
    pub cr8_load_exiting: bool,
    /// Reads of CR8 exit.
    pub cr8_store_exiting: bool,
    /// CR8 is a shadow.
    pub tpr_shadow: bool,
    /// Exit as soon as the guest can take an NMI.
    pub nmi_window_exiting: bool,
    /// Moves to and from debug registers exit.
    pub mov_dr_exiting: bool,
    /// Every port access exits.
    pub unconditional_io_exiting: bool,
    /// Port accesses exit as the bitmaps say.
    pub io_bitmaps: bool,
    #[bits(1)]
    __: bool,
    /// Exit after each instruction.
    pub monitor_trap_flag: bool,
    /// RDMSR and WRMSR exit as the bitmap says; without it all of them do.
    pub msr_bitmaps: bool,
    /// MONITOR exits.
    pub monitor_exiting: bool,
    /// PAUSE exits.
    pub pause_exiting: bool,
    /// The secondary controls are in force.
    pub secondary: bool,
}

/// Primary VM-exit controls. SDM vol. 3C, "VM-Exit Controls".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct ExitControls {
    #[bits(2)]
    __: u8,
    /// Save DR7 and IA32_DEBUGCTL.
    pub save_debug_controls: bool,
    #[bits(6)]
    __: u8,
    /// The host runs in 64-bit mode.
    pub host_address_space_size: bool,
    #[bits(2)]
    __: u8,
    /// Load IA32_PERF_GLOBAL_CTRL from the host field.
    pub load_perf_global_ctrl: bool,
    #[bits(2)]
    __: u8,
    /// Take the interrupt from the controller and tell its vector.
    pub acknowledge_interrupt: bool,
    #[bits(2)]
    __: u8,
    /// Save IA32_PAT.
    pub save_pat: bool,
    /// Load IA32_PAT.
    pub load_pat: bool,
    /// Save IA32_EFER.
    pub save_efer: bool,
    /// Load IA32_EFER.
    pub load_efer: bool,
    /// Save the preemption timer.
    pub save_preemption_timer: bool,
    /// Clear IA32_BNDCFGS.
    pub clear_bndcfgs: bool,
    /// Keep the exit out of Processor Trace.
    pub conceal_from_trace: bool,
    /// Clear IA32_RTIT_CTL.
    pub clear_trace_control: bool,
    /// Clear IA32_LBR_CTL.
    pub clear_lbr_control: bool,
    /// Clear UINV.
    pub clear_user_interrupt_vector: bool,
    /// Load the state of control-flow enforcement.
    pub load_cet: bool,
    /// Load IA32_PKRS.
    pub load_pkrs: bool,
    /// Save IA32_PERF_GLOBAL_CTRL into the guest field. From Sapphire Rapids on.
    pub save_perf_global_ctrl: bool,
    /// The secondary exit controls are in force.
    pub secondary: bool,
}

/// VM-entry controls. SDM vol. 3C, "VM-Entry Controls".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct EntryControls {
    #[bits(2)]
    __: u8,
    /// Load DR7 and IA32_DEBUGCTL.
    pub load_debug_controls: bool,
    #[bits(6)]
    __: u8,
    /// The guest runs in IA-32e mode.
    pub ia32e_guest: bool,
    /// Enter system management mode.
    pub entry_to_smm: bool,
    /// Leave dual-monitor treatment.
    pub deactivate_dual_monitor: bool,
    #[bits(1)]
    __: bool,
    /// Load IA32_PERF_GLOBAL_CTRL from the guest field.
    pub load_perf_global_ctrl: bool,
    /// Load IA32_PAT.
    pub load_pat: bool,
    /// Load IA32_EFER.
    pub load_efer: bool,
    /// Load IA32_BNDCFGS.
    pub load_bndcfgs: bool,
    /// Keep the entry out of Processor Trace.
    pub conceal_from_trace: bool,
    /// Load IA32_RTIT_CTL.
    pub load_trace_control: bool,
    /// Load UINV.
    pub load_user_interrupt_vector: bool,
    /// Load the state of control-flow enforcement.
    pub load_cet: bool,
    /// Load IA32_LBR_CTL.
    pub load_lbr_control: bool,
    /// Load IA32_PKRS.
    pub load_pkrs: bool,
    #[bits(9)]
    __: u16,
}

const _: () = assert!(PinControls::new().with_posted_interrupts(true).into_bits() == 1 << 7);
const _: () = assert!(
    ProcessorControls::new()
        .with_rdpmc_exiting(true)
        .into_bits()
        == 1 << 11
);
const _: () = assert!(ProcessorControls::new().with_msr_bitmaps(true).into_bits() == 1 << 28);
const _: () = assert!(
    ExitControls::new()
        .with_load_perf_global_ctrl(true)
        .into_bits()
        == 1 << 12
);
const _: () = assert!(
    ExitControls::new()
        .with_acknowledge_interrupt(true)
        .into_bits()
        == 1 << 15
);
const _: () = assert!(
    ExitControls::new()
        .with_save_perf_global_ctrl(true)
        .into_bits()
        == 1 << 30
);
const _: () = assert!(
    EntryControls::new()
        .with_load_perf_global_ctrl(true)
        .into_bits()
        == 1 << 13
);
const _: () = assert!(EntryControls::new().with_load_pkrs(true).into_bits() == 1 << 22);

/// Which values a word of controls may take: what must be one, what may be one.
pub trait ControlCapability: MsrReg {
    /// The controls spoken of.
    type Controls: From<u32> + Into<u32>;

    /// The controls that must be one.
    fn must_be_one(self) -> Self::Controls {
        crate::msr::low_half(self.into()).into()
    }

    /// The controls that may be one.
    fn may_be_one(self) -> Self::Controls {
        crate::msr::low_half(self.into() >> u32::BITS).into()
    }

    /// `wanted` with what must be one, or the controls that are wanted and cannot be had.
    ///
    /// # Errors
    ///
    /// The controls that this processor lacks.
    fn adjust(self, wanted: Self::Controls) -> Result<Self::Controls, Self::Controls> {
        let wanted = wanted.into();
        let missing = wanted & !self.may_be_one().into();
        if missing != 0 {
            return Err(missing.into());
        }
        Ok((wanted | self.must_be_one().into()).into())
    }
}

/// Declares capability MSRs: low half what must be one, high half what may be one.
macro_rules! capabilities {
    ($($(#[$doc:meta])* $name:ident of $controls:ident = $addr:literal, $title:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
        pub struct $name(pub u64);
        impl From<u64> for $name {
            fn from(bits: u64) -> Self {
                Self(bits)
            }
        }
        impl From<$name> for u64 {
            fn from(register: $name) -> u64 {
                register.0
            }
        }
        impl MsrReg for $name {
            const ADDR: MsrAddr = MsrAddr($addr);
            const NAME: &'static str = $title;
        }
        impl ControlCapability for $name {
            type Controls = $controls;
        }
    )+};
}

capabilities! {
    /// SDM vol. 3D, "Pin-Based VM-Execution Controls" (VMX capability reporting).
    PinCapability of PinControls = 0x481, "IA32_VMX_PINBASED_CTLS";
    /// SDM vol. 3D, "Primary Processor-Based VM-Execution Controls".
    ProcessorCapability of ProcessorControls = 0x482, "IA32_VMX_PROCBASED_CTLS";
    /// SDM vol. 3D, "Primary VM-Exit Controls".
    ExitCapability of ExitControls = 0x483, "IA32_VMX_EXIT_CTLS";
    /// SDM vol. 3D, "VM-Entry Controls".
    EntryCapability of EntryControls = 0x484, "IA32_VMX_ENTRY_CTLS";
    /// The same without the default settings; exists if IA32_VMX_BASIC says so.
    TruePinCapability of PinControls = 0x48d, "IA32_VMX_TRUE_PINBASED_CTLS";
    /// The same without the default settings; exists if IA32_VMX_BASIC says so.
    TrueProcessorCapability of ProcessorControls = 0x48e, "IA32_VMX_TRUE_PROCBASED_CTLS";
    /// The same without the default settings; exists if IA32_VMX_BASIC says so.
    TrueExitCapability of ExitControls = 0x48f, "IA32_VMX_TRUE_EXIT_CTLS";
    /// The same without the default settings; exists if IA32_VMX_BASIC says so.
    TrueEntryCapability of EntryControls = 0x490, "IA32_VMX_TRUE_ENTRY_CTLS";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjusting_adds_what_must_be_one_and_names_what_is_missing() {
        // Bits 31 and 30 cannot be one; the low half are the usual defaults.
        let capability = TrueExitCapability(0x3fff_ffff_0003_6dfb);
        let load = ExitControls::new().with_load_perf_global_ctrl(true);
        let save = ExitControls::new().with_save_perf_global_ctrl(true);
        assert_eq!(
            capability.adjust(load),
            Ok(ExitControls::from_bits(0x0003_7dfb))
        );
        let both = ExitControls::from_bits(load.into_bits() | save.into_bits());
        assert_eq!(capability.adjust(both), Err(save));
    }
}
