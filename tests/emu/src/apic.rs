//! The local APIC, by memory (xAPIC) or by registers (x2APIC).

use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering};

use x86_regs::apic::{
    ApicBase, ApicReg as _, ApicRegister, EndOfInterrupt, InitialCount, LvtEntry, LvtPmc, LvtTimer,
    SpuriousVector, TscDeadline,
};

use crate::cpu::{out, read, read_at, write, write_at};

/// The vector of [`timer`].
pub const TIMER_VECTOR: u8 = 0x40;
/// The vector of the performance interrupt.
pub const PMI_VECTOR: u8 = 0x50;
/// An entry that delivers nothing.
pub const MASKED: LvtEntry = LvtEntry::new().with_masked(true);
/// The interrupt command register's two halves, as xAPIC offsets.
const COMMAND_LOW: ApicRegister = ApicRegister(0x30);
const COMMAND_HIGH: ApicRegister = ApicRegister(0x31);

/// Whether the registers are reached by MSR, on all CPUs alike.
static IS_X2APIC: AtomicBool = AtomicBool::new(false);

/// Silences the old interrupt controllers, whose clock the BIOS left ticking at vector 8.
pub(crate) fn silence_old_controllers() {
    for port in [0x21, 0xa1] {
        out(port, 0xff);
    }
}

/// Turns the APIC on, reached by memory. Leaving x2APIC takes a step through "off".
pub fn enable_xapic() {
    let base = read::<ApicBase>();
    if base.x2apic() {
        write(base.with_x2apic(false).with_enable(false));
    }
    IS_X2APIC.store(false, Ordering::Relaxed);
    write(base.with_x2apic(false).with_enable(true));
    set(
        SpuriousVector::REGISTER,
        SpuriousVector::new()
            .with_vector(0xff)
            .with_enable(true)
            .into(),
    );
}

/// Turns the APIC on, reached by registers.
pub fn enable_x2apic() {
    write(read::<ApicBase>().with_enable(true).with_x2apic(true));
    IS_X2APIC.store(true, Ordering::Relaxed);
    set(
        SpuriousVector::REGISTER,
        SpuriousVector::new()
            .with_vector(0xff)
            .with_enable(true)
            .into(),
    );
}

/// Sets the entry of the performance counters.
pub fn performance_entry(entry: LvtEntry) {
    set(LvtPmc::REGISTER, entry.into());
}

/// The entry of the performance counters.
pub fn read_performance_entry() -> LvtEntry {
    LvtEntry::from(get(LvtPmc::REGISTER))
}

/// One interrupt of the timer after about so many nanoseconds, which are instructions.
pub fn timer(instructions: u32) {
    set(
        x86_regs::apic::DivideConfiguration::REGISTER,
        x86_regs::apic::DivideConfiguration::BY_1.into(),
    );
    set(
        LvtTimer::REGISTER,
        LvtEntry::new().with_vector(TIMER_VECTOR).into(),
    );
    set(InitialCount::REGISTER, instructions);
}

/// One interrupt of the timer when the TSC has this value.
pub fn deadline(at: u64) {
    let entry = LvtEntry::new().with_vector(TIMER_VECTOR);
    set(
        LvtTimer::REGISTER,
        entry.with_timer_mode(LvtEntry::TSC_DEADLINE).into(),
    );
    write(TscDeadline(at));
}

/// The end of an interrupt.
pub fn end_of_interrupt() {
    set(EndOfInterrupt::REGISTER, 0);
}

/// Starts the CPU with this APIC number at address 0x8000. xAPIC only.
pub fn start_other(number: u32) {
    set(COMMAND_HIGH, number << 24);
    set(COMMAND_LOW, 0x4500); // INIT
    // It takes the other CPU until its next instruction boundary to be reset and to listen.
    for _ in 0..10_000 {
        core::hint::spin_loop();
    }
    set(COMMAND_HIGH, number << 24);
    set(COMMAND_LOW, 0x4608); // start-up at page 8
}

/// Sets or clears IF.
pub fn allow_interrupts(allow: bool) {
    // SAFETY: 1. gates exist for every vector.
    unsafe {
        if allow {
            asm!("sti", options(nomem, nostack));
        } else {
            asm!("cli", options(nomem, nostack));
        }
    }
}

/// Takes what is pending.
///
/// STI holds interrupts back until the instruction behind it is done, so that must not be CLI.
pub fn take_interrupts() {
    // SAFETY: 1. gates exist for every vector.
    unsafe { asm!("sti", "nop", "cli", options(nomem, nostack)) }
}

fn set(register: ApicRegister, value: u32) {
    if IS_X2APIC.load(Ordering::Relaxed) {
        write_at(register.msr().0, value.into());
        return;
    }
    // SAFETY: 1. the APIC's page is identity-mapped and nothing else is there.
    unsafe { core::ptr::write_volatile((0xfee0_0000 + register.offset()) as *mut u32, value) };
}

fn get(register: ApicRegister) -> u32 {
    if IS_X2APIC.load(Ordering::Relaxed) {
        return read_at(register.msr().0) as u32;
    }
    // SAFETY: 1. as in `set`.
    unsafe { core::ptr::read_volatile((0xfee0_0000 + register.offset()) as *const u32) }
}
