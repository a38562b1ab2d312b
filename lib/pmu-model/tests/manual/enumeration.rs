//! SDM vol. 2A, "CPUID"; vol. 3B, "Architectural Performance Monitoring".

use pmu_model::{Access, Config, ConfigError, Ratio, Version};

use crate::machine::{FIXED_CTRL, FIXED0, GLOBAL_CTRL, Machine, STATUS_RESET};

#[test]
fn cpuid_0ah_reports_version_counters_widths_and_events() {
    let topdown = Machine::of(Config::sapphire_rapids().with_topdown_slots());
    for (machine, answer) in [
        (Machine::spr(), [0x0830_0805, 0, 0b0111, 0x8603]),
        (topdown, [0x0830_0805, 0, 0b1111, 0x8604]),
        (Machine::skx(), [0x0730_0404, 0, 0, 0x0603]),
        (Machine::v2(), [0x0730_0402, 0, 0, 0x0603]),
    ] {
        assert_eq!(machine.pmu.cpuid(0xa, 0), Some(answer));
    }
}

#[test]
fn cpuid_23h_is_zero_before_version_6_and_other_leaves_are_somebody_elses() {
    for subleaf in 0..6 {
        assert_eq!(Machine::spr().pmu.cpuid(0x23, subleaf), Some([0; 4]));
    }
    for leaf in [0, 1, 7, 0x15, 0x8000_0022] {
        assert_eq!(Machine::spr().pmu.cpuid(leaf, 0), None);
    }
}

#[test]
fn version_5_has_a_fixed_counter_if_the_number_or_the_bitmap_says_so() {
    let config = Config {
        fixed_counters: 1,
        fixed_bitmap: 0b1000,
        ..Config::sapphire_rapids()
    };
    let mut machine = Machine::of(config);
    assert_eq!(
        machine.pmu.cpuid(0xa, 0),
        Some([0x0830_0805, 0, 0b1000, 0x8601])
    );
    for (index, exists) in [(0, true), (1, false), (2, false), (3, true)] {
        let access = if exists {
            Access::Done(())
        } else {
            Access::GeneralProtection
        };
        assert_eq!(
            machine.pmu.wrmsr(FIXED0 + index, 0),
            access,
            "counter {index}"
        );
        assert_eq!(
            machine.pmu.wrmsr(FIXED_CTRL, 3 << (4 * index)),
            access,
            "control {index}"
        );
        assert_eq!(
            machine.pmu.wrmsr(GLOBAL_CTRL, 1 << (32 + index)),
            access,
            "global {index}"
        );
        assert_eq!(
            machine.pmu.wrmsr(STATUS_RESET, 1 << (32 + index)),
            access,
            "status {index}"
        );
        let read = if exists {
            Access::Done(0)
        } else {
            Access::GeneralProtection
        };
        assert_eq!(machine.pmu.rdmsr(FIXED0 + index), read, "rdmsr {index}");
        assert_eq!(
            machine.pmu.rdpmc(0x4000_0000 + index),
            read,
            "rdpmc {index}"
        );
    }
}

#[test]
fn a_configuration_that_cannot_exist_is_refused_by_the_name_of_its_fault() {
    let good = Config::sapphire_rapids();
    let old = Config::skylake_x();
    let stopped = Ratio {
        reference: 0,
        core: 1,
    };
    for (config, fault) in [
        (
            Config {
                gp_counters: 0,
                ..good
            },
            ConfigError::GpCounters,
        ),
        (
            Config {
                gp_counters: 9,
                ..good
            },
            ConfigError::GpCounters,
        ),
        (
            Config {
                fixed_counters: 5,
                ..good
            },
            ConfigError::FixedCounters,
        ),
        (
            Config {
                gp_width: 31,
                ..good
            },
            ConfigError::Width,
        ),
        (
            Config {
                gp_width: 63,
                ..good
            },
            ConfigError::Width,
        ),
        (
            Config {
                fixed_width: 31,
                ..good
            },
            ConfigError::Width,
        ),
        (
            Config {
                fixed_bitmap: 0x10,
                ..good
            },
            ConfigError::FixedBitmap,
        ),
        (
            Config {
                fixed_bitmap: 1,
                ..old
            },
            ConfigError::FixedBitmap,
        ),
        (
            Config {
                event_count: 9,
                ..good
            },
            ConfigError::Events,
        ),
        (
            Config {
                events_missing: 1 << 7,
                ..old
            },
            ConfigError::Events,
        ),
        (
            Config {
                any_thread_deprecated: true,
                ..old
            },
            ConfigError::AnyThread,
        ),
        (
            Config {
                version: Version::V2,
                has_sgx: true,
                ..old
            },
            ConfigError::StatusBits,
        ),
        (
            Config {
                reference_ratio: stopped,
                ..good
            },
            ConfigError::ReferenceRatio,
        ),
    ] {
        assert_eq!(config.check(), Err(fault), "{config:?}");
        assert_eq!(pmu_model::Pmu::new(config).err(), Some(fault));
    }
}
