//! GLOBAL_CTRL and DEBUGCTL across VM entry and exit.
//! SDM vol. 3C, "Loading Guest Control Registers, Debug Registers, and MSRs".

use pmu_model::Access;

use crate::machine::{DEBUGCTL, GLOBAL_CTRL, INSTRUCTIONS, Machine, OS, PMC0};

#[test]
fn global_ctrl_is_valid_exactly_if_a_write_of_it_would_not_fault() {
    for machine in Machine::each() {
        for bit in 0..64 {
            let value = 1 << bit;
            let mut writer = Machine {
                pmu: machine.pmu.clone(),
            };
            let written = writer.pmu.wrmsr(GLOBAL_CTRL, value) == Access::Done(());
            assert_eq!(
                machine.pmu.global_ctrl_is_valid(value),
                written,
                "bit {bit}"
            );
        }
    }
}

#[test]
fn a_loaded_global_ctrl_starts_and_stops_counters_at_once() {
    let mut machine = Machine::spr();
    machine.count(INSTRUCTIONS | OS);
    assert_eq!(machine.pmu.load_global_ctrl(0), Access::Done(()));
    machine.kernel(10);
    assert_eq!(machine.pmu.load_global_ctrl(1), Access::Done(()));
    machine.kernel(3);
    assert_eq!(machine.read(PMC0), 3);
    assert_eq!(
        (machine.pmu.global_ctrl(), machine.read(GLOBAL_CTRL)),
        (1, 1)
    );
}

#[test]
fn a_load_with_a_reserved_bit_changes_nothing() {
    let mut machine = Machine::spr();
    let before = machine.pmu.clone();
    assert_eq!(
        machine.pmu.load_global_ctrl(1 << 8),
        Access::GeneralProtection
    );
    assert_eq!(machine.pmu.load_debugctl(1 << 3), Access::GeneralProtection);
    assert_eq!(machine.pmu, before);
}

#[test]
fn debugctl_is_loaded_and_read_like_the_register() {
    let mut machine = Machine::spr();
    assert_eq!(machine.pmu.load_debugctl(1 << 12), Access::Done(()));
    assert_eq!(
        (machine.pmu.debugctl(), machine.read(DEBUGCTL)),
        (1 << 12, 1 << 12)
    );
    assert!(machine.pmu.debugctl_is_valid(0x5802));
    assert!(!machine.pmu.debugctl_is_valid(1));
}
