//! Instructions that Rust has no words for.

use core::arch::asm;

use x86_regs::{MsrAddr, MsrReg};

/// Writes a byte to an I/O port.
pub fn out(port: u16, value: u8) {
    // SAFETY: 1. the ports used are those of the serial line, the interrupt controllers and the debug exit, which touch no memory.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack)) };
}

/// Reads a byte from an I/O port.
pub fn input(port: u16) -> u8 {
    let value: u8;
    // SAFETY: 1. as in `out`.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack)) };
    value
}

/// What an access to a register led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// It was read, with this value.
    Done(u64),
    /// It raised #GP(0).
    Fault,
}

/// RDMSR, where a #GP is an answer.
pub fn rdmsr(address: MsrAddr) -> Access {
    let (low, high, fault): (u32, u32, u64);
    // SAFETY: 1. reading a register changes nothing. 2. a #GP goes on at label 3 with RSI = 1, by `fault_gate`.
    unsafe {
        asm!(
            "lea {place}, [rip + 3f]",
            "mov [rip + recovery], {place}",
            "xor esi, esi",
            "rdmsr",
            "3:",
            "mov qword ptr [rip + recovery], 0",
            place = out(reg) _,
            in("ecx") address.0,
            out("eax") low,
            out("edx") high,
            out("rsi") fault,
        );
    }
    if fault == 0 {
        Access::Done(u64::from(high) << 32 | u64::from(low))
    } else {
        Access::Fault
    }
}

/// Reads a register that exists.
pub fn read<R: MsrReg>() -> R {
    match rdmsr(R::ADDR) {
        Access::Done(value) => value.into(),
        Access::Fault => panic!("RDMSR {} faults", R::NAME),
    }
}

/// Writes a register that exists.
pub fn write<R: MsrReg>(value: R) {
    write_at(R::ADDR, value.into());
}

/// Writes a register that exists, by address.
pub fn write_at(address: MsrAddr, value: u64) {
    let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
    let (low, high) = (
        u32::from_le_bytes([a, b, c, d]),
        u32::from_le_bytes([e, f, g, h]),
    );
    // SAFETY: 1. only registers of the PMU and the local APIC are written, which the guest owns. 2. a #GP is reported and ends the guest.
    unsafe {
        asm!("wrmsr", in("ecx") address.0, in("eax") low, in("edx") high, options(nostack));
    }
}

/// RDPMC.
pub fn rdpmc(number: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: 1. reading a counter changes nothing. 2. a #GP is reported and ends the guest.
    unsafe {
        asm!("rdpmc", in("ecx") number, out("eax") low, out("edx") high, options(nomem, nostack));
    }
    u64::from(high) << 32 | u64::from(low)
}

/// CPUID.
pub fn cpuid(leaf: u32, subleaf: u32) -> [u32; 4] {
    let answer = core::arch::x86_64::__cpuid_count(leaf, subleaf);
    [answer.eax, answer.ebx, answer.ecx, answer.edx]
}
