//! Why a guest was left.

use bitfield_struct::bitfield;

/// The basic exit reason: an open number.
/// SDM vol. 3D, "VMX Basic Exit Reasons".
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct ExitReason(pub u16);

impl ExitReason {
    /// An exception, or an NMI.
    pub const EXCEPTION_OR_NMI: Self = Self(0);
    /// An external interrupt.
    pub const EXTERNAL_INTERRUPT: Self = Self(1);
    /// A triple fault.
    pub const TRIPLE_FAULT: Self = Self(2);
    /// The guest can take an interrupt.
    pub const INTERRUPT_WINDOW: Self = Self(7);
    /// The guest can take an NMI.
    pub const NMI_WINDOW: Self = Self(8);
    /// CPUID.
    pub const CPUID: Self = Self(10);
    /// GETSEC.
    pub const GETSEC: Self = Self(11);
    /// HLT.
    pub const HLT: Self = Self(12);
    /// INVD.
    pub const INVD: Self = Self(13);
    /// RDPMC.
    pub const RDPMC: Self = Self(15);
    /// VMCALL. The other instructions of VMX follow, up to [`Self::VMXON`].
    pub const VMCALL: Self = Self(18);
    /// VMXON.
    pub const VMXON: Self = Self(27);
    /// A control register was accessed.
    pub const CONTROL_REGISTER: Self = Self(28);
    /// A debug register was accessed.
    pub const DEBUG_REGISTER: Self = Self(29);
    /// IN, OUT, INS, OUTS.
    pub const IO: Self = Self(30);
    /// RDMSR.
    pub const RDMSR: Self = Self(31);
    /// WRMSR.
    pub const WRMSR: Self = Self(32);
    /// The entry failed: guest state.
    pub const INVALID_GUEST_STATE: Self = Self(33);
    /// The entry failed: loading an MSR.
    pub const MSR_LOADING: Self = Self(34);
    /// MWAIT.
    pub const MWAIT: Self = Self(36);
    /// MONITOR.
    pub const MONITOR: Self = Self(39);
    /// PAUSE.
    pub const PAUSE: Self = Self(40);
    /// Guest-physical memory that is not mapped, or not with these rights.
    pub const EPT_VIOLATION: Self = Self(48);
    /// An EPT entry that means nothing.
    pub const EPT_MISCONFIGURATION: Self = Self(49);
    /// INVEPT.
    pub const INVEPT: Self = Self(50);
    /// The preemption timer ran out.
    pub const PREEMPTION_TIMER: Self = Self(52);
    /// INVVPID.
    pub const INVVPID: Self = Self(53);
    /// WBINVD.
    pub const WBINVD: Self = Self(54);
    /// XSETBV.
    pub const XSETBV: Self = Self(55);

    /// For the bitfield: from the word's bits.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// For the bitfield: the word's bits.
    #[must_use]
    pub const fn into_bits(self) -> u16 {
        self.0
    }
}

/// The exit reason field. SDM vol. 3C, "Basic VM-Exit Information".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct ExitWord {
    /// Why.
    #[bits(16)]
    pub reason: ExitReason,
    #[bits(11)]
    __: u16,
    /// In enclave mode.
    pub enclave: bool,
    /// A monitor trap was pending.
    pub pending_mtf: bool,
    /// From VMX root operation.
    pub from_root: bool,
    #[bits(1)]
    __: bool,
    /// The guest was never entered.
    pub entry_failed: bool,
}

/// What kind of event an [`InterruptionInfo`] tells of: an open number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct EventKind(pub u8);

impl EventKind {
    /// An external interrupt.
    pub const EXTERNAL_INTERRUPT: Self = Self(0);
    /// A non-maskable interrupt.
    pub const NMI: Self = Self(2);
    /// A hardware exception.
    pub const HARDWARE_EXCEPTION: Self = Self(3);
    /// INT n.
    pub const SOFTWARE_INTERRUPT: Self = Self(4);
    /// INT1.
    pub const PRIVILEGED_SOFTWARE_EXCEPTION: Self = Self(5);
    /// INT3 or INTO.
    pub const SOFTWARE_EXCEPTION: Self = Self(6);

    /// Whether an instruction of the guest asked for the event, so that its length belongs to it.
    #[must_use]
    pub const fn is_from_software(self) -> bool {
        matches!(
            self,
            Self::SOFTWARE_INTERRUPT
                | Self::PRIVILEGED_SOFTWARE_EXCEPTION
                | Self::SOFTWARE_EXCEPTION
        )
    }

    /// For the bitfield: from the word's bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// For the bitfield: the word's bits.
    #[must_use]
    pub const fn into_bits(self) -> u8 {
        self.0
    }
}

/// VM-exit interruption information; also the layout of IDT-vectoring information and of what a VM entry injects.
/// SDM vol. 3C, "Information for VM Exits Due to Vectored Events".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct InterruptionInfo {
    /// Vector of the interrupt or exception.
    pub vector: u8,
    /// What it was.
    #[bits(3)]
    pub kind: EventKind,
    /// There is an error code.
    pub has_error_code: bool,
    /// NMIs were being unblocked by an IRET.
    pub unblocking: bool,
    #[bits(18)]
    __: u32,
    /// This word means something.
    pub valid: bool,
}

const _: () = assert!(ExitWord::new().with_entry_failed(true).into_bits() == 1 << 31);
const _: () = assert!(
    InterruptionInfo::new()
        .with_kind(EventKind::NMI)
        .into_bits()
        == 0x200
);
