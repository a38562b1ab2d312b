//! What counts, where and how much.
//! SDM vol. 3B, "Pre-defined Architectural Performance Events" and "Fixed-Function Counters".

use pmu_model::{Access, Batch, Config, Ratio};

use crate::machine::{
    BRANCH_MISSES, BRANCHES, CYCLES, EN, FIXED_CTRL, FIXED0, GLOBAL_CTRL, INSTRUCTIONS, LLC_MISSES,
    LLC_REFERENCES, Machine, OS, PMC0, REFERENCE, SELECT0, SLOTS, STATUS_SET, USR, with_branches,
};

/// Seven of everything in ring 0, and other numbers of them in ring 3.
fn a_bit_of_everything(machine: &mut Machine) {
    let kernel = Batch {
        instructions: 100,
        branches: 20,
        branch_misses: 3,
        llc_references: 10,
        llc_misses: 4,
    };
    let user = Batch {
        instructions: 1000,
        branches: 300,
        branch_misses: 50,
        llc_references: 70,
        llc_misses: 6,
    };
    machine.run(kernel, user);
}

#[test]
fn each_architectural_event_counts_its_own_number_in_each_ring() {
    for (event, kernel, user) in [
        (CYCLES, 100, 1000),
        (INSTRUCTIONS, 100, 1000),
        (REFERENCE, 100, 1000),
        (LLC_REFERENCES, 10, 70),
        (LLC_MISSES, 4, 6),
        (BRANCHES, 20, 300),
        (BRANCH_MISSES, 3, 50),
        (SLOTS, 400, 4000),
    ] {
        for (rings, counted) in [(0, 0), (OS, kernel), (USR, user), (OS | USR, kernel + user)] {
            let mut machine = Machine::spr();
            machine.count(event | rings);
            a_bit_of_everything(&mut machine);
            assert_eq!(machine.read(PMC0), counted, "{event:#x} in {rings:#x}");
        }
    }
}

#[test]
fn fixed_counters_count_instructions_cycles_reference_cycles_and_slots() {
    for (field, counted) in [(0, 0), (1, 100), (2, 1000), (3, 1100)] {
        let mut machine = Machine::of(Config::sapphire_rapids().with_topdown_slots());
        machine.write(GLOBAL_CTRL, 0xf_0000_0000);
        machine.write(FIXED_CTRL, 0x1111 * field);
        a_bit_of_everything(&mut machine);
        for index in 0..3 {
            assert_eq!(
                machine.read(FIXED0 + index),
                counted,
                "counter {index}, field {field}"
            );
        }
        assert_eq!(machine.read(FIXED0 + 3), 4 * counted);
    }
}

#[test]
fn a_counter_counts_only_while_its_selector_and_global_ctrl_both_enable_it() {
    let mut machine = Machine::spr();
    for (select, global, counts) in [
        (INSTRUCTIONS | OS, 1, false),
        (INSTRUCTIONS | OS | EN, 0, false),
        (INSTRUCTIONS | OS | EN, 0xfe, false),
        (INSTRUCTIONS | OS | EN, 1, true),
    ] {
        machine.write(PMC0, 0);
        machine.write(SELECT0, select);
        machine.write(GLOBAL_CTRL, global);
        machine.kernel(9);
        assert_eq!(
            machine.read(PMC0),
            if counts { 9 } else { 0 },
            "{select:#x} {global:#x}"
        );
    }
}

#[test]
fn a_fixed_counter_counts_only_while_its_field_and_global_ctrl_both_enable_it() {
    let mut machine = Machine::spr();
    machine.write(FIXED_CTRL, 0x001);
    machine.write(GLOBAL_CTRL, 1 << 33);
    machine.kernel(5);
    assert_eq!(machine.read(FIXED0), 0);
    machine.write(GLOBAL_CTRL, 1 << 32);
    machine.kernel(5);
    assert_eq!(machine.read(FIXED0), 5);
    assert_eq!(machine.read(FIXED0 + 1), 0);
}

#[test]
fn counters_do_not_touch_each_other() {
    let mut machine = Machine::spr();
    for index in 0..8 {
        machine.write(SELECT0 + index, INSTRUCTIONS | OS | EN);
        machine.write(PMC0 + index, 1000 * u64::from(index));
    }
    machine.write(GLOBAL_CTRL, 0b1010_0110);
    machine.kernel(7);
    let counted: Vec<u64> = (0..8).map(|index| machine.read(PMC0 + index)).collect();
    assert_eq!(counted, [0, 1007, 2007, 3000, 4000, 5007, 6000, 7007]);
}

#[test]
fn an_event_that_cpuid_reports_missing_or_does_not_list_counts_nothing() {
    let missing = Config {
        events_missing: 1 << 5,
        ..Config::sapphire_rapids()
    };
    for (config, event) in [
        (missing, BRANCHES),
        (Config::skylake_x(), SLOTS),
        (Config::sapphire_rapids(), 0x0001),
        (Config::sapphire_rapids(), 0x01c0),
        (Config::sapphire_rapids(), 0x0000),
    ] {
        let mut machine = Machine::of(config);
        machine.count(event | OS | USR);
        a_bit_of_everything(&mut machine);
        assert_eq!(machine.read(PMC0), 0, "{event:#x}");
    }
}

#[test]
fn the_write_that_enables_counts_itself_and_the_write_that_disables_does_not() {
    let mut machine = Machine::spr();
    machine.write(GLOBAL_CTRL, 0);
    machine.write(SELECT0, INSTRUCTIONS | OS | EN);
    machine.kernel(1); // the write to the selector retires while nothing counts
    machine.write(GLOBAL_CTRL, 1);
    machine.kernel(1); // the enabling WRMSR retires
    machine.kernel(10);
    machine.write(GLOBAL_CTRL, 0);
    machine.kernel(1); // the disabling WRMSR retires
    assert_eq!(machine.read(PMC0), 11);
}

#[test]
fn a_read_sees_what_retired_before_it_and_a_written_counter_then_counts_the_write() {
    let mut machine = Machine::spr();
    machine.count(INSTRUCTIONS | OS);
    machine.kernel(4);
    assert_eq!(machine.pmu.rdpmc(0), Access::Done(4));
    machine.kernel(1); // the RDPMC retires
    machine.write(PMC0, 100);
    machine.kernel(1); // the WRMSR retires
    assert_eq!(machine.read(PMC0), 101);
}

#[test]
fn the_reference_clock_keeps_its_ratio_to_the_instructions_of_each_ring() {
    let ratio = Ratio {
        reference: 2,
        core: 3,
    };
    let mut machine = Machine::of(Config::sapphire_rapids().with_reference_ratio(ratio));
    machine.count(REFERENCE | OS | USR);
    // After n instructions of a ring its clock has ticked 2n/3 times, rounded down.
    for (kernel, user, ticks) in [
        (1, 0, 0),
        (1, 0, 1),
        (1, 0, 2),
        (0, 1, 2),
        (0, 3, 4),
        (1, 1, 5),
    ] {
        machine.run(Batch::instructions(kernel), Batch::instructions(user));
        assert_eq!(machine.read(PMC0), ticks, "after {kernel} and {user} more");
    }
}

#[test]
fn a_reference_clock_faster_than_the_core_ticks_several_times_an_instruction() {
    let ratio = Ratio {
        reference: 5,
        core: 2,
    };
    let mut machine = Machine::of(Config::sapphire_rapids().with_reference_ratio(ratio));
    machine.write(GLOBAL_CTRL, 1 << 34);
    machine.write(FIXED_CTRL, 0x100);
    let ticks: Vec<u64> = (0..4)
        .map(|_| {
            machine.kernel(1);
            machine.read(FIXED0 + 2)
        })
        .collect();
    assert_eq!(ticks, [2, 5, 7, 10]);
}

#[test]
fn any_thread_changes_nothing_since_a_core_has_one_thread() {
    let mut machine = Machine::skx();
    machine.count(INSTRUCTIONS | OS | 1 << 21);
    machine.kernel(8);
    machine.user(8);
    assert_eq!(machine.read(PMC0), 8);
}

#[test]
fn events_above_the_number_of_instructions_are_cut_off() {
    let mut machine = Machine::spr();
    machine.count(BRANCHES | OS);
    machine.run(with_branches(3, 9), Batch::default());
    assert_eq!(machine.read(PMC0), 3);
}

#[test]
fn counters_that_software_froze_stand_still() {
    let mut machine = Machine::spr();
    machine.count(INSTRUCTIONS | OS);
    machine.write(STATUS_SET, 1 << 59);
    machine.kernel(5);
    assert_eq!(machine.read(PMC0), 0);
}
