//! Which values may reach a PMU register at all: default deny, all 64 bits.
//!
//! A value from a guest or a server is an [`Alleged`] one until a function here has turned it into a register. What the
//! CPU has is not enough: a bit must also be on this project's list. Not on it, whatever CPUID says: AnyThread (counts the
//! sibling's work), pin control, transactional bits, PERF_METRICS, and anything of PEBS, BTS or LBR
//! (hardware writing to addresses of the owner's choice).

use core::fmt;

use x86_regs::pmu::{FixedCtrCtrl, FixedField, PerfEvtSel, PerfGlobalCtrl};

use crate::counters::{Counter, CounterSet};
use crate::layout::Layout;

/// A register value that somebody claims to be good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alleged(pub u64);

/// Bits of an alleged value that are not allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The offending bits.
    pub bits: u64,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bits {:#x} may not be set", self.bits)
    }
}

fn within(alleged: Alleged, allowed: u64) -> Result<u64, Refused> {
    match alleged.0 & !allowed {
        0 => Ok(alleged.0),
        bits => Err(Refused { bits }),
    }
}

/// A selector of a general-purpose counter.
///
/// # Errors
/// [`Refused`] names the bits beyond event, unit mask, USR, OS, edge, INT, EN, invert and counter mask.
pub fn check_selector(alleged: Alleged) -> Result<PerfEvtSel, Refused> {
    const ALLOWED: PerfEvtSel = PerfEvtSel::new()
        .with_event(x86_regs::pmu::EventSelect(u16::MAX))
        .with_user(true)
        .with_kernel(true)
        .with_edge(true)
        .with_interrupt(true)
        .with_enable(true)
        .with_invert(true)
        .with_counter_mask(u8::MAX);
    within(alleged, ALLOWED.into_bits()).map(PerfEvtSel::from)
}

/// FIXED_CTR_CTRL on a CPU with the counters of `layout`, for an owner that is given `counters`.
///
/// # Errors
/// [`Refused`] names the bits of counters that the owner has not, and of any field but USR, OS and PMI.
pub fn check_fixed_control(
    alleged: Alleged,
    counters: CounterSet,
) -> Result<FixedCtrCtrl, Refused> {
    const FIELD: FixedField = FixedField::new()
        .with_kernel(true)
        .with_user(true)
        .with_interrupt(true);
    let allowed = (0..4_u8)
        .filter(|&i| Counter::fixed(i).is_some_and(|counter| counters.has(counter)))
        .fold(FixedCtrCtrl::new(), |all, i| {
            all.with_field(u32::from(i), FIELD)
        });
    within(alleged, allowed.into_bits()).map(FixedCtrCtrl::from)
}

/// GLOBAL_CTRL for an owner that is given `counters`.
///
/// # Errors
/// [`Refused`] names the bits of counters that the owner has not.
pub fn check_global_control(
    alleged: Alleged,
    counters: CounterSet,
) -> Result<PerfGlobalCtrl, Refused> {
    within(alleged, counters.bits()).map(PerfGlobalCtrl::from)
}

/// A value for `counter`.
///
/// # Errors
/// [`Refused`] names the bits beyond the counter's width.
pub fn check_counter(alleged: Alleged, counter: Counter, layout: &Layout) -> Result<u64, Refused> {
    within(alleged, layout.mask(counter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_selector_bit_is_allowed_or_refused_by_the_list() {
        // Bits 19 (PC) and 21 (AnyThread) lie inside the low 32, bits from 32 on outside the register.
        for bit in 0..64 {
            let refused = matches!(bit, 19 | 21 | 32..);
            let expected = if refused {
                Err(Refused { bits: 1 << bit })
            } else {
                Ok(PerfEvtSel::from(1 << bit))
            };
            assert_eq!(check_selector(Alleged(1 << bit)), expected, "bit {bit}");
        }
    }

    #[test]
    fn every_fixed_control_bit_is_allowed_or_refused_by_the_list() {
        let two = CounterSet::from_bits(0x3_0000_0000);
        for bit in 0..64 {
            // Two fields of four bits; bit 2 of a field is AnyThread.
            let good = bit < 8 && bit % 4 != 2;
            assert_eq!(
                check_fixed_control(Alleged(1 << bit), two).is_ok(),
                good,
                "bit {bit}"
            );
        }
    }

    #[test]
    fn global_control_has_the_bits_of_the_owners_counters_and_no_others() {
        let own = CounterSet::from_bits(0x1_0000_0003);
        for bit in 0..64 {
            let good = matches!(bit, 0 | 1 | 32);
            assert_eq!(
                check_global_control(Alleged(1 << bit), own).is_ok(),
                good,
                "bit {bit}"
            );
        }
    }
}
