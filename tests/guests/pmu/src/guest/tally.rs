//! What was counted, what it had to be, and how often the two differed.

use guest_support::line;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Row {
    Instructions,
    Cycles,
    ReferenceCycles,
    GpInstructions,
    GpBranches,
    SleepInstructions,
    SleepGpInstructions,
    SleepGpBranches,
    Interrupts,
    AfterOverflow,
}

/// One more than the last of [`Row`].
const ROWS: usize = 10;

/// What each row is, in the order of [`Row`].
const NAMES: [&str; ROWS] = [
    "instructions, fixed counter 0",
    "cycles, fixed counter 1",
    "reference cycles, fixed counter 2",
    "instructions, counter 0",
    "branches, counter 1",
    "instructions across sleeps, fixed counter 0",
    "instructions across sleeps, counter 0",
    "branches across sleeps, counter 1",
    "offsets of overflow interrupts, bytes",
    "instructions from overflow to stop",
];

/// Wrong numbers that are shown one by one.
const SHOWN: u64 = 8;

/// All rounds together.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Tally {
    rows: [Sum; ROWS],
    checks: u64,
    wrong: u64,
}

#[derive(Clone, Copy, Default, Debug)]
struct Sum {
    counted: u64,
    expected: u64,
}

impl Tally {
    /// A number that has one right value.
    pub(super) fn add(&mut self, row: Row, counted: u64, expected: u64) {
        self.checks += 1;
        if let Some(sum) = self.rows.get_mut(row as usize) {
            sum.counted = sum.counted.wrapping_add(counted);
            sum.expected = sum.expected.wrapping_add(expected);
        }
        if counted != expected {
            self.note(|| line!("pmu: {row:?}: {counted} instead of {expected}"));
        }
    }

    /// A statement that must hold.
    pub(super) fn hold(&mut self, statement: &str, holds: bool) {
        self.checks += 1;
        if !holds {
            self.note(|| line!("pmu: this does not hold: {statement}"));
        }
    }

    /// How much was not as it must be.
    pub(super) const fn wrong(&self) -> u64 {
        self.wrong
    }

    /// Prints everything.
    pub(super) fn report(&self) {
        line!(
            "pmu: {:>10} {:>10}  what, all rounds together",
            "counted",
            "expected"
        );
        for (name, sum) in NAMES.iter().zip(&self.rows) {
            line!("pmu: {:>10} {:>10}  {name}", sum.counted, sum.expected);
        }
        line!("pmu: {} checks, {} wrong", self.checks, self.wrong);
    }

    fn note(&mut self, print: impl FnOnce()) {
        self.wrong += 1;
        if self.wrong <= SHOWN {
            print();
        }
    }
}
