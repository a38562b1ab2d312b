//! What the test suite tells its supervisor, and the benchmarks theirs.

/// The supervisor of a test system: it gives each test fresh tasks, hears of their faults, and reports.
pub trait Runner {
    /// Which test is next, counted from 0.
    #[op(1)]
    #[idempotent]
    fn which_test(&self) -> u32;

    /// A test begins; everything that happens until `end` is its outcome.
    #[op(2)]
    #[idempotent]
    fn begin(&self, name: Bytes<160>);

    /// The task whose fault comes next shall fault exactly so.
    #[op(3)]
    #[idempotent]
    fn expect(&self, fault: Expectation);

    /// The test has ended. The suite's task is started anew for the next, so there is no answer.
    #[op(4)]
    #[idempotent]
    fn end(&self, outcome: Outcome, note: Bytes<600>);

    /// There are no more tests, or measurements. There is no answer.
    #[op(5)]
    #[idempotent]
    fn finished(&self);

    /// Something was measured.
    #[op(6)]
    #[idempotent]
    fn measured(&self, values: Measured, name: Bytes<64>);

    /// What the kernel told the root task about the machine.
    #[op(7)]
    #[idempotent]
    fn machine(&self) -> Machine;
}

/// How a test ended.
#[repr(u8)]
pub enum Outcome {
    /// It showed what its name promises.
    Passed = 1,
    /// It did not.
    Failed = 2,
    /// It could not run on this machine.
    Skipped = 3,
}

/// Whose fault.
#[repr(u8)]
pub enum Culprit {
    /// The suite, and the test ends with it.
    Suite = 1,
    /// Its partner, which is started anew while the test goes on.
    Assist = 2,
}

/// A fault message: each word, where its mask says so.
pub struct Expectation {
    /// The label.
    pub label: u64,
    /// The words.
    pub words: [u64; 6],
    /// The bits of the words that count.
    pub masks: [u64; 6],
    /// Who faults.
    pub culprit: Culprit,
    /// Zero.
    pub reserved: [u8; 7],
}

/// A measurement, in instructions.
pub struct Measured {
    /// The smallest value.
    pub min: u64,
    /// The value in the middle.
    pub median: u64,
    /// The largest value.
    pub max: u64,
    /// How many values.
    pub count: u64,
}

/// Facts of the boot information.
pub struct Machine {
    /// What the kernel switched on.
    pub features: u64,
    /// TSC ticks a second.
    pub tsc_hz: u64,
    /// TSC ticks from the kernel's first instruction to the first task.
    pub boot_ticks: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes of it in use.
    pub used_bytes: u64,
}
