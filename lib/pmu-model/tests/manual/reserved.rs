//! Every bit of every register: writable, or a fault that changes nothing.

use pmu_model::{Access, Config, Version};

use crate::machine::{
    A_PMC0, CAPABILITIES, DEBUGCTL, FIXED_CTRL, FIXED0, GLOBAL_CTRL, IN_USE, Machine, PMC0,
    SELECT0, STATUS, STATUS_RESET, STATUS_SET,
};

/// Writes each bit alone; `writable` are those that the manual lets be written.
fn each_bit(machine: &mut Machine, address: u32, writable: u64) {
    for bit in 0..64 {
        let value = 1 << bit;
        if writable & value == 0 {
            machine.refuses(address, value);
        } else {
            machine.write(address, value);
        }
    }
    if writable != u64::MAX {
        machine.refuses(address, u64::MAX);
    }
}

#[test]
fn version_5_lets_these_bits_be_written_and_no_others() {
    let mut machine = Machine::spr();
    for (address, writable) in [
        (PMC0 + 7, u64::MAX),
        (A_PMC0 + 7, 0x0000_ffff_ffff_ffff),
        (FIXED0 + 2, 0x0000_ffff_ffff_ffff),
        (SELECT0 + 7, 0xffdf_ffff), // bit 21, AnyThread, is gone
        (FIXED_CTRL, 0x0bbb),
        (GLOBAL_CTRL, 0x0000_0007_0000_00ff),
        (STATUS, 0),
        (STATUS_RESET, 0xec00_0007_0000_00ff),
        (STATUS_SET, 0x6c00_0007_0000_00ff),
        (IN_USE, 0),
        (CAPABILITIES, 0),
        (DEBUGCTL, 0x5802),
    ] {
        each_bit(&mut machine, address, writable);
    }
}

#[test]
fn version_5_with_four_fixed_counters_has_their_bits_too() {
    let mut machine = Machine::of(Config::sapphire_rapids().with_topdown_slots());
    each_bit(&mut machine, FIXED_CTRL, 0xbbbb);
    each_bit(&mut machine, GLOBAL_CTRL, 0x0000_000f_0000_00ff);
    each_bit(&mut machine, STATUS_RESET, 0xec00_000f_0000_00ff);
}

#[test]
fn version_4_lets_any_thread_be_written() {
    let mut machine = Machine::skx();
    for (address, writable) in [
        (SELECT0 + 3, 0xffff_ffff),
        (FIXED_CTRL, 0x0fff),
        (GLOBAL_CTRL, 0x0000_0007_0000_000f),
        (STATUS_RESET, 0xec00_0007_0000_000f),
        (STATUS_SET, 0x6c00_0007_0000_000f),
        (DEBUGCTL, 0x5802),
    ] {
        each_bit(&mut machine, address, writable);
    }
}

#[test]
fn version_2_has_neither_any_thread_nor_the_freeze_bits_nor_the_uncore_bit() {
    let mut machine = Machine::v2();
    for (address, writable) in [
        (SELECT0 + 3, 0xffdf_ffff),
        (FIXED_CTRL, 0x0bbb),
        (GLOBAL_CTRL, 0x0000_0007_0000_000f),
        (STATUS_RESET, 0xc000_0007_0000_000f),
        (DEBUGCTL, 0x5802),
    ] {
        each_bit(&mut machine, address, writable);
    }
}

#[test]
fn the_status_bits_of_processor_trace_and_sgx_exist_where_they_exist() {
    let config = Config {
        has_processor_trace: true,
        has_sgx: true,
        ..Config::sapphire_rapids()
    };
    let mut machine = Machine::of(config);
    each_bit(&mut machine, STATUS_RESET, 0xfc80_0007_0000_00ff);
    each_bit(&mut machine, STATUS_SET, 0x7c80_0007_0000_00ff);
}

#[test]
fn no_address_and_no_value_can_do_more_than_fault() {
    let odd = Config {
        version: Version::V5,
        gp_counters: 1,
        fixed_counters: 0,
        fixed_bitmap: 0b0101,
        gp_width: 62,
        fixed_width: 32,
        ..Config::sapphire_rapids()
    };
    for mut machine in Machine::each().into_iter().chain([Machine::of(odd)]) {
        for address in 0..0x1000 {
            for value in [0, 1, u64::MAX, 0x0053_00c0, 1 << 63, 0x8000_0000] {
                let readable = machine.pmu.rdmsr(address);
                let written = machine.pmu.wrmsr(address, value);
                let strange = |known| matches!(known, Access::NotPmu);
                assert_eq!(
                    strange(readable.done().map_or(readable, |_| Access::Done(0))),
                    written == Access::NotPmu,
                    "{address:#x}"
                );
            }
        }
    }
}
