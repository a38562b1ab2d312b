//! Counts what a piece of code retires, with all the counters that were asked for.

use core::arch::asm;

use x86_regs::pmu::{DebugCtl, FixedCtrCtrl, GlobalStatus, PerfEvtSel, PerfGlobalCtrl};
use x86_regs::{MsrBank as _, MsrReg as _};

use crate::cpu::{read, write, write_at};

/// Instructions that [`run`] counts besides those of the code: the WRMSR that starts the
/// counters, a CALL, and MOV, XOR, XOR before the WRMSR that stops them, which is not counted.
pub const AROUND: u64 = 1 + 1 + 3;
/// Branches among them: the CALL.
pub const BRANCHES_AROUND: u64 = 1;

/// Calls `body` while the counters of `global` run.
///
/// `body` may change any register. Interrupts stay as they are.
pub fn run(global: u64, body: unsafe extern "C" fn()) {
    // SAFETY: 1. only GLOBAL_CTRL is written. 2. `body` is code of the proof that keeps to what
    // the clobbers say.
    unsafe {
        asm!(
            "wrmsr",
            "call {body}",
            "mov ecx, r12d",
            "xor eax, eax",
            "xor edx, edx",
            "wrmsr",
            body = in(reg) body,
            inout("ecx") PerfGlobalCtrl::ADDR.0 => _,
            in("r12") u64::from(PerfGlobalCtrl::ADDR.0),
            inout("eax") global as u32 => _,
            inout("edx") (global >> 32) as u32 => _,
            out("rsi") _, out("rdi") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            out("r13") _, out("r14") _, out("r15") _,
        );
    }
}

/// Every register of the PMU zero, but for those that say which counters exist.
pub fn reset() {
    write(PerfGlobalCtrl::new());
    write(FixedCtrCtrl::new());
    write(DebugCtl::new());
    for index in 0..gp_counters() {
        write_at(PerfEvtSel::FIRST.0 + index, 0);
        write_at(GP_FULL_WIDTH + index, 0);
    }
    for index in 0..fixed_counters() {
        write_at(FIXED + index, 0);
    }
    write_at(STATUS_RESET, u64::from(read::<GlobalStatus>()));
}

/// IA32_A_PMC0: the first counter, written in its full width.
pub const GP_FULL_WIDTH: u32 = x86_regs::pmu::FullWidthCounter::FIRST.0;
/// IA32_FIXED_CTR0.
pub const FIXED: u32 = x86_regs::pmu::FixedCounter::FIRST.0;
/// IA32_PERF_GLOBAL_STATUS_RESET.
pub const STATUS_RESET: u32 = x86_regs::pmu::GlobalStatusReset::ADDR.0;

/// General-purpose counters of this CPU.
pub fn gp_counters() -> u32 {
    crate::cpu::cpuid(0xa, 0)[0] >> 8 & 0xff
}

/// Fixed counters of this CPU.
pub fn fixed_counters() -> u32 {
    crate::cpu::cpuid(0xa, 0)[3] & 0x1f
}
