//! Instructions that Rust has no words for.

use core::arch::asm;

use x86_regs::MsrReg;

use crate::trap;

/// Writes a byte to an I/O port.
pub fn out(port: u16, value: u8) {
    // SAFETY: 1. the only ports used are the two debug ports and the interrupt controllers' masks,
    // which touch no memory.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack)) };
}

/// What became of an access that may fault.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access<T> {
    /// It happened.
    Done(T),
    /// It raised #GP(0).
    Fault,
}

impl Access<u64> {
    /// The value; all ones for a fault, which no register of the PMU holds.
    pub fn done(self) -> u64 {
        match self {
            Self::Done(value) => value,
            Self::Fault => u64::MAX,
        }
    }
}

/// RDMSR, where a #GP is an answer.
pub fn rdmsr(address: u32) -> Access<u64> {
    let (low, high, fault): (u32, u32, u32);
    // SAFETY: 1. reading a register changes nothing. 2. a fault goes on at label 3, with ESI
    // set, by the trap handler's recovery.
    unsafe {
        asm!(
            "lea {recovery}, [rip + 3f]",
            "mov [{place}], {recovery}",
            "xor esi, esi",
            "rdmsr",
            "3:",
            "mov qword ptr [{place}], 0",
            recovery = out(reg) _,
            place = in(reg) trap::recovery(),
            in("ecx") address,
            out("eax") low,
            out("edx") high,
            out("esi") fault,
            options(nostack)
        );
    }
    if fault != 0 {
        Access::Fault
    } else {
        Access::Done(u64::from(high) << 32 | u64::from(low))
    }
}

/// WRMSR, where a #GP is an answer.
pub fn wrmsr(address: u32, value: u64) -> Access<()> {
    let fault: u32;
    // SAFETY: 1. the callers write only registers of the PMU, the local APIC and VMX, which
    // they own. 2. a fault goes on at label 3, with ESI set.
    unsafe {
        asm!(
            "lea {recovery}, [rip + 3f]",
            "mov [{place}], {recovery}",
            "xor esi, esi",
            "wrmsr",
            "3:",
            "mov qword ptr [{place}], 0",
            recovery = out(reg) _,
            place = in(reg) trap::recovery(),
            in("ecx") address,
            in("eax") value as u32,
            in("edx") (value >> 32) as u32,
            out("esi") fault,
            options(nostack)
        );
    }
    if fault != 0 {
        Access::Fault
    } else {
        Access::Done(())
    }
}

/// RDPMC, where a #GP is an answer.
pub fn rdpmc(index: u32) -> Access<u64> {
    let (low, high, fault): (u32, u32, u32);
    // SAFETY: 1. reading a counter changes nothing. 2. a fault goes on at label 3.
    unsafe {
        asm!(
            "lea {recovery}, [rip + 3f]",
            "mov [{place}], {recovery}",
            "xor esi, esi",
            "rdpmc",
            "3:",
            "mov qword ptr [{place}], 0",
            recovery = out(reg) _,
            place = in(reg) trap::recovery(),
            in("ecx") index,
            out("eax") low,
            out("edx") high,
            out("esi") fault,
            options(nostack)
        );
    }
    if fault != 0 {
        Access::Fault
    } else {
        Access::Done(u64::from(high) << 32 | u64::from(low))
    }
}

/// Reads a register that exists.
pub fn read<R: MsrReg>() -> R {
    R::from(read_at(R::ADDR.0))
}

/// Writes a register that exists.
pub fn write<R: MsrReg>(value: R) {
    write_at(R::ADDR.0, value.into());
}

/// Reads a register that exists, by address.
pub fn read_at(address: u32) -> u64 {
    match rdmsr(address) {
        Access::Done(value) => value,
        Access::Fault => panic!("RDMSR {address:#x} faults"),
    }
}

/// Writes a register that exists, by address.
pub fn write_at(address: u32, value: u64) {
    if wrmsr(address, value) == Access::Fault {
        panic!("WRMSR {address:#x} <- {value:#x} faults");
    }
}

/// Sets CR4.PCE, which opens RDPMC to ring 3.
pub fn allow_rdpmc(allow: bool) {
    const PCE: u64 = 1 << 8;
    let mut cr4: u64;
    // SAFETY: 1. only PCE changes.
    unsafe { asm!("mov {}, cr4", out(reg) cr4, options(nomem, nostack)) };
    cr4 = if allow { cr4 | PCE } else { cr4 & !PCE };
    // SAFETY: 1. only PCE changes.
    unsafe { asm!("mov cr4, {}", in(reg) cr4, options(nomem, nostack)) };
}

/// CPUID.
pub fn cpuid(leaf: u32, subleaf: u32) -> [u32; 4] {
    let answer = core::arch::x86_64::__cpuid_count(leaf, subleaf);
    [answer.eax, answer.ebx, answer.ecx, answer.edx]
}
