//! The measurements of one round.

use guest_support::apic::{PMI_VECTOR, performance_entry, set_performance_entry, timer};
use guest_support::counters::{
    AROUND, BRANCHES_AROUND, Counter, clear_overflows, count, program, program_fixed, reset,
};
use guest_support::cpu::{Access, rdmsr, read};
use x86_regs::apic::LvtEntry;
use x86_regs::pmu::{EventSelect, GlobalStatus, PerfGlobalCtrl};

use super::code;
use super::tally::{Row, Tally};

/// How long each sleep takes, in nanoseconds.
const SLEEP: u32 = 20_000;
/// Turns of the shortest loop.
const TURNS: u64 = 1_000;
/// All counters that the guest uses.
const ALL: PerfGlobalCtrl = PerfGlobalCtrl::new().with_gp(0b11).with_fixed(0b111);
/// The first general-purpose counter alone.
const FIRST: PerfGlobalCtrl = PerfGlobalCtrl::new().with_gp(0b1);

fn program_all() {
    reset();
    program_fixed();
    program(0, EventSelect::INSTRUCTIONS, 0, false);
    program(1, EventSelect::BRANCHES, 0, false);
}

/// A loop that nothing of the guest interrupts: each counter has its one right value, by RDPMC and by RDMSR.
pub(super) fn loop_exactly(round: u64, tally: &mut Tally) {
    let turns = TURNS + round;
    let instructions = AROUND + 2 * turns + 2;
    let branches = BRANCHES_AROUND + turns + 1;
    program_all();
    count(ALL, code::counted_loop, turns);
    tally.add(Row::Instructions, Counter::Fixed(0).value(), instructions);
    tally.add(Row::Cycles, Counter::Fixed(1).value(), instructions);
    tally.add(
        Row::ReferenceCycles,
        Counter::Fixed(2).value(),
        instructions,
    );
    tally.add(Row::GpInstructions, Counter::Gp(0).value(), instructions);
    tally.add(Row::GpBranches, Counter::Gp(1).value(), branches);
    let by_msr = rdmsr(Counter::Gp(1).register());
    tally.hold(
        "RDMSR reads what RDPMC reads",
        by_msr == Access::Done(branches),
    );
}

/// The same with a sleep in the middle: whoever had the counters meanwhile, the guest's numbers must not show it.
pub(super) fn across_a_sleep(round: u64, tally: &mut Tally) {
    let turns = TURNS + 3 * round;
    let before = code::timer_interrupts();
    program_all();
    timer(SLEEP);
    count(ALL, code::loop_sleep_loop, turns);
    tally.hold(
        "one timer interrupt ends one sleep",
        code::timer_interrupts() == before + 1,
    );
    let instructions = AROUND + 4 * turns + 6 + code::TIMER_GATE;
    let branches = BRANCHES_AROUND + 2 * turns + 1 + code::TIMER_GATE_BRANCHES;
    tally.add(
        Row::SleepInstructions,
        Counter::Fixed(0).value(),
        instructions,
    );
    tally.add(
        Row::SleepGpInstructions,
        Counter::Gp(0).value(),
        instructions,
    );
    tally.add(Row::SleepGpBranches, Counter::Gp(1).value(), branches);
    // A VMM that emulates an instruction accounts for it as an instruction, not as time on the CPU.
    let cycles = Counter::Fixed(1).value();
    tally.hold(
        "cycles across a sleep are those of the loops at least, and of all instructions at most",
        (4 * turns..=instructions).contains(&cycles),
    );
}

/// The first counter overflows with an instruction of the guest's choice, and the interrupt comes right behind it.
pub(super) fn interrupt_at_the_predicted_instruction(round: u64, width: u8, tally: &mut Tally) {
    // Instruction 3 is the STI, and the one behind it is not interrupted.
    let overflow = 4 + 37 * round % 500;
    let before = code::performance_interrupts();
    reset();
    set_performance_entry(LvtEntry::new().with_vector(PMI_VECTOR));
    let start = (1 << width) - overflow;
    program(0, EventSelect::INSTRUCTIONS, start, true);
    count(FIRST, code::nops, 0);
    tally.hold(
        "one overflow makes one interrupt",
        code::performance_interrupts() == before + 1,
    );
    tally.hold(
        "the entry of the performance interrupt masks itself",
        performance_entry().masked(),
    );
    tally.hold(
        "GLOBAL_STATUS names the counter that overflowed",
        u64::from(read::<GlobalStatus>()) == u64::from(FIRST),
    );
    // Behind instruction `overflow` comes the NOP with number `overflow - 3`, counted from 0, behind the STI's one byte.
    let first = code::nops as *const () as u64;
    let predicted = first + 1 + (overflow - 3);
    tally.add(
        Row::Interrupts,
        code::interrupted_at() - first,
        predicted - first,
    );
    // The gate runs six instructions before it stops the counter.
    tally.add(Row::AfterOverflow, Counter::Gp(0).value(), 6);
    clear_overflows();
    tally.hold(
        "GLOBAL_STATUS can be cleared",
        u64::from(read::<GlobalStatus>()) == 0,
    );
}

/// Nothing is counted, and the guest sleeps.
pub(super) fn sleep_with_idle_counters(tally: &mut Tally) {
    let before = code::timer_interrupts();
    reset();
    let stood = Counter::Gp(0).value();
    timer(SLEEP);
    count(PerfGlobalCtrl::new(), code::loop_sleep_loop, TURNS);
    tally.hold(
        "a guest whose counters are idle is woken by its timer",
        code::timer_interrupts() == before + 1,
    );
    tally.hold(
        "a counter that is off stands still",
        Counter::Gp(0).value() == stood,
    );
}
