//! What counters there are, what they count, and code to count.

use core::arch::asm;

use x86_regs::cpuid::{CpuidLeaf as _, PerfmonLeaf};
use x86_regs::pmu::{
    EventSelect, FixedCounter, FixedCtrCtrl, FixedField, FullWidthCounter, GlobalStatus,
    GlobalStatusReset, PerfEvtSel, PerfGlobalCtrl,
};
use x86_regs::{MsrAddr, MsrBank, MsrReg as _};

use crate::cpu::{cpuid, rdpmc, read, write, write_at};

/// Instructions that [`count`] adds to those of the code: the WRMSR that starts the counters, the CALL, and MOV, XOR, XOR before the
/// WRMSR that stops them. That one is not counted.
pub const AROUND: u64 = 5;
/// Branches among them: the CALL.
pub const BRANCHES_AROUND: u64 = 1;
/// RDPMC's number of the first fixed counter.
const RDPMC_FIXED: u32 = 0x4000_0000;

/// What CPUID says about the counters.
pub fn enumerate() -> PerfmonLeaf {
    cpuid(PerfmonLeaf::LEAF, PerfmonLeaf::SUBLEAF).into()
}

/// A counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counter {
    /// General purpose, by number.
    Gp(u32),
    /// Fixed function, by number.
    Fixed(u32),
}

impl Counter {
    /// Its value, by RDPMC.
    pub fn value(self) -> u64 {
        rdpmc(match self {
            Self::Gp(index) => index,
            Self::Fixed(index) => RDPMC_FIXED + index,
        })
    }

    /// Sets its value.
    pub fn set(self, value: u64) {
        write_at(self.register(), value);
    }

    /// The register with its value.
    pub fn register(self) -> MsrAddr {
        match self {
            Self::Gp(index) => place::<FullWidthCounter>(index),
            Self::Fixed(index) => place::<FixedCounter>(index),
        }
    }
}

fn place<R: MsrBank>(index: u32) -> MsrAddr {
    R::addr(index).expect("the guest uses the first few of each bank")
}

/// Stops everything and forgets every overflow. The counters are off afterwards: an idle PMU.
pub fn reset() {
    write(PerfGlobalCtrl::new());
    write(FixedCtrCtrl::new());
    for index in 0..2 {
        write_at(place::<PerfEvtSel>(index), 0);
    }
    clear_overflows();
}

/// Forgets every overflow.
pub fn clear_overflows() {
    let overflowed: u64 = read::<GlobalStatus>().into();
    write(GlobalStatusReset::from(overflowed));
}

/// Has general-purpose counter `index` count `event` in ring 0, from `start` on, once [`count`] lets it.
pub fn program(index: u32, event: EventSelect, start: u64, interrupt: bool) {
    let selector = PerfEvtSel::new()
        .with_event(event)
        .with_kernel(true)
        .with_interrupt(interrupt)
        .with_enable(true);
    Counter::Gp(index).set(start);
    write_at(place::<PerfEvtSel>(index), selector.into());
}

/// Has the three fixed counters count in ring 0, from zero on, once [`count`] lets them.
pub fn program_fixed() {
    for index in 0..3 {
        Counter::Fixed(index).set(0);
    }
    let ring_0 = FixedField::new().with_kernel(true);
    let control = FixedCtrCtrl::new()
        .with_instructions(ring_0)
        .with_cycles(ring_0)
        .with_reference_cycles(ring_0);
    write(control);
}

/// Calls `code` with R13 = `argument` while these counters run.
///
/// `code` may change every register but RBX, RBP and R12.
pub fn count(counters: PerfGlobalCtrl, code: unsafe extern "C" fn(), argument: u64) {
    let bits: u64 = counters.into();
    // SAFETY: 1. only GLOBAL_CTRL is written. 2. `code` is the guest's own and keeps to the clobbers below. 3. interrupt handlers
    // change no register.
    unsafe {
        asm!(
            "wrmsr",
            "call {code}",
            "mov ecx, r12d",
            "xor eax, eax",
            "xor edx, edx",
            "wrmsr",
            code = in(reg) code,
            inout("rcx") u64::from(PerfGlobalCtrl::ADDR.0) => _,
            in("r12") u64::from(PerfGlobalCtrl::ADDR.0),
            inout("rax") bits & 0xffff_ffff => _,
            inout("rdx") bits >> 32 => _,
            inout("r13") argument => _,
            out("rsi") _, out("rdi") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            out("r14") _, out("r15") _,
        );
    }
}
