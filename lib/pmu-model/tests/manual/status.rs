//! SDM vol. 3B, "Enhancement in IA32_PERF_GLOBAL_STATUS", "IA32_PERF_GLOBAL_STATUS Reset and
//! Set Control", "IA32_PERF_GLOBAL_INUSE MSR".

use crate::machine::{
    FIXED_CTRL, IN_USE, INSTRUCTIONS, INT, Machine, OS, SELECT0, STATUS, STATUS_RESET, STATUS_SET,
};

#[test]
fn the_status_itself_is_read_only() {
    for mut machine in Machine::each() {
        machine.refuses(STATUS, 0);
        machine.refuses(STATUS, 1);
    }
}

#[test]
fn set_sets_and_reset_clears_the_bits_that_are_ones_and_both_read_as_zero() {
    let mut machine = Machine::spr();
    machine.write(STATUS_SET, 0x6c00_0005_0000_0081);
    assert_eq!(machine.read(STATUS), 0x6c00_0005_0000_0081);
    machine.write(STATUS_SET, 0x0000_0002_0000_0000);
    assert_eq!(machine.read(STATUS), 0x6c00_0007_0000_0081);
    machine.write(STATUS_RESET, 0x4000_0001_0000_0001);
    assert_eq!(machine.read(STATUS), 0x2c00_0006_0000_0080);
    machine.write(STATUS_RESET, 0);
    assert_eq!(machine.read(STATUS), 0x2c00_0006_0000_0080);
    assert_eq!(
        (machine.read(STATUS_SET), machine.read(STATUS_RESET)),
        (0, 0)
    );
}

#[test]
fn setting_an_overflow_bit_raises_no_interrupt() {
    let mut machine = Machine::spr();
    machine.count(INSTRUCTIONS | OS | INT);
    machine.write(STATUS_SET, 1);
    machine.kernel(100);
    assert!(!machine.pmu.take_pmi());
    assert_eq!(machine.read(STATUS), 1);
}

#[test]
fn in_use_names_every_selector_with_an_event_number() {
    let mut machine = Machine::spr();
    assert_eq!(machine.read(IN_USE), 0);
    machine.write(SELECT0 + 2, 0x00c0);
    machine.write(SELECT0 + 7, 0x0001);
    machine.write(SELECT0 + 3, 0xff00); // a unit mask alone is no event
    assert_eq!(machine.read(IN_USE), 0x84);
}

#[test]
fn in_use_names_every_fixed_counter_with_a_ring() {
    let mut machine = Machine::spr();
    machine.write(FIXED_CTRL, 0x201);
    assert_eq!(machine.read(IN_USE), 0x5_0000_0000);
}

#[test]
fn in_use_tells_whether_any_interrupt_is_enabled() {
    let mut machine = Machine::spr();
    machine.write(SELECT0 + 1, 1 << 20);
    assert_eq!(machine.read(IN_USE), 1 << 63);
    machine.write(SELECT0 + 1, 0);
    machine.write(FIXED_CTRL, 0x080);
    assert_eq!(machine.read(IN_USE), 1 << 63);
}

#[test]
fn in_use_is_read_only() {
    Machine::spr().refuses(IN_USE, 0);
}
