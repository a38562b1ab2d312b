//! An interrupt comes so many instructions after its overflow.
//!
//! Real processors are late by a number nobody knows. Here it is a setting, so that software
//! can be tested against an interrupt that arrives after it stopped or moved a counter.

use pmu_model::Config;

use crate::machine::{
    A_PMC0, GLOBAL_CTRL, INSTRUCTIONS, INT, Machine, OS, SELECT0, STATUS, STATUS_RESET, USR,
    before_overflow,
};

fn late(delay: u8) -> Machine {
    let mut machine = Machine::of(Config::sapphire_rapids().with_pmi_delay(delay));
    machine.count_before_overflow(INSTRUCTIONS | OS | USR | INT, 10);
    machine
}

#[test]
fn the_interrupt_comes_with_the_instruction_that_the_delay_names() {
    for delay in [0, 1, 2, 7, 254, 255] {
        let mut machine = late(delay);
        let arrived = (1..1000_u64).find(|_| {
            machine.kernel(1);
            machine.pmu.take_pmi()
        });
        assert_eq!(arrived, Some(10 + u64::from(delay)));
    }
}

#[test]
fn the_status_bit_is_not_late() {
    let mut machine = late(100);
    machine.kernel(10);
    assert_eq!(machine.read(STATUS), 1);
    assert!(!machine.pmu.take_pmi());
}

#[test]
fn instructions_of_both_rings_count_the_delay_down() {
    let mut machine = late(4);
    machine.kernel(10);
    machine.user(2);
    machine.kernel(1);
    assert!(!machine.pmu.take_pmi());
    machine.user(1);
    assert!(machine.pmu.take_pmi());
}

#[test]
fn nothing_takes_an_interrupt_back_that_is_on_its_way() {
    let mut machine = late(5);
    machine.kernel(10);
    machine.write(STATUS_RESET, 1);
    machine.write(GLOBAL_CTRL, 0);
    machine.write(SELECT0, 0);
    machine.write(A_PMC0, 0);
    machine.kernel(5);
    assert!(machine.pmu.take_pmi());
}

#[test]
fn a_second_overflow_while_one_is_on_its_way_adds_no_second_interrupt() {
    let mut machine = late(5);
    machine.kernel(10);
    machine.write(A_PMC0, before_overflow(2));
    machine.kernel(2);
    machine.kernel(3);
    assert!(machine.pmu.take_pmi());
    machine.kernel(100);
    assert!(!machine.pmu.take_pmi());
}

#[test]
fn an_overflow_in_the_instruction_with_which_one_arrives_starts_a_new_delay() {
    let mut machine = late(5);
    machine.kernel(10);
    machine.write(A_PMC0, before_overflow(5));
    machine.kernel(5);
    assert!(machine.pmu.take_pmi());
    machine.kernel(4);
    assert!(!machine.pmu.take_pmi());
    machine.kernel(1);
    assert!(machine.pmu.take_pmi());
}

#[test]
fn a_processor_that_halts_gets_the_interrupt_at_once() {
    let mut machine = late(200);
    machine.kernel(10);
    machine.pmu.settle();
    assert!(machine.pmu.take_pmi());
    machine.pmu.settle();
    assert!(!machine.pmu.take_pmi());
}

#[test]
fn the_budget_ends_where_the_interrupt_arrives() {
    let mut machine = late(9);
    machine.kernel(10);
    machine.write(GLOBAL_CTRL, 0);
    let budget = machine.pmu.budget();
    assert_eq!(
        (budget.kernel.instructions, budget.user.instructions),
        (5, 5)
    );
}
