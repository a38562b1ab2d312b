//! Which counters a CPU has, and whether they can be handed over at all.

use core::fmt;

use x86_regs::cpuid::{PerfmonEax, PerfmonEcx, PerfmonEdx};
use x86_regs::pmu::PerfCapabilities;

use crate::counters::{Counter, CounterSet, MAX_FIXED, MAX_GP};

/// Why this CPU's counters cannot be handed to a guest. Host profiling may still work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unsupported {
    /// CPUID leaf 0xA says version 0: there are no counters.
    NoPmu,
    /// Version 1 to 3: GLOBAL_STATUS cannot be set, so an overflow cannot be given back to a guest.
    Version(u8),
    /// Counters can only be written with 32 bits, so a saved value cannot be restored.
    NoFullWidthWrite,
    /// Counters wider than 63 or narrower than 32 bits: not a CPU that this driver knows.
    Width(u8),
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPmu => write!(f, "the CPU has no performance counters (CPUID 0xA is zero)"),
            Self::Version(v) => {
                write!(
                    f,
                    "the CPU has PerfMon version {v}; handing counters over takes version 4"
                )
            }
            Self::NoFullWidthWrite => {
                write!(f, "the CPU cannot write counters with their full width")
            }
            Self::Width(w) => write!(f, "the CPU says that its counters have {w} bits"),
        }
    }
}

/// The counters of one CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Counters that exist and that this driver handles.
    pub counters: CounterSet,
    /// Width of a general-purpose counter in bits.
    pub gp_width: u8,
    /// Width of a fixed counter in bits.
    pub fixed_width: u8,
    /// PerfMon version.
    pub version: u8,
}

impl Layout {
    /// What CPUID leaf 0xA and PERF_CAPABILITIES (zero without PDCM) say.
    ///
    /// Counters beyond [`MAX_GP`] and [`MAX_FIXED`] are left alone: they stay disabled for ever.
    ///
    /// # Errors
    /// [`Unsupported`], when a context could not be saved and restored exactly.
    pub fn describe(
        eax: PerfmonEax,
        ecx: PerfmonEcx,
        edx: PerfmonEdx,
        capabilities: PerfCapabilities,
    ) -> Result<Self, Unsupported> {
        match eax.version() {
            0 => return Err(Unsupported::NoPmu),
            version @ 1..=3 => return Err(Unsupported::Version(version)),
            _ => {}
        }
        if !capabilities.full_width_write() {
            return Err(Unsupported::NoFullWidthWrite);
        }
        let has_fixed = edx.fixed_counters() > 0 || ecx.fixed_bitmap() > 0;
        for (width, exists) in [(eax.gp_width(), true), (edx.fixed_width(), has_fixed)] {
            if exists && !(32..=63).contains(&width) {
                return Err(Unsupported::Width(width));
            }
        }
        let gp = ones(eax.gp_counters().min(8)) & ones(8);
        let by_number = ones(edx.fixed_counters());
        let fixed = if eax.version() >= 5 {
            by_number | u64::from(ecx.fixed_bitmap())
        } else {
            by_number
        };
        Ok(Self {
            counters: CounterSet::from_bits(gp | fixed << 32),
            gp_width: eax.gp_width(),
            fixed_width: edx.fixed_width(),
            version: eax.version(),
        })
    }

    /// The bits that `counter` can hold.
    #[must_use]
    pub const fn mask(&self, counter: Counter) -> u64 {
        let width = match counter.split() {
            crate::counters::Split::Gp(_) => self.gp_width,
            crate::counters::Split::Fixed(_) => self.fixed_width,
        };
        (1 << width) - 1
    }

    /// Whether the CPU has `counter`.
    #[must_use]
    pub const fn has(&self, counter: Counter) -> bool {
        self.counters.has(counter)
    }
}

const fn ones(count: u8) -> u64 {
    if count >= 32 {
        u32::MAX as u64
    } else {
        (1 << count) - 1
    }
}

const _: () = assert!(MAX_GP + MAX_FIXED == 12);

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(
        version: u8,
        gp: u8,
        fixed: u8,
        bitmap: u32,
        full_width: bool,
    ) -> Result<Layout, Unsupported> {
        Layout::describe(
            PerfmonEax::new()
                .with_version(version)
                .with_gp_counters(gp)
                .with_gp_width(48),
            PerfmonEcx::new().with_fixed_bitmap(bitmap),
            PerfmonEdx::new()
                .with_fixed_counters(fixed)
                .with_fixed_width(48),
            PerfCapabilities::new().with_full_width_write(full_width),
        )
    }

    #[test]
    fn only_a_cpu_that_can_restore_a_context_exactly_is_accepted() {
        assert_eq!(describe(0, 0, 0, 0, false), Err(Unsupported::NoPmu));
        assert_eq!(describe(2, 8, 3, 0, true), Err(Unsupported::Version(2)));
        assert_eq!(describe(3, 8, 3, 0, true), Err(Unsupported::Version(3)));
        assert_eq!(
            describe(4, 8, 3, 0, false),
            Err(Unsupported::NoFullWidthWrite)
        );
        assert_eq!(
            describe(4, 4, 3, 0, true).map(|l| l.counters.bits()),
            Ok(0x7_0000_000f)
        );
    }

    #[test]
    fn version_5_adds_the_bitmap_to_the_number_and_version_4_ignores_it() {
        assert_eq!(
            describe(5, 8, 1, 0b1000, true).map(|l| l.counters.bits()),
            Ok(0x9_0000_00ff)
        );
        assert_eq!(
            describe(4, 8, 1, 0b1000, true).map(|l| l.counters.bits()),
            Ok(0x1_0000_00ff)
        );
    }

    #[test]
    fn counters_that_the_driver_does_not_know_are_left_out() {
        assert_eq!(
            describe(5, 10, 7, 0, true).map(|l| l.counters.bits()),
            Ok(0xf_0000_00ff)
        );
    }
}
