//! The registers of the host that a guest must not change, as one list.

use core::arch::asm;

use x86_regs::MsrReg;
use x86_regs::apic::{InterruptCommand, LvtEntry};
use x86_regs::pmu::{DebugCtl, PerfGlobalCtrl};
use x86_regs::system::{
    Cstar, Efer, FsBase, GsBase, KernelGsBase, Lstar, PageAttributes, Sfmask, Star, SysenterCs,
    SysenterEip, SysenterEsp, TscAux,
};

/// What [`snapshot`] lists, in its order.
pub(crate) const NAMES: [&str; 30] = [
    "CR0",
    "CR2",
    "CR3",
    "CR4",
    "DR0",
    "DR1",
    "DR2",
    "DR3",
    "DR6",
    "DR7",
    "XCR0",
    "GDTR limit",
    "GDTR base",
    "IDTR limit",
    "IDTR base",
    "TR",
    "EFER",
    "STAR",
    "LSTAR",
    "CSTAR",
    "FMASK",
    "KERNEL_GS_BASE",
    "FS_BASE",
    "GS_BASE",
    "TSC_AUX",
    "PAT",
    "SYSENTER_CS",
    "SYSENTER_ESP",
    "SYSENTER_EIP",
    "DEBUGCTL",
];

/// A value for registers of the host that are 0 otherwise, so that the loss of one shows.
pub(crate) const MARK: u64 = 0x5a5a_5000;

/// Reads a register.
pub(crate) fn read<R: MsrReg>() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: 1. The registers of this file exist on the boards that run this. 2. Reading has no effect.
    unsafe {
        asm!("rdmsr", in("ecx") R::ADDR.0, out("eax") low, out("edx") high, options(nomem, nostack));
    }
    u64::from(high) << 32 | u64::from(low)
}

/// GLOBAL_CTRL, which changes with whose counters run.
pub(crate) fn global_control() -> u64 {
    read::<PerfGlobalCtrl>()
}

/// CR8: the class of interrupts that wait.
pub(crate) fn task_priority() -> u64 {
    let value;
    // SAFETY: 1. Reading has no effect.
    unsafe { asm!("mov {}, cr8", out(reg) value, options(nomem, nostack)) }
    value
}

/// Sends this CPU an NMI; it has been served when this returns.
pub(crate) fn send_nmi() {
    let command = InterruptCommand::new()
        .with_delivery(LvtEntry::NMI)
        .with_asserted(true)
        .with_destination(0);
    // SAFETY: 1. The boards have an x2APIC, which the kernel's start has switched on. 2. NMIs have a gate.
    unsafe {
        asm!("wrmsr", in("ecx") InterruptCommand::REGISTER.msr().0, in("eax") command.into_bits() & 0xffff_ffff,
            in("edx") command.into_bits() >> 32, options(nostack));
    }
}

/// Puts a mark where the host has nothing of its own.
pub(crate) fn mark() {
    // SAFETY: 1. CR2 is the kernel's to write and only read after a page fault.
    unsafe { asm!("mov cr2, {}", in(reg) MARK, options(nomem, nostack)) }
}

/// All of them.
pub(crate) fn snapshot() -> [u64; NAMES.len()] {
    let [cr0, cr2, cr3, cr4]: [u64; 4];
    let (a, b, c, d): (u64, u64, u64, u64);
    // SAFETY: 1. Reading these has no effect.
    unsafe {
        asm!("mov {}, cr0", "mov {}, cr2", "mov {}, cr3", "mov {}, cr4",
            out(reg) a, out(reg) b, out(reg) c, out(reg) d, options(nomem, nostack));
    }
    [cr0, cr2, cr3, cr4] = [a, b, c, d];
    let (dr0, dr1, dr2, dr3, dr6, dr7): (u64, u64, u64, u64, u64, u64);
    // SAFETY: 1. As above: DR7.GD is off.
    unsafe {
        asm!("mov {}, dr0", "mov {}, dr1", "mov {}, dr2", "mov {}, dr3", "mov {}, dr6", "mov {}, dr7",
            out(reg) dr0, out(reg) dr1, out(reg) dr2, out(reg) dr3, out(reg) dr6, out(reg) dr7, options(nomem, nostack));
    }
    let (low, high): (u32, u32);
    // SAFETY: 1. CR4.OSXSAVE is set by the kernel's start.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high, options(nomem, nostack));
    }
    let (global, gates) = tables();
    let task: u64;
    // SAFETY: 1. Reading the selector has no effect.
    unsafe { asm!("str {}", out(reg) task, options(nomem, nostack)) }
    [
        cr0,
        cr2,
        cr3,
        cr4,
        dr0,
        dr1,
        dr2,
        dr3,
        dr6,
        dr7,
        u64::from(high) << 32 | u64::from(low),
        global[0],
        global[1],
        gates[0],
        gates[1],
        task,
        read::<Efer>(),
        read::<Star>(),
        read::<Lstar>(),
        read::<Cstar>(),
        read::<Sfmask>(),
        read::<KernelGsBase>(),
        read::<FsBase>(),
        read::<GsBase>(),
        read::<TscAux>(),
        read::<PageAttributes>(),
        read::<SysenterCs>(),
        read::<SysenterEsp>(),
        read::<SysenterEip>(),
        read::<DebugCtl>(),
    ]
}

/// Limit and base of GDTR and IDTR.
fn tables() -> ([u64; 2], [u64; 2]) {
    let (mut global, mut gates) = ([0_u16; 5], [0_u16; 5]);
    // SAFETY: 1. Ten bytes are written to each.
    unsafe {
        asm!("sgdt [{}]", "sidt [{}]", in(reg) &raw mut global, in(reg) &raw mut gates, options(nostack));
    }
    let parts = |raw: [u16; 5]| {
        let base = raw[1..]
            .iter()
            .rev()
            .fold(0, |all, &part| all << 16 | u64::from(part));
        [u64::from(raw[0]), base]
    };
    (parts(global), parts(gates))
}
