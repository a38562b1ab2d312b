//! From the page's words to what happened.

use sel4_sys::vcpu::VcpuState;
use x86_regs::vmx::{ControlQualification, EptQualification, ExitReason, PortQualification};

use crate::verdict::MemoryAccess;

/// Why the guest exited, as far as this VM tells reasons apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Nothing that the guest did: an interrupt of the host, the end of a slice, a window that was asked for, an NMI.
    Nothing,
    /// CPUID.
    Cpuid,
    /// RDMSR.
    Rdmsr,
    /// WRMSR.
    Wrmsr,
    /// RDPMC.
    Rdpmc,
    /// HLT.
    Hlt,
    /// An instruction that has nothing to do here: PAUSE, INVD, WBINVD.
    Ignored,
    /// An instruction that CPUID says the CPU has not: VMX, MONITOR, GETSEC, XSETBV.
    Absent,
    /// IN or OUT.
    Port(PortAccess),
    /// INS or OUTS.
    StringPort,
    /// A control register.
    Control(ControlQualification),
    /// Guest-physical memory that the guest has not.
    Memory {
        /// Guest-physical address.
        address: u64,
        /// How.
        access: MemoryAccess,
    },
    /// A triple fault.
    TripleFault,
    /// Something that this VM did not ask for.
    Unknown(ExitReason),
}

/// IN or OUT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortAccess {
    /// Which port.
    pub port: u16,
    /// 1, 2 or 4 bytes.
    pub size: u8,
    /// IN; otherwise OUT.
    pub input: bool,
}

impl Exit {
    /// What `state` tells of. Every value decodes to something.
    #[must_use]
    pub fn decode(state: &VcpuState) -> Self {
        // The basic reason is in the low 16 bits; a failed entry arrives as another answer of the kernel.
        let [low, high, ..] = state.exit_reason.to_le_bytes();
        let reason = ExitReason(u16::from_le_bytes([low, high]));
        match reason {
            ExitReason::EXTERNAL_INTERRUPT
            | ExitReason::INTERRUPT_WINDOW
            | ExitReason::NMI_WINDOW
            | ExitReason::PREEMPTION_TIMER => Self::Nothing,
            ExitReason::CPUID => Self::Cpuid,
            ExitReason::RDMSR => Self::Rdmsr,
            ExitReason::WRMSR => Self::Wrmsr,
            ExitReason::RDPMC => Self::Rdpmc,
            ExitReason::HLT => Self::Hlt,
            ExitReason::PAUSE | ExitReason::INVD | ExitReason::WBINVD => Self::Ignored,
            ExitReason::GETSEC
            | ExitReason::MWAIT
            | ExitReason::MONITOR
            | ExitReason::INVEPT
            | ExitReason::INVVPID
            | ExitReason::XSETBV => Self::Absent,
            ExitReason(vmx) if (ExitReason::VMCALL.0..=ExitReason::VMXON.0).contains(&vmx) => {
                Self::Absent
            }
            ExitReason::IO => port(state.exit_qualification.into()),
            ExitReason::CONTROL_REGISTER => Self::Control(state.exit_qualification.into()),
            ExitReason::EPT_VIOLATION => Self::Memory {
                address: state.guest_physical,
                access: memory(state.exit_qualification.into()),
            },
            ExitReason::TRIPLE_FAULT => Self::TripleFault,
            other => Self::Unknown(other),
        }
    }
}

fn port(qualification: PortQualification) -> Exit {
    if qualification.string() {
        return Exit::StringPort;
    }
    Exit::Port(PortAccess {
        port: qualification.port(),
        size: match qualification.size_less_1() {
            0 => 1,
            1 => 2,
            _ => 4,
        },
        input: qualification.input(),
    })
}

const fn memory(qualification: EptQualification) -> MemoryAccess {
    if qualification.fetch() {
        MemoryAccess::Fetch
    } else if qualification.write() {
        MemoryAccess::Write
    } else {
        MemoryAccess::Read
    }
}
