//! The local APIC in x2APIC mode.

use x86_regs::apic::{
    ApicBase, ApicReg, DivideConfiguration, InitialCount, LvtEntry, LvtPmc, LvtTimer,
    SpuriousVector,
};

use crate::cpu::{Access, out, rdmsr, read, write, write_at};

/// The vector of [`timer`].
pub const TIMER_VECTOR: u8 = 0x40;
/// The vector of the performance interrupt.
pub const PMI_VECTOR: u8 = 0x50;

/// Masks the old interrupt controllers, which on a bare machine have a timer, and turns the APIC on.
pub(crate) fn set_up() {
    out(0x21, 0xff);
    out(0xa1, 0xff);
    let base = read::<ApicBase>();
    // From xAPIC to x2APIC mode; a VM starts in the latter, and this changes nothing.
    write(base.with_enable(true).with_x2apic(true));
    let spurious = SpuriousVector::new().with_vector(0xff).with_enable(true);
    set::<SpuriousVector>(spurious.into());
}

/// One interrupt of the timer after about so many nanoseconds.
pub fn timer(nanoseconds: u32) {
    set::<DivideConfiguration>(DivideConfiguration::BY_1.into());
    let entry = LvtEntry::new().with_vector(TIMER_VECTOR);
    set::<LvtTimer>(entry.into());
    set::<InitialCount>(nanoseconds);
}

/// Sets the entry of the performance counters.
pub fn set_performance_entry(entry: LvtEntry) {
    set::<LvtPmc>(entry.into());
}

/// The entry of the performance counters.
pub fn performance_entry() -> LvtEntry {
    match rdmsr(LvtPmc::REGISTER.msr()) {
        Access::Done(value) => LvtEntry::from(u32::try_from(value).unwrap_or(u32::MAX)),
        Access::Fault => panic!("RDMSR of LVTPC faults"),
    }
}

fn set<R: ApicReg>(value: u32) {
    write_at(R::REGISTER.msr(), value.into());
}
