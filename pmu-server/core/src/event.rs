//! What a client asks to be counted.

use pmu_drv::{Alleged, Counter, Layout, check_selector};
use x86_regs::pmu::{EventSelect, FixedField, PerfEvtSel};

use crate::error::{EventError, Field};

/// Number of an event in its CPU's table. Another client's number is refused like one that does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventId(pub u8);

/// Who asks: the badge of its capability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientId(pub u64);

/// The thing that is counted. Names as in `perf_event_open(2)`'s hardware events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// Instructions retired.
    Instructions,
    /// Core cycles while not halted.
    Cycles,
    /// Reference cycles while not halted.
    ReferenceCycles,
    /// Branch instructions retired.
    Branches,
    /// Selector bits of the client's choice: event, unit mask, edge, invert, counter mask.
    Raw(u32),
}

/// Rings in which it is counted. At least one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rings {
    /// Ring 0.
    pub kernel: bool,
    /// Ring 3.
    pub user: bool,
}

/// How the event relates to guests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Guests {
    /// Off the counters while a guest is resident; its times stand still then. The default.
    Exclude,
    /// Must see guests too: cannot share a CPU with a VM that holds a lease.
    Include,
    /// Counts whenever no guest is resident, and reports for how long it could not.
    IncludeWhenPossible,
}

/// A request to count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventSpec {
    /// What.
    pub what: What,
    /// Where.
    pub rings: Rings,
    /// With guests or without.
    pub guests: Guests,
    /// Take a sample each time so many were counted; `None`: only count.
    pub period: Option<u64>,
}

impl EventSpec {
    /// Whether it could ever be counted on a CPU of `layout`.
    ///
    /// # Errors
    /// [`EventError::Invalid`] names the field; [`EventError::NoCounter`] when no counter will do.
    pub fn check(&self, layout: &Layout) -> Result<(), EventError> {
        if !self.rings.kernel && !self.rings.user {
            return Err(EventError::Invalid(Field::Rings));
        }
        if let What::Raw(bits) = self.what {
            // Rings, interrupt and enable are the server's to set.
            let owned = PerfEvtSel::new()
                .with_user(true)
                .with_kernel(true)
                .with_interrupt(true)
                .with_enable(true);
            let alleged = Alleged(u64::from(bits));
            if check_selector(alleged).is_err() || u64::from(bits) & owned.into_bits() != 0 {
                return Err(EventError::Invalid(Field::Raw));
            }
        }
        let widest = layout
            .counters
            .iter()
            .filter(|&c| self.fits(c))
            .map(|c| layout.mask(c))
            .max();
        let widest = widest.ok_or(EventError::NoCounter)?;
        match self.period {
            Some(period) if period == 0 || period > widest >> 1 => {
                Err(EventError::Invalid(Field::Period))
            }
            _ => Ok(()),
        }
    }

    /// Whether `counter` can count it.
    #[must_use]
    pub fn fits(&self, counter: Counter) -> bool {
        match fixed_index(counter) {
            None => true,
            Some(index) => self.fixed_counter() == Some(index),
        }
    }

    /// The fixed counter that counts it and nothing else.
    #[must_use]
    pub const fn fixed_counter(&self) -> Option<u8> {
        match self.what {
            What::Instructions => Some(0),
            What::Cycles => Some(1),
            What::ReferenceCycles => Some(2),
            What::Branches | What::Raw(_) => None,
        }
    }

    /// The selector of a general-purpose counter that counts it.
    #[must_use]
    pub fn selector(&self) -> PerfEvtSel {
        let base = match self.what {
            What::Instructions => PerfEvtSel::new().with_event(EventSelect::INSTRUCTIONS),
            What::Cycles => PerfEvtSel::new().with_event(EventSelect::CYCLES),
            What::ReferenceCycles => PerfEvtSel::new().with_event(EventSelect::REFERENCE_CYCLES),
            What::Branches => PerfEvtSel::new().with_event(EventSelect::BRANCHES),
            What::Raw(bits) => PerfEvtSel::from(u64::from(bits)),
        };
        base.with_kernel(self.rings.kernel)
            .with_user(self.rings.user)
            .with_interrupt(self.period.is_some())
            .with_enable(true)
    }

    /// What a counter with the bits of `mask` starts from: an overflow comes after one period.
    #[must_use]
    pub fn start(&self, mask: u64) -> u64 {
        self.period.map_or(0, |period| period.wrapping_neg() & mask)
    }

    /// The field of FIXED_CTR_CTRL that counts it.
    #[must_use]
    pub fn fixed_field(&self) -> FixedField {
        FixedField::new()
            .with_kernel(self.rings.kernel)
            .with_user(self.rings.user)
            .with_interrupt(self.period.is_some())
    }
}

/// Where `counter` stands in [`crate::CounterReading`] and [`crate::HostImage::starts`].
pub(crate) fn position(counter: Counter) -> usize {
    match (gp_index(counter), fixed_index(counter)) {
        (Some(i), _) => usize::from(i),
        (None, Some(i)) => 8 + usize::from(i),
        // Every counter belongs to one of the two banks; this is past the end of every array.
        (None, None) => usize::MAX,
    }
}

/// The number of a fixed counter in its bank, `None` for a general-purpose one.
pub(crate) fn fixed_index(counter: Counter) -> Option<u8> {
    (0..4).find(|&i| Counter::fixed(i) == Some(counter))
}

/// The number of a general-purpose counter in its bank, `None` for a fixed one.
pub(crate) fn gp_index(counter: Counter) -> Option<u8> {
    (0..8).find(|&i| Counter::gp(i) == Some(counter))
}
