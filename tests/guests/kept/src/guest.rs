//! Twice as many exits as somebody who watches needs to see.

use core::arch::x86_64::__cpuid_count;

use guest_support::counters::{program, program_fixed, reset};
use guest_support::cpu::write;
use guest_support::{Finding, line};
use x86_regs::pmu::{EventSelect, FixedCtrCtrl, FixedField, PerfGlobalCtrl};

/// Exits of each half. Who watches knows this number.
const EXITS: u32 = 20_000;
const ALL: PerfGlobalCtrl = PerfGlobalCtrl::new().with_gp(0b11).with_fixed(0b111);

fn exit_often() {
    for _ in 0..EXITS {
        core::hint::black_box(__cpuid_count(0, 0));
    }
}

#[unsafe(no_mangle)]
fn guest_main() -> Finding {
    reset();
    // Ring 3, in which this guest never is.
    let ring_3 = FixedField::new().with_user(true);
    let control = FixedCtrCtrl::new()
        .with_instructions(ring_3)
        .with_cycles(ring_3)
        .with_reference_cycles(ring_3);
    write(control);
    write(ALL);
    exit_often();
    line!("kept: {EXITS} exits with counters that did not count them");
    // CPUID is an instruction, and no branch: fixed counter 0 and counter 0 count it. Cycles are the machine's to count.
    reset();
    program_fixed();
    program(0, EventSelect::INSTRUCTIONS, 0, false);
    program(1, EventSelect::BRANCHES, 0, false);
    write(ALL);
    exit_often();
    write(PerfGlobalCtrl::new());
    line!("kept: {EXITS} exits with counters that did");
    Finding::Right
}
