//! Random programs, biased towards what is interesting.

use pmu_model::{Config, Ratio, Version};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

/// One instruction, and what it did. The default is a plain one in ring 0.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Instruction {
    pub(crate) user: bool,
    pub(crate) branch: bool,
    pub(crate) branch_miss: bool,
    pub(crate) reference: bool,
    pub(crate) cache_miss: bool,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Run(Vec<Instruction>),
    Write(u32, u64),
    LoadGlobalCtrl(u64),
    Halt,
}

const EVENTS: [u64; 9] = [
    0x003c, 0x00c0, 0x013c, 0x4f2e, 0x412e, 0x00c4, 0x00c5, 0x01a4, 0x00ff,
];
const RATIOS: [(u32, u32); 5] = [(1, 1), (2, 3), (5, 2), (1, 7), (3, 1)];
const MASKS: [u64; 8] = [0, 0, 0, 0, 1, 2, 4, 5];

fn instruction() -> impl Strategy<Value = Instruction> {
    any::<[bool; 5]>().prop_map(|[user, branch, wrong, reference, miss]| Instruction {
        user,
        branch,
        branch_miss: branch && wrong,
        reference,
        cache_miss: reference && miss,
    })
}

/// A stretch of mixed instructions, or many of one kind.
fn stretch() -> impl Strategy<Value = Step> {
    let mixed = proptest::collection::vec(instruction(), 0..60);
    let uniform = (instruction(), 0..300_usize).prop_map(|(kind, times)| vec![kind; times]);
    prop_oneof![mixed, uniform].prop_map(Step::Run)
}

fn write_selector() -> impl Strategy<Value = (u32, u64)> {
    (
        0..8_u32,
        select(&EVENTS[..]),
        select(&MASKS[..]),
        any::<u8>(),
        any::<bool>(),
    )
        .prop_map(|(index, event, mask, flags, plain)| {
            // Most of the time: counting, with an interrupt, without edge and inversion.
            let flags = if plain {
                flags & 0x03 | 0x50
            } else {
                flags & 0xdf
            };
            (0x186 + index, event | u64::from(flags) << 16 | mask << 24)
        })
}

/// Most counters start a few events before their overflow.
fn write_counter() -> impl Strategy<Value = (u32, u64)> {
    let addresses = prop_oneof![0xc1..0xc9_u32, 0x4c1..0x4c9_u32, 0x309..0x30d_u32];
    (addresses, select(&[32_u32, 40, 48][..]), 0..150_u64).prop_map(|(address, width, left)| {
        let value = if address < 0x100 {
            0_u64.wrapping_sub(left)
        } else {
            (1 << width) - 1 - left
        };
        (address, value)
    })
}

fn write_control() -> impl Strategy<Value = (u32, u64)> {
    let any_of = |address, mask: u64| any::<u64>().prop_map(move |bits| (address, bits & mask));
    prop_oneof![
        3 => any_of(0x38d, 0x0bbb),
        1 => any_of(0x38d, 0xffff),
        2 => any_of(0x38f, 0x0000_0007_0000_000f),
        2 => Just((0x38f, 0x0000_0007_0000_000f)),
        2 => any_of(0x390, 0xec00_0007_0000_000f),
        1 => Just((0x390, 0xec00_0007_0000_000f)),
        1 => any_of(0x391, 0x6400_0007_0000_000f),
        1 => any_of(0x391, 0x6c00_0007_0000_000f),
        2 => any_of(0x1d9, 0x5802),
        1 => (crate_addresses(), any::<u64>()),
        1 => (crate_addresses(), (0..64_u32).prop_map(|bit| 1 << bit)),
    ]
}

fn crate_addresses() -> impl Strategy<Value = u32> {
    select(crate::addresses().collect::<Vec<_>>())
}

fn step() -> impl Strategy<Value = Step> {
    let write = prop_oneof![3 => write_selector(), 4 => write_counter(), 4 => write_control()];
    prop_oneof![
        8 => stretch(),
        8 => write.prop_map(|(address, value)| Step::Write(address, value)),
        1 => any::<u64>().prop_map(|bits| Step::LoadGlobalCtrl(bits & 0x0000_0007_0000_001f)),
        1 => Just(Step::Halt),
    ]
}

/// A program of up to 80 steps.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..80)
}

/// Processors of every version, size, width, delay and clock.
pub(crate) fn configs() -> impl Strategy<Value = Config> {
    let shape = (
        1..9_u8,
        select(&[32_u8, 40, 48][..]),
        0..5_u8,
        select(&[32_u8, 40, 48][..]),
    );
    let rest = (
        select(&[0_u8, 0, 1, 2, 5, 40, 255][..]),
        select(&RATIOS[..]),
        prop_oneof![3 => Just(0), 1 => 0..0x100_u32],
        any::<[bool; 4]>(),
        0..16_u32,
    );
    let version = select(&[Version::V2, Version::V4, Version::V5][..]);
    (version, shape, rest).prop_map(|(version, shape, rest)| {
        let (gp_counters, gp_width, fixed_counters, fixed_width) = shape;
        let (pmi_delay, (reference, core), events_missing, flags, bitmap) = rest;
        let is_v5 = version == Version::V5;
        let has_status_bits = flags[0] && version != Version::V2;
        let base = Config::sapphire_rapids();
        Config {
            version,
            gp_counters,
            gp_width,
            fixed_counters,
            fixed_width,
            fixed_bitmap: if is_v5 { bitmap } else { 0 },
            events_missing,
            any_thread_deprecated: is_v5 && flags[1],
            capabilities: if flags[2] || flags[3] {
                base.capabilities
            } else {
                None
            },
            has_processor_trace: has_status_bits,
            has_sgx: has_status_bits,
            pmi_delay,
            reference_ratio: Ratio { reference, core },
            ..base
        }
    })
}
