//! A processor for tests: runs instructions, reads and writes registers.

use pmu_model::{Access, Batch, Config, Elapsed, Pmu, Ring, Version};

pub(crate) const PMC0: u32 = 0xc1;
pub(crate) const A_PMC0: u32 = 0x4c1;
pub(crate) const SELECT0: u32 = 0x186;
pub(crate) const FIXED0: u32 = 0x309;
pub(crate) const CAPABILITIES: u32 = 0x345;
pub(crate) const FIXED_CTRL: u32 = 0x38d;
pub(crate) const STATUS: u32 = 0x38e;
pub(crate) const GLOBAL_CTRL: u32 = 0x38f;
pub(crate) const STATUS_RESET: u32 = 0x390;
pub(crate) const STATUS_SET: u32 = 0x391;
pub(crate) const IN_USE: u32 = 0x392;
pub(crate) const DEBUGCTL: u32 = 0x1d9;

/// Selector bits.
pub(crate) const USR: u64 = 1 << 16;
pub(crate) const OS: u64 = 1 << 17;
pub(crate) const EDGE: u64 = 1 << 18;
pub(crate) const INT: u64 = 1 << 20;
pub(crate) const EN: u64 = 1 << 22;
pub(crate) const INV: u64 = 1 << 23;

/// Events.
pub(crate) const CYCLES: u64 = 0x003c;
pub(crate) const INSTRUCTIONS: u64 = 0x00c0;
pub(crate) const REFERENCE: u64 = 0x013c;
pub(crate) const LLC_REFERENCES: u64 = 0x4f2e;
pub(crate) const LLC_MISSES: u64 = 0x412e;
pub(crate) const BRANCHES: u64 = 0x00c4;
pub(crate) const BRANCH_MISSES: u64 = 0x00c5;
pub(crate) const SLOTS: u64 = 0x01a4;

/// A counter of 48 bits this many events before its overflow.
pub(crate) const fn before_overflow(events: u64) -> u64 {
    (1 << 48) - events
}

pub(crate) struct Machine {
    pub(crate) pmu: Pmu,
}

impl Machine {
    pub(crate) fn of(config: Config) -> Self {
        Self {
            pmu: Pmu::new(config).expect("a configuration that can exist"),
        }
    }

    pub(crate) fn spr() -> Self {
        Self::of(Config::sapphire_rapids())
    }

    pub(crate) fn skx() -> Self {
        Self::of(Config::skylake_x())
    }

    pub(crate) fn v2() -> Self {
        Self::of(Config {
            version: Version::V2,
            ..Config::skylake_x()
        })
    }

    /// One of each version.
    pub(crate) fn each() -> [Self; 3] {
        [Self::v2(), Self::skx(), Self::spr()]
    }

    pub(crate) fn read(&self, address: u32) -> u64 {
        self.pmu
            .rdmsr(address)
            .done()
            .expect("a register that can be read")
    }

    /// Writes, without an instruction to do it.
    pub(crate) fn write(&mut self, address: u32, value: u64) {
        assert_eq!(
            self.pmu.wrmsr(address, value),
            Access::Done(()),
            "{address:#x}: {value:#x}"
        );
    }

    /// The write raises #GP and changes nothing.
    pub(crate) fn refuses(&mut self, address: u32, value: u64) {
        let before = self.pmu.clone();
        assert_eq!(
            self.pmu.wrmsr(address, value),
            Access::GeneralProtection,
            "{address:#x}: {value:#x}"
        );
        assert_eq!(
            self.pmu, before,
            "{address:#x}: {value:#x} changed something"
        );
    }

    pub(crate) fn run(&mut self, kernel: Batch, user: Batch) {
        self.pmu.advance(&Elapsed { kernel, user });
    }

    /// Runs plain instructions in ring 0.
    pub(crate) fn kernel(&mut self, instructions: u64) {
        self.pmu.advance(&Elapsed::in_ring(
            Ring::Kernel,
            Batch::instructions(instructions),
        ));
    }

    /// Runs plain instructions in ring 3.
    pub(crate) fn user(&mut self, instructions: u64) {
        self.pmu.advance(&Elapsed::in_ring(
            Ring::User,
            Batch::instructions(instructions),
        ));
    }

    /// Programs general-purpose counter 0, enables it globally, and starts it at zero.
    pub(crate) fn count(&mut self, select: u64) {
        self.write(PMC0, 0);
        self.write(SELECT0, select | EN);
        self.write(GLOBAL_CTRL, 1);
    }

    /// The same, so many events before the overflow.
    pub(crate) fn count_before_overflow(&mut self, select: u64, events: u64) {
        self.count(select);
        self.write(A_PMC0, before_overflow(events));
    }
}

/// Plain instructions and so many branches among them.
pub(crate) fn with_branches(instructions: u64, branches: u64) -> Batch {
    Batch {
        branches,
        ..Batch::instructions(instructions)
    }
}
