//! The registers that SYSCALL, SYSRET and SYSENTER read.

use bitfield_struct::bitfield;

use crate::msr::{MsrAddr, MsrReg, plain_registers};

/// IA32_STAR: the segments of SYSCALL and SYSRET. SDM vol. 3A, "Fast System Calls in 64-Bit Mode".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Star {
    #[bits(32)]
    __: u32,
    /// SYSCALL: CS is this, SS this plus 8.
    pub kernel: u16,
    /// SYSRET to 64-bit code: CS is this plus 16, SS this plus 8, both with privilege 3.
    pub user: u16,
}

impl MsrReg for Star {
    const ADDR: MsrAddr = MsrAddr(0xc000_0081);
    const NAME: &'static str = "IA32_STAR";
}

plain_registers! {
    /// Where SYSCALL goes.
    Lstar: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0xc000_0082);
        const NAME: &'static str = "IA32_LSTAR";
    }
    /// Where SYSCALL would go in compatibility mode. Intel CPUs keep it and do not use it.
    Cstar: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0xc000_0083);
        const NAME: &'static str = "IA32_CSTAR";
    }
    /// Bits of RFLAGS that SYSCALL clears.
    Sfmask: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0xc000_0084);
        const NAME: &'static str = "IA32_FMASK";
    }
    /// Code segment of SYSENTER; 0 makes SYSENTER fault.
    SysenterCs: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x174);
        const NAME: &'static str = "IA32_SYSENTER_CS";
    }
    /// Stack pointer of SYSENTER.
    SysenterEsp: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x175);
        const NAME: &'static str = "IA32_SYSENTER_ESP";
    }
    /// Where SYSENTER goes.
    SysenterEip: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0x176);
        const NAME: &'static str = "IA32_SYSENTER_EIP";
    }
}
