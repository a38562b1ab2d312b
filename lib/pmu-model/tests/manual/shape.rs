//! Counter mask, inversion and edges, with one instruction a cycle.
//! SDM vol. 3B, "Architectural Performance Monitoring Version 1 Facilities".

use pmu_model::{Batch, Config, Ratio};

use crate::machine::{
    BRANCHES, EDGE, INSTRUCTIONS, INV, Machine, OS, PMC0, REFERENCE, SELECT0, SLOTS, USR,
    with_branches,
};

const fn mask(count: u64) -> u64 {
    count << 24
}

#[test]
fn a_counter_mask_counts_the_cycles_with_at_least_so_many_events() {
    for (select, counted) in [
        (INSTRUCTIONS | mask(1), 100),
        (INSTRUCTIONS | mask(2), 0),
        (BRANCHES | mask(1), 30),
        (BRANCHES | mask(2), 0),
        (SLOTS, 400),
        (SLOTS | mask(1), 100),
        (SLOTS | mask(4), 100),
        (SLOTS | mask(5), 0),
        (SLOTS | mask(255), 0),
    ] {
        let mut machine = Machine::spr();
        machine.count(select | OS);
        machine.run(with_branches(100, 30), Batch::default());
        assert_eq!(machine.read(PMC0), counted, "{select:#x}");
    }
}

#[test]
fn inversion_counts_the_cycles_with_fewer_events_and_is_ignored_without_a_mask() {
    for (select, counted) in [
        (INSTRUCTIONS | INV, 100),
        (INSTRUCTIONS | INV | mask(1), 0),
        (INSTRUCTIONS | INV | mask(2), 100),
        (BRANCHES | INV, 30),
        (BRANCHES | INV | mask(1), 70),
        (BRANCHES | INV | mask(2), 100),
        (SLOTS | INV | mask(4), 0),
        (SLOTS | INV | mask(5), 100),
    ] {
        let mut machine = Machine::spr();
        machine.count(select | OS);
        machine.run(with_branches(100, 30), Batch::default());
        assert_eq!(machine.read(PMC0), counted, "{select:#x}");
    }
}

#[test]
fn a_mask_on_reference_cycles_tells_cycles_with_and_without_a_tick_apart() {
    let ratio = Ratio {
        reference: 5,
        core: 2,
    }; // 2, 3, 2, 3, ... ticks
    for (select, counted) in [
        (mask(2), 10),
        (mask(3), 5),
        (mask(3) | INV, 5),
        (mask(4), 0),
    ] {
        let mut machine = Machine::of(Config::sapphire_rapids().with_reference_ratio(ratio));
        machine.count(REFERENCE | OS | select);
        machine.kernel(10);
        assert_eq!(machine.read(PMC0), counted, "{select:#x}");
    }
}

/// Runs one instruction after another in ring 0: `b` is a branch, `.` is not.
fn run_each(machine: &mut Machine, program: &str) {
    for instruction in program.chars() {
        machine.run(
            with_branches(1, u64::from(instruction == 'b')),
            Batch::default(),
        );
    }
}

#[test]
fn an_edge_counts_each_cycle_in_which_the_condition_begins_to_hold() {
    for (select, counted) in [
        (BRANCHES | EDGE, 3),
        (BRANCHES | EDGE | mask(1), 3),
        (BRANCHES | EDGE | INV | mask(1), 4),
        (BRANCHES | EDGE | mask(2), 0),
        (BRANCHES | EDGE | INV | mask(2), 1),
        (INSTRUCTIONS | EDGE, 1),
        (SLOTS | EDGE | mask(4), 1),
    ] {
        let mut machine = Machine::spr();
        machine.count(select | OS);
        run_each(&mut machine, "..bb...b.bbb..");
        assert_eq!(machine.read(PMC0), counted, "{select:#x}");
    }
}

#[test]
fn cycles_of_a_ring_that_the_counter_does_not_count_neither_make_nor_hide_an_edge() {
    let mut machine = Machine::spr();
    machine.count(BRANCHES | EDGE | OS);
    run_each(&mut machine, ".b");
    machine.run(Batch::default(), with_branches(1, 0));
    run_each(&mut machine, "b");
    assert_eq!(
        machine.read(PMC0),
        1,
        "the two branches are neighbours in ring 0"
    );
    machine.count(BRANCHES | EDGE | OS | USR);
    run_each(&mut machine, ".b");
    machine.run(Batch::default(), with_branches(1, 0));
    run_each(&mut machine, "b");
    assert_eq!(machine.read(PMC0), 2);
}

#[test]
fn a_selector_starts_with_its_condition_not_holding() {
    let mut machine = Machine::spr();
    machine.count(INSTRUCTIONS | EDGE | OS);
    machine.kernel(5);
    assert_eq!(machine.read(PMC0), 1);
    let select = machine.read(SELECT0);
    machine.write(SELECT0, select);
    machine.kernel(5);
    assert_eq!(machine.read(PMC0), 2);
}
