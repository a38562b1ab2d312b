//! The two structures that cross the interface, as C lays them out.
//!
//! Index 0 of every pair is ring 0, index 1 is rings 1 to 3.

use pmu_model::{Allowance, Batch, Budget, Elapsed};

/// What retired since the last report. An event that is not wanted may stay zero.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Instructions.
    pub instructions: [u64; 2],
    /// Branches among them.
    pub branches: [u64; 2],
    /// Mispredicted branches among them.
    pub branch_misses: [u64; 2],
    /// Instructions that referred to the last-level cache.
    pub llc_references: [u64; 2],
    /// Instructions that missed it.
    pub llc_misses: [u64; 2],
}

/// How much may retire before the next report.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Limits {
    /// Instructions.
    pub instructions: [i64; 2],
    /// Branches.
    pub branches: [i64; 2],
    /// Mispredicted branches.
    pub branch_misses: [i64; 2],
    /// Instructions that refer to the last-level cache.
    pub llc_references: [i64; 2],
    /// Instructions that miss it.
    pub llc_misses: [i64; 2],
    /// The events to observe: branches 1, branch misses 2, references 4, misses 8.
    pub wanted: u32,
}

impl Counts {
    /// The report in the model's words.
    #[must_use]
    pub fn elapsed(&self) -> Elapsed {
        let Self {
            instructions,
            branches,
            branch_misses,
            llc_references,
            llc_misses,
        } = *self;
        let [kernel, user] = [0, 1].map(|ring: usize| Batch {
            instructions: of(instructions, ring),
            branches: of(branches, ring),
            branch_misses: of(branch_misses, ring),
            llc_references: of(llc_references, ring),
            llc_misses: of(llc_misses, ring),
        });
        Elapsed { kernel, user }
    }
}

fn of([kernel, user]: [u64; 2], ring: usize) -> u64 {
    if ring == 0 { kernel } else { user }
}

impl From<Budget> for Limits {
    fn from(budget: Budget) -> Self {
        let Budget {
            kernel,
            user,
            wanted,
        } = budget;
        let pair = |f: fn(&Allowance) -> i64| [f(&kernel), f(&user)];
        Self {
            instructions: pair(|allowance| allowance.instructions),
            branches: pair(|allowance| allowance.branches),
            branch_misses: pair(|allowance| allowance.branch_misses),
            llc_references: pair(|allowance| allowance.llc_references),
            llc_misses: pair(|allowance| allowance.llc_misses),
            wanted: wanted.bits(),
        }
    }
}

#[cfg(test)]
mod tests {
    use pmu_model::{Config, Pmu};

    use super::*;

    #[test]
    fn a_report_keeps_rings_and_events_apart() {
        let counts = Counts {
            instructions: [1, 2],
            branches: [3, 4],
            branch_misses: [5, 6],
            llc_references: [7, 8],
            llc_misses: [9, 10],
        };
        let Elapsed { kernel, user } = counts.elapsed();
        let flat = |b: Batch| {
            [
                b.instructions,
                b.branches,
                b.branch_misses,
                b.llc_references,
                b.llc_misses,
            ]
        };
        assert_eq!(flat(kernel), [1, 3, 5, 7, 9]);
        assert_eq!(flat(user), [2, 4, 6, 8, 10]);
    }

    #[test]
    fn limits_keep_rings_and_events_apart() {
        let mut pmu = Pmu::new(Config::sapphire_rapids()).expect("a valid processor");
        // Fixed counter 0: ring 0 only, with interrupt, 5 from its overflow; counter 0:
        // branches in the other rings, with interrupt, 9 from its overflow.
        for (index, value) in [
            (0x38d, 0x9),
            (0x309, (1 << 48) - 5),
            (0x186, 0x0051_00c4),
            (0x4c1, (1 << 48) - 9),
            (0x38f, 1 << 32 | 1),
        ] {
            assert_eq!(
                pmu.wrmsr(index, value),
                pmu_model::Access::Done(()),
                "{index:#x}"
            );
        }
        let limits = Limits::from(pmu.budget());
        let unlimited = pmu_model::UNLIMITED;
        assert_eq!(limits.instructions, [5, unlimited]);
        assert_eq!(limits.branches, [unlimited, 9]);
        assert_eq!(limits.wanted, 1);
    }
}
