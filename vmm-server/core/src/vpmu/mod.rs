//! The counters that a guest sees.
//!
//! Selectors and FIXED_CTR_CTRL are always trapped and exist twice: as the guest wrote them, and as the hardware
//! gets them. Counters live with the kernel; what is trapped of them is passed on. A register that the guest has not,
//! and a reserved bit of one that it has, is #GP with nothing changed (threats T5 to T8, row M17b).

mod filter;
mod msr;
mod rdpmc;

pub use filter::{EventFilter, FilterFull, MAX_FILTERED};
pub use rdpmc::Rdpmc;

use pmu_drv::{Counter, CounterSet, MAX_FIXED, MAX_GP};
use x86_regs::pmu::{EventSelect, FixedCtrCtrl, FixedField, PerfEvtSel, PerfGlobalCtrl};

use crate::config::GuestPmu;
use crate::env::{Direct, PmuBackend};

/// One vCPU's performance-monitoring unit.
#[derive(Clone, Debug)]
pub struct Vpmu {
    shape: GuestPmu,
    filter: EventFilter,
    selectors: [Selector; MAX_GP],
    fixed_control: FixedCtrCtrl,
    fixed_hardware: FixedCtrCtrl,
    opened: CounterSet,
    rdpmc_open: bool,
}

/// One selector, twice.
#[derive(Clone, Copy, Default, Debug)]
struct Selector {
    guest: PerfEvtSel,
    hardware: PerfEvtSel,
}

impl Vpmu {
    /// As after reset. [`Self::start`] tells the kernel.
    #[must_use]
    pub fn new(shape: GuestPmu, filter: EventFilter) -> Self {
        Self {
            shape,
            filter,
            selectors: [Selector::default(); MAX_GP],
            fixed_control: FixedCtrCtrl::new(),
            fixed_hardware: FixedCtrCtrl::new(),
            opened: CounterSet::EMPTY,
            rdpmc_open: false,
        }
    }

    /// What the guest may see.
    #[must_use]
    pub const fn shape(&self) -> &GuestPmu {
        &self.shape
    }

    /// Gives GLOBAL_CTRL its value after reset, and answers it: every general-purpose counter runs as soon as its own selector
    /// enables it. A guest of version 1 has no such register and depends on it.
    pub fn start(&self, pmu: &mut impl PmuBackend) -> PerfGlobalCtrl {
        let control = PerfGlobalCtrl::from(self.shape.gp().bits());
        pmu.set_global_control(control);
        pmu.open(self.direct(CounterSet::EMPTY));
        control
    }

    /// Replaces the filter. In force from the next entry on.
    pub fn set_filter(&mut self, filter: EventFilter, pmu: &mut impl PmuBackend) {
        self.filter = filter;
        for counter in self.shape.gp().iter() {
            let index = index_of(counter);
            if let Some(selector) = self.selectors.get(usize::from(index)) {
                self.write_selector(index, selector.guest, pmu);
            }
        }
        self.write_fixed_control(self.fixed_control, pmu);
    }

    /// Whether one more instruction in ring 0 would make a counter overflow that interrupts.
    ///
    /// HLT asks before it puts the vCPU to sleep: the kernel adds the instruction only at the next entry, and nobody
    /// would make one.
    pub fn next_instruction_interrupts(
        &self,
        running: PerfGlobalCtrl,
        pmu: &mut impl PmuBackend,
    ) -> bool {
        let running = CounterSet::running(running).intersection(self.shape.layout().counters);
        running.iter().any(|counter| {
            self.interrupts_on_instructions(counter)
                && pmu.read_counter(counter) == self.shape.layout().mask(counter)
        })
    }

    fn interrupts_on_instructions(&self, counter: Counter) -> bool {
        if Some(counter) == Counter::fixed(0) {
            let field = self.fixed_hardware.instructions();
            return field.kernel() && field.interrupt();
        }
        let is_gp = self.shape.gp().has(counter);
        let selector = self.selectors.get(usize::from(index_of(counter)));
        let selector = selector.map_or(PerfEvtSel::new(), |s| s.hardware);
        let plain = selector.counter_mask() == 0 && !selector.invert() && !selector.edge();
        is_gp
            && plain
            && selector.enable()
            && selector.interrupt()
            && selector.kernel()
            && selector.event() == EventSelect::INSTRUCTIONS
    }

    /// The guest writes `guest`, which is good. The hardware hears of it only when its copy changes.
    fn write_selector(&mut self, index: u8, guest: PerfEvtSel, pmu: &mut impl PmuBackend) {
        let allowed = self.filter.allows(guest.event());
        // Pin control is a bit of the architecture and reads back, but toggles a pin of the host's board.
        let hardware = guest
            .with_pin_control(false)
            .with_enable(guest.enable() && allowed);
        if let Some(selector) = self.selectors.get_mut(usize::from(index)) {
            selector.guest = guest;
            if selector.hardware != hardware {
                selector.hardware = hardware;
                pmu.set_selector(index, hardware);
            }
        }
    }

    /// The guest writes `guest`, which is good. Every field is filtered anew, those of neighbours too (row N46).
    fn write_fixed_control(&mut self, guest: FixedCtrCtrl, pmu: &mut impl PmuBackend) {
        let hardware = (0_u8..)
            .take(MAX_FIXED)
            .filter(|&i| !self.filter.allows_fixed(i))
            .fold(guest, |control, i| {
                control.with_field(u32::from(i), FixedField::new())
            });
        self.fixed_control = guest;
        if self.fixed_hardware != hardware {
            self.fixed_hardware = hardware;
            pmu.set_fixed_control(hardware);
        }
    }

    const fn direct(&self, counters: CounterSet) -> Direct {
        Direct {
            counters,
            full_width: self.shape.capabilities().is_some(),
            global: self.shape.has_global_registers(),
        }
    }

    /// Makes `counters` direct from the next entry on. After the access that asked for it was carried out: a value
    /// written to a counter that is not live yet costs the hardware nothing.
    fn open(&mut self, counters: CounterSet, pmu: &mut impl PmuBackend) {
        let new = counters.difference(self.opened);
        if !new.is_empty() {
            self.opened = self.opened.union(new);
            pmu.open(self.direct(self.opened));
        }
    }
}

/// Number of a counter in its bank.
fn index_of(counter: Counter) -> u8 {
    counter.rdpmc().to_le_bytes()[0]
}
