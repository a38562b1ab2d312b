//! An emulator that drives the model as one should.
//!
//! It reports only when a budget runs out, and observes only what is wanted.

use pmu_model::{Access, Allowance, Batch, Budget, Config, Elapsed, EventSet, Pmu};

use crate::Processor;
use crate::program::Instruction;

pub(crate) struct Emulator {
    pmu: Pmu,
    budget: Budget,
    elapsed: Elapsed,
    retired: u64,
    interrupts: Vec<u64>,
    /// How often it told the model something.
    pub(crate) reports: u64,
}

impl Emulator {
    pub(crate) fn new(config: Config) -> Self {
        let pmu = Pmu::new(config).expect("a configuration that can exist");
        let budget = pmu.budget();
        Self {
            pmu,
            budget,
            elapsed: Elapsed::default(),
            retired: 0,
            interrupts: Vec::new(),
            reports: 0,
        }
    }

    fn report(&mut self) {
        self.reports += 1;
        self.pmu.advance(&std::mem::take(&mut self.elapsed));
        self.collect();
    }

    fn collect(&mut self) {
        if self.pmu.take_pmi() {
            self.interrupts.push(self.retired);
        }
        self.budget = self.pmu.budget();
    }
}

/// Counts one event and says whether that used up its allowance. What nobody wants is not
/// observed.
fn observe(wanted: bool, happened: bool, count: &mut u64, left: &mut i64) -> bool {
    if !wanted || !happened {
        return false;
    }
    *count += 1;
    *left -= 1;
    *left <= 0
}

fn retire(
    instruction: Instruction,
    wanted: EventSet,
    batch: &mut Batch,
    left: &mut Allowance,
) -> bool {
    batch.instructions += 1;
    left.instructions -= 1;
    let i = instruction;
    let is = |event| wanted.contains(event);
    let used_up = [
        left.instructions <= 0,
        observe(
            is(EventSet::BRANCHES),
            i.branch,
            &mut batch.branches,
            &mut left.branches,
        ),
        observe(
            is(EventSet::BRANCH_MISSES),
            i.branch_miss,
            &mut batch.branch_misses,
            &mut left.branch_misses,
        ),
        observe(
            is(EventSet::LLC_REFERENCES),
            i.reference,
            &mut batch.llc_references,
            &mut left.llc_references,
        ),
        observe(
            is(EventSet::LLC_MISSES),
            i.cache_miss,
            &mut batch.llc_misses,
            &mut left.llc_misses,
        ),
    ];
    used_up.contains(&true)
}

impl Processor for Emulator {
    fn run(&mut self, instruction: Instruction) {
        self.retired += 1;
        let (batch, left) = if instruction.user {
            (&mut self.elapsed.user, &mut self.budget.user)
        } else {
            (&mut self.elapsed.kernel, &mut self.budget.kernel)
        };
        if retire(instruction, self.budget.wanted, batch, left) {
            self.report();
        }
    }

    fn write(&mut self, address: u32, value: u64) -> bool {
        self.report();
        let done = self.pmu.wrmsr(address, value) == Access::Done(());
        self.budget = self.pmu.budget();
        done
    }

    /// Reads what the model would say after a report, without reporting: comparing registers
    /// after every step must not shorten the budgets.
    fn read(&self, addresses: &[u32]) -> Vec<Option<u64>> {
        let mut now = self.pmu.clone();
        now.advance(&self.elapsed);
        addresses
            .iter()
            .map(|&address| now.rdmsr(address).done())
            .collect()
    }

    fn load_global_ctrl(&mut self, value: u64) -> bool {
        self.report();
        let done = self.pmu.load_global_ctrl(value) == Access::Done(());
        self.budget = self.pmu.budget();
        done
    }

    fn halt(&mut self) {
        self.report();
        self.pmu.settle();
        self.collect();
    }

    fn interrupts(&self) -> &[u64] {
        &self.interrupts
    }
}
