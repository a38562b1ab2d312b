//! SDM vol. 3B, "Freezing LBR and Performance Counters on PMI".

use pmu_model::Config;

use crate::machine::{
    A_PMC0, DEBUGCTL, EN, FIXED_CTRL, FIXED0, GLOBAL_CTRL, INSTRUCTIONS, INT, Machine, OS, PMC0,
    SELECT0, STATUS, STATUS_RESET, STATUS_SET, before_overflow,
};

const FREEZE_RECORDS: u64 = 1 << 11;
const FREEZE_COUNTERS: u64 = 1 << 12;
const LBR_FRZ: u64 = 1 << 58;
const CTR_FRZ: u64 = 1 << 59;

/// Counter 0 overflows after ten instructions; counter 1 and fixed counter 0 only count.
fn ten_before_overflow(mut machine: Machine, interrupt: u64, debug: u64) -> Machine {
    machine.count_before_overflow(INSTRUCTIONS | OS | interrupt, 10);
    machine.write(SELECT0 + 1, INSTRUCTIONS | OS | EN);
    machine.write(FIXED_CTRL, 1);
    machine.write(GLOBAL_CTRL, 0x1_0000_0003);
    machine.write(DEBUGCTL, debug);
    machine
}

#[test]
fn version_4_freezes_every_counter_by_a_status_bit_and_leaves_global_ctrl_alone() {
    for machine in [Machine::skx(), Machine::spr()] {
        let mut machine = ten_before_overflow(machine, INT, FREEZE_COUNTERS);
        machine.kernel(10);
        assert_eq!(machine.read(STATUS), CTR_FRZ | 1);
        assert_eq!(machine.read(GLOBAL_CTRL), 0x1_0000_0003);
        machine.kernel(100);
        assert_eq!(
            (
                machine.read(PMC0),
                machine.read(PMC0 + 1),
                machine.read(FIXED0)
            ),
            (0, 10, 10),
            "all counted the overflowing instruction and none after it"
        );
        assert!(machine.pmu.take_pmi());
    }
}

#[test]
fn clearing_the_freeze_bit_lets_the_counters_go_on() {
    let mut machine = ten_before_overflow(Machine::spr(), INT, FREEZE_COUNTERS);
    machine.kernel(10);
    machine.write(STATUS_RESET, 1);
    machine.kernel(1);
    assert_eq!(
        machine.read(PMC0 + 1),
        10,
        "the overflow bit is not the freeze bit"
    );
    machine.write(STATUS_RESET, CTR_FRZ);
    machine.kernel(1);
    assert_eq!(machine.read(PMC0 + 1), 11);
}

#[test]
fn setting_the_freeze_bit_freezes_and_raises_no_interrupt() {
    let mut machine = ten_before_overflow(Machine::spr(), INT, 0);
    machine.write(STATUS_SET, CTR_FRZ);
    machine.kernel(100);
    assert_eq!(machine.read(PMC0 + 1), 0);
    assert!(!machine.pmu.take_pmi());
}

#[test]
fn version_2_freezes_by_clearing_global_ctrl() {
    let mut machine = ten_before_overflow(Machine::v2(), INT, FREEZE_COUNTERS);
    machine.kernel(10);
    assert_eq!(machine.read(STATUS), 1);
    assert_eq!(machine.read(GLOBAL_CTRL), 0);
    machine.kernel(100);
    assert_eq!(machine.read(PMC0 + 1), 10);
    machine.write(GLOBAL_CTRL, 3);
    machine.kernel(1);
    assert_eq!(machine.read(PMC0 + 1), 11);
}

#[test]
fn an_overflow_that_raises_no_interrupt_freezes_nothing() {
    for machine in Machine::each() {
        let mut machine = ten_before_overflow(machine, 0, FREEZE_COUNTERS | FREEZE_RECORDS);
        machine.kernel(15);
        assert_eq!(machine.read(STATUS), 1);
        assert_eq!(machine.read(GLOBAL_CTRL), 0x1_0000_0003);
        assert_eq!(machine.read(PMC0), 5);
    }
}

#[test]
fn without_the_bit_in_debugctl_nothing_freezes() {
    for machine in Machine::each() {
        let mut machine = ten_before_overflow(machine, INT, 0);
        machine.kernel(15);
        assert_eq!(machine.read(STATUS), 1);
        assert_eq!((machine.read(PMC0), machine.read(PMC0 + 1)), (5, 15));
    }
}

#[test]
fn freezing_of_branch_records_sets_a_status_bit_in_version_4_and_stops_no_counter() {
    let mut machine = ten_before_overflow(Machine::skx(), INT, FREEZE_RECORDS);
    machine.kernel(15);
    assert_eq!(machine.read(STATUS), LBR_FRZ | 1);
    assert_eq!(machine.read(DEBUGCTL), FREEZE_RECORDS);
    assert_eq!(machine.read(PMC0), 5);
}

#[test]
fn freezing_of_branch_records_clears_lbr_in_debugctl_in_version_2() {
    let config = *Machine::v2().pmu.config();
    let debug_control = config.debug_control.with_branch_records(true);
    let machine = Machine::of(Config {
        debug_control,
        ..config
    });
    let mut machine = ten_before_overflow(machine, INT, FREEZE_RECORDS | 1);
    machine.kernel(9);
    assert_eq!(machine.read(DEBUGCTL), FREEZE_RECORDS | 1);
    machine.kernel(1);
    assert_eq!(machine.read(DEBUGCTL), FREEZE_RECORDS);
}

#[test]
fn the_overflow_freezes_and_not_the_late_interrupt() {
    let machine = Machine::of(Config::sapphire_rapids().with_pmi_delay(50));
    let mut machine = ten_before_overflow(machine, INT, FREEZE_COUNTERS);
    machine.kernel(10);
    machine.kernel(50);
    assert!(machine.pmu.take_pmi());
    assert_eq!(machine.read(PMC0 + 1), 10);
}

#[test]
fn a_frozen_counter_cannot_overflow() {
    let mut machine = ten_before_overflow(Machine::spr(), INT, FREEZE_COUNTERS);
    machine.kernel(10);
    machine.write(A_PMC0 + 1, before_overflow(1));
    machine.kernel(10);
    assert_eq!(machine.read(STATUS), CTR_FRZ | 1);
}
