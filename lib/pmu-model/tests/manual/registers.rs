//! Counters under their addresses, and RDPMC.
//! SDM vol. 3B, "Full-Width Writes to Performance Counter Registers"; vol. 2B, "RDPMC".

use pmu_model::{Access, Config, Pmu};

use crate::machine::{
    A_PMC0, CAPABILITIES, DEBUGCTL, FIXED0, GLOBAL_CTRL, IN_USE, Machine, PMC0, SELECT0, STATUS,
    STATUS_RESET, STATUS_SET, before_overflow,
};

#[test]
fn a_write_to_pmc_extends_the_sign_of_its_low_32_bits_and_ignores_the_high_ones() {
    let mut machine = Machine::spr();
    for (written, read) in [
        (0x7fff_ffff, 0x7fff_ffff),
        (0x8000_0000, 0xffff_8000_0000),
        (0xffff_ffff, 0xffff_ffff_ffff),
        (0x1234_5678_0000_0001, 1),
        (u64::MAX, 0xffff_ffff_ffff),
    ] {
        machine.write(PMC0, written);
        assert_eq!(machine.read(PMC0), read, "{written:#x}");
    }
}

#[test]
fn a_write_to_a_pmc_takes_the_whole_width_and_faults_on_any_bit_above() {
    let mut machine = Machine::spr();
    machine.write(A_PMC0 + 7, 0xffff_ffff_ffff);
    assert_eq!(machine.read(PMC0 + 7), 0xffff_ffff_ffff);
    machine.write(A_PMC0 + 7, 0x8000_0000);
    assert_eq!(machine.read(A_PMC0 + 7), 0x8000_0000, "no sign is extended");
    for bit in 48..64 {
        machine.refuses(A_PMC0 + 7, 1 << bit);
    }
}

#[test]
fn full_width_addresses_exist_only_where_perf_capabilities_says_so() {
    let capabilities = Config::sapphire_rapids().capabilities.expect("has them");
    let without = capabilities.with_full_width_write(false);
    for capabilities in [None, Some(without)] {
        let mut machine = Machine::of(Config {
            capabilities,
            ..Config::sapphire_rapids()
        });
        machine.refuses(A_PMC0, 0);
        assert_eq!(machine.pmu.rdmsr(A_PMC0), Access::GeneralProtection);
        machine.write(PMC0, 5);
    }
}

#[test]
fn perf_capabilities_reads_what_is_configured_and_cannot_be_written() {
    let mut machine = Machine::spr();
    assert_eq!(machine.read(CAPABILITIES), 1 << 13 | 1 << 12);
    machine.refuses(CAPABILITIES, 1 << 13 | 1 << 12);
    let mut without = Machine::of(Config {
        capabilities: None,
        ..Config::sapphire_rapids()
    });
    assert_eq!(without.pmu.rdmsr(CAPABILITIES), Access::GeneralProtection);
    without.refuses(CAPABILITIES, 0);
}

#[test]
fn a_fixed_counter_is_written_with_its_whole_width() {
    let mut machine = Machine::spr();
    machine.write(FIXED0 + 2, 0xffff_8000_0000);
    assert_eq!(machine.read(FIXED0 + 2), 0xffff_8000_0000);
    for bit in 48..64 {
        machine.refuses(FIXED0 + 2, 1 << bit);
    }
}

#[test]
fn a_width_other_than_48_bits_moves_the_sign_the_reserved_bits_and_the_overflow() {
    let mut machine = Machine::of(Config {
        gp_width: 40,
        ..Config::sapphire_rapids()
    });
    machine.write(PMC0, 0xffff_ffff);
    assert_eq!(machine.read(PMC0), 0xff_ffff_ffff);
    machine.refuses(A_PMC0, 1 << 40);
    machine.write(SELECT0, 0x0042_00c0 | 1 << 17);
    machine.kernel(3);
    assert_eq!(machine.read(PMC0), 2);
    assert_eq!(machine.read(STATUS), 1);
}

#[test]
fn registers_of_counters_that_do_not_exist_fault() {
    let mut machine = Machine::skx();
    for index in 4..8 {
        for address in [PMC0 + index, A_PMC0 + index, SELECT0 + index] {
            assert_eq!(
                machine.pmu.rdmsr(address),
                Access::GeneralProtection,
                "{address:#x}"
            );
            machine.refuses(address, 0);
        }
    }
    assert_eq!(machine.pmu.rdmsr(FIXED0 + 3), Access::GeneralProtection);
    machine.refuses(FIXED0 + 3, 0);
}

#[test]
fn registers_of_version_4_fault_in_version_2() {
    let mut machine = Machine::v2();
    for address in [STATUS_SET, IN_USE] {
        assert_eq!(
            machine.pmu.rdmsr(address),
            Access::GeneralProtection,
            "{address:#x}"
        );
        machine.refuses(address, 0);
    }
    assert_eq!(machine.read(STATUS_RESET), 0);
}

#[test]
fn pebs_and_metrics_do_not_exist_and_other_addresses_are_somebody_elses() {
    for mut machine in Machine::each() {
        for absent in [0x329, 0x3f1, 0x3f2, 0x3f6, 0x3f7, 0x600] {
            assert_eq!(
                machine.pmu.rdmsr(absent),
                Access::GeneralProtection,
                "{absent:#x}"
            );
            machine.refuses(absent, 0);
        }
        for stranger in [
            0, 0x10, 0x1b, 0xc0, 0xc9, 0x185, 0x18e, 0x1a0, 0x30d, 0x4c9, 0x832,
        ] {
            assert_eq!(machine.pmu.rdmsr(stranger), Access::NotPmu, "{stranger:#x}");
            assert_eq!(
                machine.pmu.wrmsr(stranger, 0),
                Access::NotPmu,
                "{stranger:#x}"
            );
        }
    }
}

#[test]
fn rdpmc_reads_every_counter_with_its_whole_width_and_zeroes_above() {
    let mut machine = Machine::of(Config::sapphire_rapids().with_topdown_slots());
    for index in 0..8 {
        machine.write(A_PMC0 + index, before_overflow(1 + u64::from(index)));
        let value = Access::Done(before_overflow(1 + u64::from(index)));
        assert_eq!(machine.pmu.rdpmc(index), value);
    }
    for index in 0..4 {
        machine.write(FIXED0 + index, before_overflow(100 + u64::from(index)));
        let value = Access::Done(before_overflow(100 + u64::from(index)));
        assert_eq!(machine.pmu.rdpmc(0x4000_0000 + index), value);
    }
}

#[test]
fn rdpmc_of_any_other_type_or_index_faults() {
    let (spr, skx) = (Machine::spr(), Machine::skx());
    let metrics = 0x2000_0000;
    let fast = 0x8000_0000;
    for ecx in [
        8,
        0xff,
        0xffff,
        0x1_0000,
        0x4000_0003,
        0x4000_0100,
        0x4001_0000,
        metrics,
        fast,
    ] {
        assert_eq!(spr.pmu.rdpmc(ecx), Access::GeneralProtection, "{ecx:#x}");
    }
    assert_eq!(skx.pmu.rdpmc(3), Access::Done(0));
    assert_eq!(skx.pmu.rdpmc(4), Access::GeneralProtection);
    assert_eq!(skx.pmu.rdpmc(u32::MAX), Access::GeneralProtection);
}

#[test]
fn reset_enables_every_general_purpose_counter_globally_and_clears_the_rest() {
    for (mut machine, enabled) in [(Machine::spr(), 0xff), (Machine::skx(), 0xf)] {
        let fresh = machine.pmu.clone();
        assert_eq!(machine.read(GLOBAL_CTRL), enabled);
        machine.write(SELECT0, 0x0053_00c0);
        machine.write(PMC0, u64::MAX);
        machine.write(DEBUGCTL, 1 << 12);
        machine.write(FIXED0, 7);
        machine.user(1);
        assert_ne!(machine.pmu, fresh);
        machine.pmu.reset();
        assert_eq!(machine.pmu, fresh);
        assert!(
            !machine.pmu.take_pmi(),
            "a request does not survive a reset"
        );
    }
    assert_eq!(
        Pmu::new(Config::skylake_x()).map(|pmu| *pmu.config()),
        Ok(Config::skylake_x())
    );
}
