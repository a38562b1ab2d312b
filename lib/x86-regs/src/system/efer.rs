//! IA32_EFER: long mode and the fast system call.

use bitfield_struct::bitfield;

use crate::msr::{MsrAddr, MsrReg};

/// IA32_EFER. SDM vol. 3A, "Extended Feature Enable Register"; APM vol. 2, "Extended Feature Enable Register (EFER)".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Efer {
    /// SCE: SYSCALL and SYSRET.
    pub system_call: bool,
    #[bits(7)]
    __: u8,
    /// LME: long mode as soon as paging is on.
    pub long_mode_enable: bool,
    __: bool,
    /// LMA: long mode is active. Read only.
    pub long_mode_active: bool,
    /// NXE: the no-execute bit of page-table entries.
    pub no_execute: bool,
    /// SVME: SVM instructions; without it HostOnly and GuestOnly counters do not count.
    pub svm: bool,
    #[bits(51)]
    __: u64,
}

impl MsrReg for Efer {
    const ADDR: MsrAddr = MsrAddr(0xc000_0080);
    const NAME: &'static str = "IA32_EFER";
}

const _: () = assert!(Efer::new().with_no_execute(true).into_bits() == 1 << 11);
