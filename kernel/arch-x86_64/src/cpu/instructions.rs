//! Instructions that Rust has no words for, one function each.
//!
//! UNSAFETY: inline assembly. Those that only read, or change nothing that Rust relies on, are safe functions;
//! the others say what must hold.

#![expect(unsafe_code, reason = "inline assembly")]

use core::arch::asm;
use core::arch::x86_64::__cpuid_count;

use x86_regs::cpuid::CpuidAnswer;
use x86_regs::system::{Cr0, Cr4, Dr7, Xcr0};
use x86_regs::{MsrAddr, MsrReg};

/// CPUID.
pub(crate) fn cpuid(leaf: u32, subleaf: u32) -> CpuidAnswer {
    let answer = __cpuid_count(leaf, subleaf);
    [answer.eax, answer.ebx, answer.ecx, answer.edx]
}

/// RDTSC.
#[inline]
pub(crate) fn time_stamp() -> u64 {
    // SAFETY: 1. Reads a counter, touches no memory. 2. CR4.TSD binds ring 3 only.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// A model-specific register.
pub(crate) fn read_msr<R: MsrReg>() -> R {
    // SAFETY: 1. Registers with a type exist on every CPU this kernel runs on, or CPUID was asked; reading has no effect.
    R::from(unsafe { read_msr_at(R::ADDR) })
}

/// Reads the register at `address`.
///
/// # Safety
/// The register exists; otherwise #GP ends the kernel.
pub(crate) unsafe fn read_msr_at(address: MsrAddr) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: 1. The register exists (caller).
    unsafe {
        asm!("rdmsr", in("ecx") address.0, out("eax") low, out("edx") high,
            options(nomem, nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Writes the register at `address`.
///
/// # Safety
/// The register exists, takes this value, and the value leaves the kernel's memory and code where they are.
#[inline]
pub(crate) unsafe fn write_msr_at(address: MsrAddr, value: u64) {
    #[expect(clippy::cast_possible_truncation, reason = "the low half goes to EAX")]
    let low = value as u32;
    // SAFETY: 1. The caller's promise.
    unsafe {
        asm!("wrmsr", in("ecx") address.0, in("eax") low, in("edx") (value >> 32) as u32,
            options(nostack, preserves_flags));
    }
}

/// A model-specific register.
///
/// # Safety
/// As [`write_msr_at`].
#[inline]
pub(crate) unsafe fn write_msr<R: MsrReg>(value: R) {
    // SAFETY: 1. The caller's promise.
    unsafe { write_msr_at(R::ADDR, value.into()) }
}

/// CR0.
///
/// # Safety
/// Paging, protection and write protection stay on.
pub(crate) unsafe fn write_cr0(value: Cr0) {
    // SAFETY: 1. The caller's promise.
    unsafe { asm!("mov cr0, {}", in(reg) value.into_bits(), options(nostack, preserves_flags)) }
}

/// CR4.
///
/// # Safety
/// The CPU has what is switched on, and PAE stays on.
pub(crate) unsafe fn write_cr4(value: Cr4) {
    // SAFETY: 1. The caller's promise.
    unsafe { asm!("mov cr4, {}", in(reg) value.into_bits(), options(nostack, preserves_flags)) }
}

/// CR0.
pub(crate) fn read_cr0() -> Cr0 {
    let value;
    // SAFETY: 1. Reads a register.
    unsafe { asm!("mov {}, cr0", out(reg) value, options(nomem, nostack, preserves_flags)) }
    Cr0::from_bits(value)
}

/// CR4.
pub(crate) fn read_cr4() -> Cr4 {
    let value;
    // SAFETY: 1. Reads a register.
    unsafe { asm!("mov {}, cr4", out(reg) value, options(nomem, nostack, preserves_flags)) }
    Cr4::from_bits(value)
}

/// CR2: the address of the last page fault.
pub(crate) fn read_cr2() -> u64 {
    let value;
    // SAFETY: 1. Reads a register.
    unsafe { asm!("mov {}, cr2", out(reg) value, options(nomem, nostack, preserves_flags)) }
    value
}

/// CR3: the root of the page tables.
///
/// # Safety
/// `root` is a page-aligned root table whose kernel half is the kernel's.
#[inline]
pub(crate) unsafe fn write_cr3(root: u64) {
    // SAFETY: 1. Code, stacks and data stay mapped (caller).
    unsafe { asm!("mov cr3, {}", in(reg) root, options(nostack, preserves_flags)) }
}

/// Drops what the TLB knows of the user page at `address` in the present address space.
pub(crate) fn forget_page(address: u64) {
    // SAFETY: 1. Drops cached translations only; the tables are unchanged.
    unsafe { asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags)) }
}

/// Drops what the TLB knows of all pages that are not global.
pub(crate) fn forget_user_pages() {
    // SAFETY: 1. CR3 keeps its value, so the tables are the same.
    unsafe {
        asm!("mov {r}, cr3", "mov cr3, {r}", r = out(reg) _, options(nostack, preserves_flags));
    }
}

/// DR7.
pub(crate) fn write_dr7(value: Dr7) {
    // SAFETY: 1. At most a #DB follows, whose handler touches nothing that Rust relies on.
    unsafe {
        asm!("mov dr7, {}", in(reg) value.into_bits(), options(nomem, nostack, preserves_flags));
    }
}

/// XCR0.
///
/// # Safety
/// CR4.OSXSAVE is set and CPUID offers these bits.
pub(crate) unsafe fn write_xcr0(value: Xcr0) {
    #[expect(clippy::cast_possible_truncation, reason = "the low half goes to EAX")]
    let low = value.into_bits() as u32;
    // SAFETY: 1. The caller's promise.
    unsafe {
        asm!("xsetbv", in("ecx") 0, in("eax") low, in("edx") (value.into_bits() >> 32) as u32,
            options(nomem, nostack, preserves_flags));
    }
}

/// Waits a little in a loop that waits for another CPU or for a device.
pub(crate) fn relax() {
    core::hint::spin_loop();
}

/// Stops this CPU for ever.
pub(crate) fn halt() -> ! {
    loop {
        // SAFETY: 1. Interrupts are off, so nothing but NMIs, which return here, follows.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) }
    }
}
