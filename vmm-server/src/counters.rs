//! What the CPU's counters come to for the guest.

use idl::pmu::Description;
use pmu_drv::{Counter, CounterSet, Layout};
use vmm_server_core::{GuestPmu, HostPmu, PmuConfig};
use x86_regs::cpuid::{CpuidAnswer, CpuidLeaf, PerfmonLeaf};

/// The guest's counters: everything that a guest can have. `None`: the CPU has none that can be handed over.
pub(crate) fn of_guest(host: &Description) -> Option<GuestPmu> {
    let counters = CounterSet::from_bits(host.counters);
    if counters.is_empty() {
        return None;
    }
    let leaf: PerfmonLeaf = cpuid(PerfmonLeaf::LEAF, PerfmonLeaf::SUBLEAF).into();
    let host = HostPmu {
        layout: Layout {
            counters,
            gp_width: u8::try_from(host.gp_width).ok()?,
            fixed_width: u8::try_from(host.fixed_width).ok()?,
            version: u8::try_from(host.version).ok()?,
        },
        // Every CPU that has PERF_METRICS counts slots, with fixed counter 3; ring 3 cannot read more.
        perf_metrics: Counter::fixed(3).is_some_and(|slots| counters.has(slots)),
        event_count: leaf.eax.event_count(),
        missing_events: leaf.ebx,
    };
    GuestPmu::clamp(&PmuConfig::default(), &host)
}

/// CPUID of the CPU itself.
pub(crate) fn cpuid(leaf: u32, subleaf: u32) -> CpuidAnswer {
    let answer = core::arch::x86_64::__cpuid_count(leaf, subleaf);
    [answer.eax, answer.ebx, answer.ecx, answer.edx]
}
