//! Names for counters, and sets of them.
//!
//! Numbers are bit positions of GLOBAL_CTRL, as the manual numbers counters everywhere but in RDPMC:
//! general-purpose counters from 0, fixed ones from 32.

use x86_regs::pmu::PerfGlobalCtrl;

/// General-purpose counters at most.
pub const MAX_GP: usize = 8;
/// Fixed counters at most.
pub const MAX_FIXED: usize = 4;

const FIXED_BASE: u8 = 32;

/// One counter that this driver can name. It need not exist on the CPU: see [`Layout`](crate::Layout).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Counter(u8);

impl Counter {
    /// General-purpose counter `index`, or `None` from [`MAX_GP`] on.
    #[must_use]
    pub const fn gp(index: u8) -> Option<Self> {
        if (index as usize) < MAX_GP {
            Some(Self(index))
        } else {
            None
        }
    }

    /// Fixed counter `index`, or `None` from [`MAX_FIXED`] on.
    #[must_use]
    pub const fn fixed(index: u8) -> Option<Self> {
        if (index as usize) < MAX_FIXED {
            Some(Self(FIXED_BASE + index))
        } else {
            None
        }
    }

    /// The counter that RDPMC names with `ecx`. Type 0 is general-purpose, type 0x4000 fixed; nothing else is a counter.
    /// SDM vol. 2B, "RDPMC".
    #[must_use]
    pub fn from_rdpmc(ecx: u32) -> Option<Self> {
        let index = u8::try_from(ecx & 0xffff).ok()?;
        match ecx >> 16 {
            0 => Self::gp(index),
            0x4000 => Self::fixed(index),
            _ => None,
        }
    }

    /// What RDPMC takes in ECX for it.
    #[must_use]
    pub const fn rdpmc(self) -> u32 {
        match self.split() {
            Split::Gp(i) => i as u32,
            Split::Fixed(i) => 1 << 30 | i as u32,
        }
    }

    /// Which bank it belongs to, and its number there.
    #[must_use]
    pub(crate) const fn split(self) -> Split {
        if self.0 < FIXED_BASE {
            Split::Gp(self.0)
        } else {
            Split::Fixed(self.0 - FIXED_BASE)
        }
    }

    /// Position in an array of all counters: general-purpose ones first.
    pub const fn position(self) -> usize {
        match self.split() {
            Split::Gp(i) => i as usize,
            Split::Fixed(i) => MAX_GP + i as usize,
        }
    }
}

/// A counter as its bank and its number there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Split {
    Gp(u8),
    Fixed(u8),
}

/// A set of counters, one bit each as in GLOBAL_CTRL.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CounterSet(u64);

impl CounterSet {
    /// No counter.
    pub const EMPTY: Self = Self(0);
    const NAMEABLE: u64 = ((1 << MAX_GP) - 1) | (((1 << MAX_FIXED) - 1) << FIXED_BASE);

    /// The counters whose bits are set in `bits`; bits that name none are dropped.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & Self::NAMEABLE)
    }

    /// One bit for each counter.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The counters that `control` lets run.
    #[must_use]
    pub const fn running(control: PerfGlobalCtrl) -> Self {
        Self::from_bits(control.into_bits())
    }

    /// Whether `counter` belongs to it.
    #[must_use]
    pub const fn has(self, counter: Counter) -> bool {
        self.0 >> counter.0 & 1 == 1
    }

    /// Whether it is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// With `counter`.
    #[must_use]
    pub const fn with(self, counter: Counter) -> Self {
        Self(self.0 | 1 << counter.0)
    }

    /// Without `counter`.
    #[must_use]
    pub const fn without(self, counter: Counter) -> Self {
        Self(self.0 & !(1 << counter.0))
    }

    /// Counters of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Counters of both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Counters of this one that are not of the other.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// How many counters it has.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Its counters, general-purpose ones first.
    pub fn iter(self) -> impl Iterator<Item = Counter> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let lowest = u8::try_from(rest.trailing_zeros())
                .ok()
                .filter(|&bit| bit < 64)?;
            rest &= rest - 1;
            Some(Counter(lowest))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rdpmc_names_lead_back_to_their_counter_and_others_to_none() {
        for bits in [0, 7, 32, 35] {
            let counter = Counter(bits);
            assert_eq!(Counter::from_rdpmc(counter.rdpmc()), Some(counter));
        }
        for stranger in [8, 0x4000_0004, 0x2000_0000, 0x8000_0000, u32::MAX] {
            assert_eq!(Counter::from_rdpmc(stranger), None, "{stranger:#x}");
        }
    }

    #[test]
    fn a_set_lists_its_counters_in_order() {
        let set = CounterSet::from_bits(1 << 34 | 1 << 32 | 0b101);
        let listed: Vec<_> = set.iter().map(Counter::rdpmc).collect();
        assert_eq!(listed, [0, 2, 1 << 30, 1 << 30 | 2]);
        assert_eq!(CounterSet::from_bits(u64::MAX).len(), 12);
    }
}
