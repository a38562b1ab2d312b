//! Overflow and the request for an interrupt.
//! SDM vol. 3B, "Counter Overflow" and "Generating an Interrupt on Overflow".

use pmu_model::{Batch, Config, Ratio, UNLIMITED};

use crate::machine::{
    A_PMC0, BRANCHES, EN, FIXED_CTRL, FIXED0, GLOBAL_CTRL, INSTRUCTIONS, INT, Machine, OS, PMC0,
    REFERENCE, SELECT0, SLOTS, STATUS, STATUS_RESET, USR, before_overflow, with_branches,
};

#[test]
fn a_counter_goes_from_all_ones_to_zero_and_sets_its_status_bit() {
    let mut machine = Machine::spr();
    machine.count_before_overflow(INSTRUCTIONS | OS, 3);
    machine.kernel(2);
    assert_eq!(
        (machine.read(PMC0), machine.read(STATUS)),
        (0xffff_ffff_ffff, 0)
    );
    machine.kernel(1);
    assert_eq!((machine.read(PMC0), machine.read(STATUS)), (0, 1));
    machine.kernel(1);
    assert_eq!(
        (machine.read(PMC0), machine.read(STATUS)),
        (1, 1),
        "counting goes on"
    );
}

#[test]
fn each_counter_has_its_own_status_bit() {
    for (address, bit) in (0..8)
        .map(|i| (A_PMC0 + i, i))
        .chain((0..3).map(|i| (FIXED0 + i, 32 + i)))
    {
        let mut machine = Machine::spr();
        for index in 0..8 {
            machine.write(SELECT0 + index, INSTRUCTIONS | OS | EN);
        }
        machine.write(FIXED_CTRL, 0x111);
        machine.write(GLOBAL_CTRL, 0x7_0000_00ff);
        machine.write(address, before_overflow(1));
        machine.kernel(1);
        assert_eq!(machine.read(STATUS), 1 << bit, "{address:#x}");
    }
}

#[test]
fn an_overflow_asks_for_an_interrupt_only_if_the_selector_says_so_and_only_once() {
    for (interrupt, asked) in [(0, false), (INT, true)] {
        let mut machine = Machine::spr();
        machine.count_before_overflow(INSTRUCTIONS | OS | interrupt, 1);
        machine.kernel(1);
        assert_eq!(machine.pmu.take_pmi(), asked);
        assert!(!machine.pmu.take_pmi());
        machine.kernel(100);
        assert!(!machine.pmu.take_pmi());
    }
}

#[test]
fn a_fixed_counter_asks_for_an_interrupt_if_the_fourth_bit_of_its_field_says_so() {
    for (field, asked) in [(0x3, false), (0xb, true), (0x8, false)] {
        let mut machine = Machine::spr();
        machine.write(FIXED_CTRL, field << 4);
        machine.write(GLOBAL_CTRL, 1 << 33);
        machine.write(FIXED0 + 1, before_overflow(1));
        machine.user(1);
        assert_eq!(machine.pmu.take_pmi(), asked, "{field:#x}");
    }
}

#[test]
fn a_second_overflow_asks_again_though_the_status_bit_was_never_cleared() {
    let mut machine = Machine::spr();
    machine.count_before_overflow(INSTRUCTIONS | OS | INT, 1);
    machine.kernel(1);
    assert!(machine.pmu.take_pmi());
    machine.write(A_PMC0, before_overflow(2));
    machine.kernel(2);
    assert!(machine.pmu.take_pmi());
}

#[test]
fn two_overflows_of_one_instruction_ask_once() {
    let mut machine = Machine::spr();
    machine.count_before_overflow(INSTRUCTIONS | OS | INT, 1);
    machine.write(SELECT0 + 1, BRANCHES | OS | INT | EN);
    machine.write(A_PMC0 + 1, before_overflow(1));
    machine.write(GLOBAL_CTRL, 3);
    machine.run(with_branches(1, 1), Batch::default());
    assert_eq!(machine.read(STATUS), 3);
    assert!(machine.pmu.take_pmi());
    assert!(!machine.pmu.take_pmi());
}

#[test]
fn slots_overflow_within_an_instruction_and_keep_the_rest() {
    let mut machine = Machine::spr();
    machine.count_before_overflow(SLOTS | OS, 2);
    machine.kernel(1);
    assert_eq!((machine.read(PMC0), machine.read(STATUS)), (2, 1));
}

#[test]
fn writing_a_counter_never_overflows_it() {
    let mut machine = Machine::spr();
    machine.count(INSTRUCTIONS | OS | INT);
    machine.write(A_PMC0, before_overflow(1));
    machine.write(A_PMC0, 0);
    assert_eq!(machine.read(STATUS), 0);
    assert!(!machine.pmu.take_pmi());
    machine.write(STATUS_RESET, 1);
}

#[test]
fn the_budget_is_the_distance_to_the_next_interrupt_and_half_of_it_for_two_rings() {
    for (select, kernel, user) in [
        (INSTRUCTIONS | OS | INT, 1001, UNLIMITED),
        (INSTRUCTIONS | USR | INT, UNLIMITED, 1001),
        (INSTRUCTIONS | OS | USR | INT, 501, 501),
        (SLOTS | OS | INT, 251, UNLIMITED),
        (INSTRUCTIONS | OS, UNLIMITED, UNLIMITED),
        (BRANCHES | OS | INT, UNLIMITED, UNLIMITED),
    ] {
        let mut machine = Machine::spr();
        machine.count_before_overflow(select, 1001);
        let budget = machine.pmu.budget();
        assert_eq!(budget.kernel.instructions, kernel, "{select:#x}");
        assert_eq!(budget.user.instructions, user, "{select:#x}");
    }
}

#[test]
fn the_budget_of_branches_is_the_distance_in_branches() {
    let mut machine = Machine::spr();
    machine.count_before_overflow(BRANCHES | USR | INT, 70);
    let budget = machine.pmu.budget();
    assert_eq!(
        (budget.kernel.branches, budget.user.branches),
        (UNLIMITED, 70)
    );
    machine.count_before_overflow(BRANCHES | OS | USR | INT, 71);
    let budget = machine.pmu.budget();
    assert_eq!((budget.kernel.branches, budget.user.branches), (36, 36));
}

#[test]
fn the_budget_of_reference_cycles_is_counted_in_instructions() {
    let ratio = Ratio {
        reference: 2,
        core: 3,
    };
    let mut machine = Machine::of(Config::sapphire_rapids().with_reference_ratio(ratio));
    machine.count_before_overflow(REFERENCE | OS | INT, 4);
    assert_eq!(machine.pmu.budget().kernel.instructions, 6);
    machine.kernel(1); // phase 2/3: the next tick comes with the next instruction
    assert_eq!(machine.pmu.budget().kernel.instructions, 5);
}

#[test]
fn only_events_that_a_running_counter_counts_are_wanted() {
    let mut machine = Machine::spr();
    assert_eq!(machine.pmu.budget().wanted.bits(), 0);
    for (event, bit) in [
        (0x00c4, 1),
        (0x00c5, 2),
        (0x4f2e, 4),
        (0x412e, 8),
        (0x00c0, 0),
    ] {
        machine.count(event | OS);
        assert_eq!(machine.pmu.budget().wanted.bits(), bit, "{event:#x}");
    }
    machine.count(BRANCHES | OS);
    machine.write(GLOBAL_CTRL, 0);
    assert_eq!(machine.pmu.budget().wanted.bits(), 0, "it does not run");
}
