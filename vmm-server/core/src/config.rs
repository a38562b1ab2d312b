//! What a VM is given, and what is left of it on this CPU.

use pmu_drv::{Counter, CounterSet, Layout, MAX_FIXED, MAX_GP};
use x86_regs::cpuid::{PerfmonEax, PerfmonEbx, PerfmonEcx, PerfmonEdx, PerfmonLeaf};
use x86_regs::pmu::PerfCapabilities;

/// What a VM is to have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VmConfig {
    /// Ticks of the guest's time-stamp counter a second, at least 1 000 000.
    pub tsc_hz: u64,
    /// Whether the APIC timer has TSC-deadline mode.
    pub tsc_deadline: bool,
    /// Its counters; `None`: it has none.
    pub pmu: Option<GuestPmu>,
}

/// The counters that the system description gives a VM, before the CPU was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PmuConfig {
    /// Version of performance monitoring: 0 (no counters), 1 or 2. More than 2 is cut to 2.
    pub version: u8,
    /// General-purpose counters, from number 0.
    pub gp_counters: u8,
    /// Fixed counters, from number 0. None with version 1.
    pub fixed_counters: u8,
    /// Whether counters can be written with their full width (PERF_CAPABILITIES exists then).
    pub full_width_write: bool,
    /// Architectural events that the guest is told not to have, although the CPU has them.
    pub hidden_events: PerfmonEbx,
}

impl Default for PmuConfig {
    /// Everything that a guest of this version can have.
    fn default() -> Self {
        Self {
            version: 2,
            gp_counters: u8::MAX,
            fixed_counters: u8::MAX,
            full_width_write: true,
            hidden_events: PerfmonEbx::new(),
        }
    }
}

/// The counters of the CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostPmu {
    /// Which, and how wide.
    pub layout: Layout,
    /// PERF_METRICS exists: RDPMC could read it, and nothing switches it.
    pub perf_metrics: bool,
    /// How many architectural events CPUID speaks of.
    pub event_count: u8,
    /// Which of those do not exist.
    pub missing_events: PerfmonEbx,
}

/// The counters that a guest sees: its configuration clamped to the CPU.
///
/// Widths are always the CPU's: a wider counter cannot be made a narrower one, since it wraps where the hardware wraps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GuestPmu {
    layout: Layout,
    full_width_write: bool,
    owns_all: bool,
    event_count: u8,
    missing_events: PerfmonEbx,
}

impl GuestPmu {
    /// What `config` comes to on `host`; `None` when no counter is left.
    #[must_use]
    pub fn clamp(config: &PmuConfig, host: &HostPmu) -> Option<Self> {
        let version = config.version.min(2).min(host.layout.version);
        let gp = leading(config.gp_counters, MAX_GP, Counter::gp, host);
        let fixed = match version {
            0 => return None,
            1 => CounterSet::EMPTY,
            _ => leading(config.fixed_counters, MAX_FIXED, Counter::fixed, host),
        };
        if gp.is_empty() {
            return None;
        }
        let counters = gp.union(fixed);
        let layout = Layout {
            counters,
            version,
            ..host.layout
        };
        Some(Self {
            layout,
            full_width_write: config.full_width_write,
            owns_all: counters == host.layout.counters && !host.perf_metrics,
            event_count: host.event_count,
            missing_events: PerfmonEbx::from_bits(
                config.hidden_events.into_bits() | host.missing_events.into_bits(),
            ),
        })
    }

    /// Which counters, how wide, and the version.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The registers of version 2 exist: GLOBAL_CTRL and its relatives, and fixed counters.
    #[must_use]
    pub const fn has_global_registers(&self) -> bool {
        self.layout.version >= 2
    }

    /// RDPMC can be let through: every counter that it could name is the guest's (row M27).
    #[must_use]
    pub const fn may_open_rdpmc(&self) -> bool {
        self.owns_all
    }

    /// PERF_CAPABILITIES, where it exists.
    #[must_use]
    pub const fn capabilities(&self) -> Option<PerfCapabilities> {
        if self.full_width_write {
            Some(PerfCapabilities::new().with_full_width_write(true))
        } else {
            None
        }
    }

    /// CPUID leaf 0xA.
    #[must_use]
    pub fn leaf(&self) -> PerfmonLeaf {
        let fixed = u8::try_from(self.fixed().len()).unwrap_or(0);
        PerfmonLeaf {
            eax: PerfmonEax::new()
                .with_version(self.layout.version)
                .with_gp_counters(u8::try_from(self.gp().len()).unwrap_or(0))
                .with_gp_width(self.layout.gp_width)
                .with_event_count(self.event_count),
            ebx: self.missing_events,
            ecx: PerfmonEcx::new(),
            edx: PerfmonEdx::new()
                .with_fixed_counters(fixed)
                .with_fixed_width(if fixed == 0 {
                    0
                } else {
                    self.layout.fixed_width
                })
                .with_any_thread_deprecated(true),
        }
    }

    /// The general-purpose counters.
    #[must_use]
    pub fn gp(&self) -> CounterSet {
        bank(MAX_GP, Counter::gp).intersection(self.layout.counters)
    }

    fn fixed(&self) -> CounterSet {
        bank(MAX_FIXED, Counter::fixed).intersection(self.layout.counters)
    }
}

/// The first `wanted` counters of a bank, up to the first that the CPU has not.
fn leading(wanted: u8, most: usize, name: fn(u8) -> Option<Counter>, host: &HostPmu) -> CounterSet {
    indices(most)
        .take(usize::from(wanted))
        .map_while(|i| name(i).filter(|&counter| host.layout.has(counter)))
        .fold(CounterSet::EMPTY, CounterSet::with)
}

fn bank(most: usize, name: fn(u8) -> Option<Counter>) -> CounterSet {
    indices(most)
        .filter_map(name)
        .fold(CounterSet::EMPTY, CounterSet::with)
}

fn indices(most: usize) -> impl Iterator<Item = u8> {
    (0..u8::MAX).take(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(counters: u64) -> HostPmu {
        HostPmu {
            layout: Layout {
                counters: CounterSet::from_bits(counters),
                gp_width: 48,
                fixed_width: 48,
                version: 5,
            },
            perf_metrics: false,
            event_count: 8,
            missing_events: PerfmonEbx::new(),
        }
    }

    fn clamp(config: PmuConfig, host: &HostPmu) -> Option<GuestPmu> {
        GuestPmu::clamp(&config, host)
    }

    #[test]
    fn a_guest_gets_what_the_cpu_has_when_nobody_says_less() {
        let guest = clamp(PmuConfig::default(), &host(0x7_0000_00ff)).unwrap();
        assert_eq!(guest.layout().counters.bits(), 0x7_0000_00ff);
        assert_eq!(guest.layout().version, 2);
        assert!(guest.may_open_rdpmc());
        let [eax, ebx, ecx, edx] = guest.leaf().into();
        assert_eq!((eax, ebx, ecx, edx), (0x0830_0802, 0, 0, 0x8603));
    }

    #[test]
    fn a_guest_with_fewer_counters_than_the_cpu_may_not_use_rdpmc_directly() {
        let few = PmuConfig {
            gp_counters: 4,
            ..PmuConfig::default()
        };
        let guest = clamp(few, &host(0x7_0000_00ff)).unwrap();
        assert_eq!(guest.layout().counters.bits(), 0x7_0000_000f);
        assert!(!guest.may_open_rdpmc());
        let metrics = HostPmu {
            perf_metrics: true,
            ..host(0x7_0000_00ff)
        };
        assert!(
            !clamp(PmuConfig::default(), &metrics)
                .unwrap()
                .may_open_rdpmc()
        );
    }

    #[test]
    fn counters_beyond_a_gap_are_not_given() {
        let guest = clamp(PmuConfig::default(), &host(0xb_0000_00ff)).unwrap();
        assert_eq!(guest.layout().counters.bits(), 0x3_0000_00ff);
    }

    #[test]
    fn version_0_means_no_pmu_and_version_1_no_fixed_counters() {
        let version = |version| PmuConfig {
            version,
            ..PmuConfig::default()
        };
        assert_eq!(clamp(version(0), &host(0x7_0000_00ff)), None);
        assert_eq!(clamp(PmuConfig::default(), &host(0x7_0000_0000)), None);
        let one = clamp(version(1), &host(0x7_0000_00ff)).unwrap();
        assert_eq!(one.layout().counters.bits(), 0xff);
        assert!(!one.has_global_registers());
        assert_eq!(clamp(version(9), &host(0x1)).unwrap().layout().version, 2);
    }

    #[test]
    fn an_event_is_missing_if_the_cpu_or_the_configuration_says_so() {
        let config = PmuConfig {
            hidden_events: PerfmonEbx::new().with_no_llc_misses(true),
            ..PmuConfig::default()
        };
        let host = HostPmu {
            missing_events: PerfmonEbx::new().with_no_topdown_slots(true),
            ..host(0x7_0000_00ff)
        };
        assert_eq!(clamp(config, &host).unwrap().leaf().ebx.into_bits(), 0x90);
    }
}
