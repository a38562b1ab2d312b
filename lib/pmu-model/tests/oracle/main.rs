//! The model against a second, naive counter.
//!
//! The naive one ([`naive`]) counts one instruction at a time and one event at a time, shares
//! no code with the model, and is simple enough to be believed. Both run the same random
//! programs: the naive one as it is, the model behind an emulator that reports only when a
//! budget runs out. Every register must agree after every step, and every interrupt must come
//! with the same instruction.

#![expect(
    clippy::indexing_slicing,
    reason = "an index out of range is a bug of the test and may end it"
)]

mod emulator;
mod naive;
mod program;

use pmu_model::{Config, Elapsed, Pmu, Ratio};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

use emulator::Emulator;
use naive::Naive;
use program::{Instruction, Step, configs, steps};

/// What a program does to either machine.
trait Processor {
    fn run(&mut self, instruction: Instruction);
    fn write(&mut self, address: u32, value: u64) -> bool;
    /// What RDMSR of each address would give now; `None` where it faults. Changes nothing.
    fn read(&self, addresses: &[u32]) -> Vec<Option<u64>>;
    fn load_global_ctrl(&mut self, value: u64) -> bool;
    fn halt(&mut self);
    /// How many instructions had retired at each interrupt.
    fn interrupts(&self) -> &[u64];
}

/// Does one step; says whether it was allowed. An access that faults does not retire.
fn perform(processor: &mut dyn Processor, step: &Step) -> bool {
    let allowed = match *step {
        Step::Run(ref instructions) => {
            for &instruction in instructions {
                processor.run(instruction);
            }
            return true;
        }
        Step::Write(address, value) => processor.write(address, value),
        Step::LoadGlobalCtrl(value) => return processor.load_global_ctrl(value),
        Step::Halt => {
            processor.halt();
            return true;
        }
    };
    if allowed {
        processor.run(Instruction::default());
    }
    allowed
}

/// Every address at which a register of the unit may be, and some neighbours.
fn addresses() -> impl Iterator<Item = u32> {
    (0xc0..0xca)
        .chain(0x185..0x18f)
        .chain([0x1d9, 0x329, 0x345])
        .chain(0x308..0x30e)
        .chain(0x38c..0x393)
        .chain(0x4c0..0x4ca)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_model_behind_budgets_agrees_with_counting_one_by_one(
        config in configs(),
        program in steps(),
    ) {
        let all: Vec<u32> = addresses().collect();
        let mut naive = Naive::new(&config);
        let mut emulator = Emulator::new(config);
        for step in &program {
            let expected = perform(&mut naive, step);
            prop_assert_eq!(perform(&mut emulator, step), expected, "{:?}", step);
            let (read, expected) = (emulator.read(&all), naive.read(&all));
            for (address, (read, expected)) in all.iter().zip(read.into_iter().zip(expected)) {
                prop_assert_eq!(read, expected, "{:#x} after {:?}", address, step);
            }
            prop_assert_eq!(emulator.interrupts(), naive.interrupts(), "after {:?}", step);
        }
    }

    #[test]
    fn nothing_software_or_an_emulator_does_makes_the_model_panic(
        config in configs(),
        calls in proptest::collection::vec((any::<u8>(), any::<u32>(), any::<u64>(), any::<u64>()), 0..200),
    ) {
        let mut pmu = Pmu::new(config).expect("a configuration that can exist");
        for (kind, address, value, other) in calls {
            let near = addresses().nth(address as usize % 44).unwrap_or(address);
            match kind % 10 {
                0..=3 => _ = pmu.wrmsr(near, value),
                4 => _ = pmu.wrmsr(near, value & 0x0000_000f_0073_01ff),
                5 => _ = (pmu.rdmsr(address), pmu.rdmsr(near), pmu.rdpmc(address)),
                6 => _ = (pmu.load_global_ctrl(value), pmu.load_debugctl(other)),
                7 => pmu.settle(),
                // Far more than any budget allows, and more events than instructions.
                _ => {
                    let mut elapsed = Elapsed::default();
                    elapsed.kernel.instructions = value;
                    elapsed.kernel.branches = other;
                    elapsed.user.instructions = other;
                    elapsed.user.llc_misses = value;
                    pmu.advance(&elapsed);
                }
            }
            let budget = pmu.budget();
            for allowance in [budget.kernel, budget.user] {
                assert!(allowance.instructions >= 1 && allowance.branches >= 1);
                assert!(allowance.llc_misses >= 1 && allowance.branch_misses >= 1);
            }
        }
    }
}

/// Every kind of selector there is: event, mask, edge, inversion and rings.
fn every_selector() -> impl Iterator<Item = u64> {
    let events = [0x00c0, 0x013c, 0x01a4, 0x00c4, 0x00c5, 0x4f2e, 0x412e];
    let masks = [0, 1, 2, 3, 4, 5];
    let shapes = [0, 1 << 18, 1 << 23, 1 << 18 | 1 << 23];
    let rings = [1 << 16, 1 << 17, 3 << 16];
    events.into_iter().flat_map(move |event| {
        masks.into_iter().flat_map(move |mask| {
            shapes.into_iter().flat_map(move |shape| {
                rings
                    .into_iter()
                    .map(move |rings| event | mask << 24 | shape | rings | 0x50 << 16)
            })
        })
    })
}

/// 150 instructions in which nothing has a pattern.
fn jumble() -> Vec<Instruction> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut flip = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 40 & 3 == 0
    };
    (0..150)
        .map(|_| {
            let (branch, reference) = (flip(), flip());
            Instruction {
                user: flip(),
                branch,
                branch_miss: branch && flip(),
                reference,
                cache_miss: reference && flip(),
            }
        })
        .collect()
}

#[test]
fn every_kind_of_selector_interrupts_with_the_instruction_that_counting_one_by_one_says() {
    let program = jumble();
    for (reference, core, pmi_delay) in [(1, 1, 0), (2, 3, 2), (5, 2, 0)] {
        let ratio = Ratio { reference, core };
        let config = Config {
            pmi_delay,
            ..Config::sapphire_rapids().with_reference_ratio(ratio)
        };
        for select in every_selector() {
            for distance in [1, 2, 9, 41] {
                let mut naive = Naive::new(&config);
                let mut emulator = Emulator::new(config);
                for processor in [&mut naive as &mut dyn Processor, &mut emulator] {
                    assert!(processor.write(0x186, select));
                    assert!(processor.write(0x4c1, (1 << 48) - distance));
                    perform(processor, &Step::Run(program.clone()));
                }
                let case = format!("{select:#x}, {distance} left, {reference}/{core}");
                assert_eq!(emulator.interrupts(), naive.interrupts(), "{case}");
                let counter_and_status = [0xc1, 0x38e];
                let expected = naive.read(&counter_and_status);
                assert_eq!(emulator.read(&counter_and_status), expected, "{case}");
            }
        }
    }
}

/// Samples every `period` instructions for `total` of them; says how many reports it took.
fn reports(rings: u64, period: u64, total: u64) -> u64 {
    let mut emulator = Emulator::new(Config::sapphire_rapids());
    assert!(emulator.write(0x186, 0x0050_00c0 | rings));
    for _ in 0..total / period {
        assert!(emulator.write(0x4c1, (1 << 48) - period));
        for _ in 0..period {
            emulator.run(Instruction::default());
        }
    }
    assert_eq!(emulator.interrupts().len() as u64, total / period);
    emulator.reports
}

#[test]
fn a_sample_costs_one_report_in_one_ring_and_the_logarithm_of_its_period_in_two() {
    // Each write of the counter is a report of its own, like the write of the selector.
    assert_eq!(reports(1 << 17, 1000, 100_000), 1 + 2 * 100);
    // 1000, 500, 250, 125, 62, 31, 15, 7, 3, 1, 0 left: ten reports for each sample.
    assert_eq!(reports(3 << 16, 1000, 100_000), 1 + 11 * 100);
}
