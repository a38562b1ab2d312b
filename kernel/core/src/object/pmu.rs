//! One CPU's counters, and the rights of VMs to them.

use lease::{Arbiter, Ticks};
use pmu_drv::{CounterSet, CpuPmu, Layout, Operations, PmuContext};

use super::{InterruptTarget, ThreadId, VcpuId};
use crate::arch::CpuId;
use crate::arch::mm::PageRef;
use crate::arch::pmu::{Port, Unsupported};
use crate::cap::SlotId;

/// One CPU's counters: whose they are, and what the host wants of them.
#[derive(Debug)]
pub(crate) struct PmuControl {
    /// The CPU.
    pub(crate) cpu: CpuId,
    /// The counters, from the moment when the CPU starts, if they can be handed over.
    pub(crate) counters: Option<CpuPmu<Port>>,
    /// Why they cannot.
    pub(crate) unsupported: Option<Unsupported>,
    /// Whose they are.
    pub(crate) arbiter: Arbiter,
    /// The host's.
    pub(crate) host: PmuContext,
    /// Counters of the host that run on while a guest runs.
    pub(crate) including_guests: CounterSet,
    /// Who says what the host wants; `None` once it died.
    pub(crate) server: Option<Server>,
    /// Whom puts and samples signal.
    pub(crate) target: Option<InterruptTarget>,
    /// The last guests that were loaded with an even and an odd number, whose PMIs may still come.
    pub(crate) loaded: [Option<VcpuId>; 2],
    /// Ticks of the time-stamp counter a second.
    pub(crate) tsc_hz: u64,
    /// What the arbiter does not count.
    pub(crate) tally: Tally,
    /// Where everybody reads the account.
    pub(crate) page: PageRef,
}

/// Who uses a CPU's counters for the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Server {
    /// The thread.
    pub(crate) thread: ThreadId,
    /// The capability that it used last.
    pub(crate) slot: SlotId,
}

/// Numbers for the account.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Tally {
    /// Of the page: odd while it is written.
    pub(crate) generation: u64,
    /// When a guest was loaded last.
    pub(crate) loaded_at: u64,
    /// What the last load took.
    pub(crate) last_load: Operations,
    /// What the last put took.
    pub(crate) last_put: Operations,
    /// What the last replacement took.
    pub(crate) last_replace: Operations,
    /// VM exits.
    pub(crate) exits: u64,
    /// PMIs of resident guests.
    pub(crate) guest_pmis: u64,
    /// PMIs of guests that were not resident any more.
    pub(crate) late_pmis: u64,
    /// Instructions that software completed for guests.
    pub(crate) emulated: u64,
}

/// The right of one VM to one CPU's counters.
#[derive(Debug)]
pub(crate) struct PmuLease {
    /// Armed or not.
    pub(crate) lease: lease::Lease,
    /// The CPU; `None` for one that does not exist, where nobody can arm it.
    pub(crate) cpu: Option<CpuId>,
    /// Badge of the calls of the task that enters the VM's vCPUs there.
    pub(crate) vmm_badge: u16,
}

/// A slice that nobody has set: long enough to be worth a switch, short enough for a profiler. µs.
const FIRST_SLICE_US: u64 = 1000;

impl PmuControl {
    /// A CPU that has not started.
    pub(crate) fn new(cpu: CpuId, page: PageRef, tsc_hz: u64) -> Self {
        Self {
            cpu,
            counters: None,
            unsupported: None,
            arbiter: Arbiter::new(tsc_hz / 1_000_000 * FIRST_SLICE_US),
            host: PmuContext::new(),
            including_guests: CounterSet::EMPTY,
            server: None,
            target: None,
            loaded: [None; 2],
            tsc_hz,
            tally: Tally::default(),
            page,
        }
    }

    /// What the CPU has; `None` where nothing can be handed over.
    pub(crate) fn layout(&self) -> Option<Layout> {
        self.counters.as_ref().map(|counters| *counters.layout())
    }

    /// Whose context is on the counters; `None`: the host's.
    pub(crate) fn resident(&self) -> Option<VcpuId> {
        match self.arbiter.resident() {
            lease::Resident::Guest { context, .. } => VcpuId::of_context(context),
            lease::Resident::Host => None,
        }
    }

    /// Ticks for which guests were resident, up to `now`.
    pub(crate) fn guest_time(&self, now: Ticks) -> u64 {
        let before = self.arbiter.account().guest_time;
        match self.arbiter.resident() {
            lease::Resident::Guest { since, .. } => before + now.since(since),
            lease::Resident::Host => before,
        }
    }

    /// Whether the number of the present, or last, residency is odd.
    pub(crate) fn is_odd(&self) -> bool {
        self.arbiter.account().loads & 1 == 1
    }
}
