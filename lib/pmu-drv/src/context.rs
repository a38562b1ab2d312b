//! A saved register image: one per vCPU, one per CPU for the host.

use x86_regs::pmu::{
    EventSelect, FixedCtrCtrl, FixedField, GlobalStatus, PerfEvtSel, PerfGlobalCtrl,
};

use crate::counters::{Counter, CounterSet, MAX_FIXED, MAX_GP, Split};
use crate::port::Ring;

/// The PMU of one owner while somebody else's is in the registers.
///
/// Holds what the *hardware* is to be given. What a guest believes its selectors to be
/// is the VMM's business; a filtered event differs.
///
/// All values have passed the checks of [`crate::check_selector`] and its siblings; that is the caller's duty, and a
/// port may rely on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PmuContext {
    pub(crate) values: [u64; MAX_GP + MAX_FIXED],
    pub(crate) selectors: [PerfEvtSel; MAX_GP],
    pub(crate) fixed_control: FixedCtrCtrl,
    pub(crate) global_control: PerfGlobalCtrl,
    pub(crate) status: GlobalStatus,
    pub(crate) opened: CounterSet,
    /// What the selectors and FIXED_CTR_CTRL enable. Kept, because every exit asks and few writes change it.
    enabled: CounterSet,
}

impl PmuContext {
    /// Nothing enabled, every counter zero, nothing running.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            values: [0; MAX_GP + MAX_FIXED],
            selectors: [PerfEvtSel::new(); MAX_GP],
            fixed_control: FixedCtrCtrl::new(),
            global_control: PerfGlobalCtrl::new(),
            status: GlobalStatus::new(),
            opened: CounterSet::EMPTY,
            enabled: CounterSet::EMPTY,
        }
    }

    /// Counters with EN in their selector, or a ring in their fixed field. GLOBAL_CTRL does not matter:
    /// a guest writes it without an exit, and it resets to all ones.
    #[must_use]
    pub const fn enabled(&self) -> CounterSet {
        self.enabled
    }

    /// Counters whose values must be in the registers while this context is resident:
    /// the enabled ones and those its owner may read and write directly.
    #[must_use]
    pub fn live(&self) -> CounterSet {
        self.enabled().union(self.opened)
    }

    /// Nothing is enabled: all values live here, and the owner needs no lease.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.enabled().is_empty()
    }

    /// The saved value of `counter`. Stale while this context is resident and the counter live.
    #[must_use]
    pub fn value(&self, counter: Counter) -> u64 {
        self.values.get(counter.position()).copied().unwrap_or(0)
    }

    /// Replaces the saved value. For a context that is not resident.
    pub fn set_value(&mut self, counter: Counter, value: u64) {
        if let Some(slot) = self.values.get_mut(counter.position()) {
            *slot = value;
        }
    }

    /// The hardware copy of selector `index`; zero for one that cannot exist.
    #[must_use]
    pub fn selector(&self, index: u8) -> PerfEvtSel {
        self.selectors
            .get(usize::from(index))
            .copied()
            .unwrap_or_default()
    }

    /// Replaces the hardware copy. For a context that is not resident.
    pub fn set_selector(&mut self, index: u8, selector: PerfEvtSel) {
        if let Some(slot) = self.selectors.get_mut(usize::from(index)) {
            *slot = selector;
        }
        if let Some(counter) = Counter::gp(index) {
            self.enabled = if selector.enable() {
                self.enabled.with(counter)
            } else {
                self.enabled.without(counter)
            };
        }
    }

    /// The hardware copy of FIXED_CTR_CTRL.
    #[must_use]
    pub const fn fixed_control(&self) -> FixedCtrCtrl {
        self.fixed_control
    }

    /// Replaces the hardware copy. For a context that is not resident.
    pub fn set_fixed_control(&mut self, control: FixedCtrCtrl) {
        self.fixed_control = control;
        for (index, counter) in (0..).zip((0..).map_while(Counter::fixed)) {
            let field = self.fixed_field(index);
            self.enabled = if field.kernel() || field.user() {
                self.enabled.with(counter)
            } else {
                self.enabled.without(counter)
            };
        }
    }

    /// Which counters its owner lets run.
    #[must_use]
    pub const fn global_control(&self) -> PerfGlobalCtrl {
        self.global_control
    }

    /// Replaces it. For a guest the kernel does so after every exit, from the VMCS.
    pub const fn set_global_control(&mut self, control: PerfGlobalCtrl) {
        self.global_control = control;
    }

    /// What has overflowed. Stale while this context is resident.
    #[must_use]
    pub const fn status(&self) -> GlobalStatus {
        self.status
    }

    /// Replaces it. For a context that is not resident.
    pub const fn set_status(&mut self, status: GlobalStatus) {
        self.status = status;
    }

    /// Counters that the owner may read and write without an exit.
    #[must_use]
    pub const fn opened(&self) -> CounterSet {
        self.opened
    }

    /// Replaces the set. For a context that is not resident; see [`crate::CpuPmu::open`] for one that is.
    pub const fn set_opened(&mut self, opened: CounterSet) {
        self.opened = opened;
    }

    /// Forgets everything that an owner left: what a VMM's death calls for.
    pub const fn scrub(&mut self) {
        *self = Self::new();
    }

    /// The field of FIXED_CTR_CTRL of fixed counter `index`.
    pub(crate) fn fixed_field(&self, index: u8) -> FixedField {
        self.fixed_control
            .field(u32::from(index))
            .unwrap_or_default()
    }

    /// Whether `counter` is enabled, runs and counts `event` in `ring`, one for one.
    pub(crate) fn counts(&self, counter: Counter, event: EventSelect, ring: Ring) -> bool {
        if !CounterSet::running(self.global_control).has(counter) {
            return false;
        }
        match counter.split() {
            Split::Gp(i) => {
                let selector = self.selector(i);
                let in_ring = match ring {
                    Ring::Kernel => selector.kernel(),
                    Ring::User => selector.user(),
                };
                selector.enable() && in_ring && selector.event() == event && counts_each(selector)
            }
            Split::Fixed(i) => {
                let field = self.fixed_field(i);
                let in_ring = match ring {
                    Ring::Kernel => field.kernel(),
                    Ring::User => field.user(),
                };
                i == 0 && event == EventSelect::INSTRUCTIONS && in_ring
            }
        }
    }

    /// Whether an overflow of `counter` asks for an interrupt.
    pub(crate) fn interrupts(&self, counter: Counter) -> bool {
        match counter.split() {
            Split::Gp(i) => self.selector(i).interrupt(),
            Split::Fixed(i) => self.fixed_field(i).interrupt(),
        }
    }
}

impl Default for PmuContext {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a selector counts every event once. With a counter mask, inversion or edge detection what a single
/// emulated instruction adds depends on the cycles around it, which nobody knows; nothing is added then.
fn counts_each(selector: PerfEvtSel) -> bool {
    selector.counter_mask() == 0 && !selector.invert() && !selector.edge()
}
