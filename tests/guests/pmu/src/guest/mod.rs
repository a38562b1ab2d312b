//! The rounds, and what came out.

mod code;
mod measure;
mod tally;

use guest_support::apic::{PMI_VECTOR, TIMER_VECTOR};
use guest_support::counters::enumerate;
use guest_support::cpu::{Access, cpuid, rdmsr};
use guest_support::{Finding, gate, line};
use x86_regs::MsrReg as _;
use x86_regs::cpuid::{CpuidLeaf as _, FeatureLeaf, PerfmonLeaf};
use x86_regs::pmu::GlobalStatusSet;

use tally::Tally;

/// How often everything is measured. Each round sleeps at least once, and a sleep is when counters change hands.
const ROUNDS: u64 = 128;
/// In every so many-th round the counters are all switched off before the guest sleeps.
const IDLE_EVERY: u64 = 8;
/// Rounds between two lines of progress.
const PROGRESS: u64 = 32;

#[unsafe(no_mangle)]
fn guest_main() -> Finding {
    gate::set(TIMER_VECTOR, code::timer_gate);
    gate::set(PMI_VECTOR, code::pmi_gate);
    let mut tally = Tally::default();
    let pmu = enumerate();
    introduce(&pmu);
    if pmu.eax.version() < 2 || pmu.eax.gp_counters() < 2 || pmu.edx.fixed_counters() < 3 {
        line!("pmu: I need version 2 with 2 general-purpose and 3 fixed counters");
        return Finding::Wrong;
    }
    what_cpuid_does_not_offer_faults(&pmu, &mut tally);
    for round in 0..ROUNDS {
        measure::loop_exactly(round, &mut tally);
        measure::across_a_sleep(round, &mut tally);
        measure::interrupt_at_the_predicted_instruction(round, pmu.eax.gp_width(), &mut tally);
        if round % IDLE_EVERY == 0 {
            measure::sleep_with_idle_counters(&mut tally);
        }
        if (round + 1) % PROGRESS == 0 {
            line!(
                "pmu: {} of {ROUNDS} rounds, {} wrong",
                round + 1,
                tally.wrong()
            );
        }
    }
    tally.report();
    if tally.wrong() == 0 {
        Finding::Right
    } else {
        Finding::Wrong
    }
}

fn introduce(pmu: &PerfmonLeaf) {
    let features: FeatureLeaf = cpuid(FeatureLeaf::LEAF, FeatureLeaf::SUBLEAF).into();
    line!(
        "pmu: on a {} machine, PerfMon v{}: {} general-purpose counters of {} bits, {} fixed of {}",
        if features.ecx.hypervisor() {
            "virtual"
        } else {
            "bare"
        },
        pmu.eax.version(),
        pmu.eax.gp_counters(),
        pmu.eax.gp_width(),
        pmu.edx.fixed_counters(),
        pmu.edx.fixed_width(),
    );
}

/// GLOBAL_STATUS_SET came with version 4. Where CPUID says less, it must not be there, even if the machine has it.
fn what_cpuid_does_not_offer_faults(pmu: &PerfmonLeaf, tally: &mut Tally) {
    if pmu.eax.version() < 4 {
        let found = rdmsr(GlobalStatusSet::ADDR);
        tally.hold(
            "GLOBAL_STATUS_SET faults below version 4",
            found == Access::Fault,
        );
    }
}
