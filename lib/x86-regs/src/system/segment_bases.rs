//! Base addresses of FS and GS, and the CPU's own number for RDTSCP.

use crate::msr::{MsrAddr, plain_registers};

plain_registers! {
    /// Base of FS. SDM vol. 3A, "Segment Loading Instructions in IA-32e Mode".
    FsBase: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0xc000_0100);
        const NAME: &'static str = "IA32_FS_BASE";
    }
    /// Base of GS.
    GsBase: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0xc000_0101);
        const NAME: &'static str = "IA32_GS_BASE";
    }
    /// What SWAPGS exchanges with the base of GS.
    KernelGsBase: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0xc000_0102);
        const NAME: &'static str = "IA32_KERNEL_GS_BASE";
    }
    /// What RDTSCP puts into ECX.
    TscAux: MsrReg {
        const ADDR: MsrAddr = MsrAddr(0xc000_0103);
        const NAME: &'static str = "IA32_TSC_AUX";
    }
}
