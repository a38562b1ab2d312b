//! One CPU's counters: stop, leave, take, start.

use x86_regs::msr::MsrBank;
use x86_regs::pmu::{
    FixedCounter, FixedCtrCtrl, FullWidthCounter, GlobalStatus, GlobalStatusReset, GlobalStatusSet,
    PerfEvtSel, PerfGlobalCtrl,
};

use crate::context::PmuContext;
use crate::counters::{Counter, CounterSet, Split};
use crate::layout::Layout;
use crate::port::{LocalVector, Metered, Operations, Phase, PmuPort};
use crate::shadow::Shadow;

/// The performance counters of one CPU.
///
/// Made once, on that CPU; used only there, with interrupts off.
#[derive(Debug)]
pub struct CpuPmu<P> {
    pub(crate) port: Metered<P>,
    pub(crate) shadow: Shadow,
    layout: Layout,
}

/// Host counters that overflowed and whose PMI had not been taken when the host was stopped.
///
/// The overflow is acknowledged. The caller writes the samples (marked late) and expects one NMI,
/// which may be on its way already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct HostOverflow(pub CounterSet);

/// Proof that GLOBAL_CTRL is zero and the phase is `Switching`: registers may be written.
#[derive(Debug)]
#[must_use = "stopped counters are nobody's: take a context"]
pub struct Stopped<'a, P>(&'a mut CpuPmu<P>);

impl<P: PmuPort> CpuPmu<P> {
    /// Takes over the PMU from whoever had it (firmware): stops and zeroes everything, masks the PMI.
    pub fn new(port: P, layout: Layout) -> Self {
        let mut this = Self {
            port: Metered::new(port),
            shadow: Shadow::zeroed(layout.counters),
            layout,
        };
        this.port.inner.set_phase(Phase::Switching);
        this.port.write(PerfGlobalCtrl::new());
        this.port.set_local_vector(LocalVector::Masked);
        this.shadow.local_vector = Some(LocalVector::Masked);
        for counter in layout.counters.iter() {
            if let Split::Gp(i) = counter.split() {
                this.write_selector(i, PerfEvtSel::new());
            }
            this.write_counter(counter, 0);
        }
        this.port.write(FixedCtrCtrl::new());
        let status: GlobalStatus = this.port.read();
        if status != GlobalStatus::new() {
            this.port.write(GlobalStatusReset::from(u64::from(status)));
        }
        this.port.inner.set_phase(Phase::Host);
        this
    }

    /// What this CPU has.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Register operations since [`Self::new`], inclusive.
    #[must_use]
    pub const fn operations(&self) -> Operations {
        self.port.operations
    }

    /// What the port is, for a caller that has more to do with it (LVTPC of a guest, tests).
    pub const fn port(&mut self) -> &mut P {
        &mut self.port.inner
    }

    /// Stops the host's counters.
    ///
    /// Costs one write when the host counts, nothing otherwise.
    pub fn stop(&mut self) -> Stopped<'_, P> {
        self.port.inner.set_phase(Phase::Switching);
        if self.shadow.global_control != PerfGlobalCtrl::new() {
            self.port.write(PerfGlobalCtrl::new());
            self.shadow.global_control = PerfGlobalCtrl::new();
        }
        Stopped(self)
    }

    /// After a VM exit that ends a guest's residency: the exit itself has loaded GLOBAL_CTRL with zero
    /// (VMCS field HOST_IA32_PERF_GLOBAL_CTRL). Costs nothing.
    pub fn exited(&mut self) -> Stopped<'_, P> {
        self.port.inner.set_phase(Phase::Switching);
        Stopped(self)
    }

    /// Replaces a selector of the resident context, between a VM exit and the next entry.
    ///
    /// One write when the hardware changes; one more when the counter becomes live by it, and one RDPMC
    /// when it stops being live.
    pub fn set_selector(&mut self, resident: &mut PmuContext, index: u8, selector: PerfEvtSel) {
        let before = resident.live();
        resident.set_selector(index, selector);
        self.settle(resident, before);
        if self.shadow.selectors.get(usize::from(index)) != Some(&selector) {
            self.write_selector(index, selector);
        }
    }

    /// Replaces FIXED_CTR_CTRL of the resident context, between a VM exit and the next entry.
    pub fn set_fixed_control(&mut self, resident: &mut PmuContext, control: FixedCtrCtrl) {
        let before = resident.live();
        resident.set_fixed_control(control);
        self.settle(resident, before);
        if self.shadow.fixed_control != control {
            self.port.write(control);
            self.shadow.fixed_control = control;
        }
    }

    /// Lets the owner of the resident context reach `counters` directly from the next entry on.
    pub fn open(&mut self, resident: &mut PmuContext, counters: CounterSet) {
        let before = resident.live();
        resident.set_opened(
            resident
                .opened()
                .union(counters.intersection(self.layout.counters)),
        );
        self.settle(resident, before);
    }

    /// The value of `counter` of the resident context, wherever it is at present.
    pub fn read_resident(&mut self, resident: &PmuContext, counter: Counter) -> u64 {
        if resident.live().has(counter) {
            self.port.read_counter(counter.rdpmc())
        } else {
            resident.value(counter)
        }
    }

    /// After the live set changed from `before`: a counter that joined it gets its saved value into the
    /// register, one that left it has its value saved, since nobody will look at the register again.
    fn settle(&mut self, resident: &mut PmuContext, before: CounterSet) {
        let live = resident.live();
        for counter in live
            .difference(before)
            .intersection(self.layout.counters)
            .iter()
        {
            self.write_counter_if_new(counter, resident.value(counter));
        }
        for counter in before
            .difference(live)
            .intersection(self.layout.counters)
            .iter()
        {
            let value = self.port.read_counter(counter.rdpmc());
            resident.set_value(counter, value);
        }
        // What joined counts from the next entry on.
        self.shadow.forget(live);
    }

    fn write_counter_if_new(&mut self, counter: Counter, value: u64) {
        if !self.shadow.holds(counter, value) {
            self.write_counter(counter, value);
        }
    }

    pub(crate) fn write_counter(&mut self, counter: Counter, value: u64) {
        let address = match counter.split() {
            Split::Gp(i) => FullWidthCounter::addr(u32::from(i)),
            Split::Fixed(i) => FixedCounter::addr(u32::from(i)),
        };
        if let Some(address) = address {
            self.port.write_at(address, value);
            self.shadow.note(counter, value);
        }
    }

    fn write_selector(&mut self, index: u8, selector: PerfEvtSel) {
        if let Some(address) = PerfEvtSel::addr(u32::from(index))
            && let Some(slot) = self.shadow.selectors.get_mut(usize::from(index))
        {
            *slot = selector;
            self.port.write_at(address, selector.into());
        }
    }
}

impl<P: PmuPort> Stopped<'_, P> {
    /// Saves what counts in `context`, whose values are in the registers: one read, and one RDPMC for each live counter.
    pub fn leave(&mut self, context: &mut PmuContext) {
        let status = self.status();
        context.set_status(status);
        for counter in context.live().intersection(self.0.layout.counters).iter() {
            let value = self.0.port.read_counter(counter.rdpmc());
            context.set_value(counter, value);
            self.0.shadow.note(counter, value);
        }
    }

    /// [`Self::leave`] for the host's context. Overflows that nobody has seen yet are handed to the caller, not kept:
    /// kept, they would be raised again at the next put, long after the fact.
    pub fn leave_host(&mut self, context: &mut PmuContext) -> HostOverflow {
        self.leave(context);
        let overflowed =
            CounterSet::from_bits(context.status().into()).intersection(context.live());
        context.set_status(GlobalStatus::new());
        HostOverflow(overflowed)
    }

    /// Puts `context` into the registers, writing only what differs.
    ///
    /// Afterwards no counter that the context can name by itself or reach directly holds another owner's value, and no
    /// selector of another owner is enabled.
    pub fn take(&mut self, context: &PmuContext, vector: LocalVector) {
        // 1. LVTPC first: nothing below can raise a PMI, since GLOBAL_CTRL is zero, and a PMI raised
        //    after the entry must find the new owner's vector.
        if self.0.shadow.local_vector != Some(vector) {
            self.0.port.set_local_vector(vector);
            self.0.shadow.local_vector = Some(vector);
        }
        // 2. Selectors, then counters. Load over: what the old owner left is overwritten, never zeroed first.
        let existing = self.0.layout.counters;
        let live = context.live().intersection(existing);
        for counter in existing.iter() {
            if let Split::Gp(i) = counter.split() {
                self.take_selector(context, i);
            }
            if live.has(counter) {
                self.0.write_counter_if_new(counter, context.value(counter));
            }
        }
        // 3. STATUS by difference. Before step 4, or an overflow bit of the old owner could freeze the new one.
        let status = self.status();
        let (old, new): (u64, u64) = (status.into(), context.status().into());
        if old & !new != 0 {
            self.0.port.write(GlobalStatusReset::from(old & !new));
        }
        if new & !old != 0 {
            self.0.port.write(GlobalStatusSet::from(new & !old));
        }
        self.0.shadow.status = Some(context.status());
        // 4. The fixed counters' selector.
        let fixed = context.fixed_control();
        if self.0.shadow.fixed_control != fixed {
            self.0.port.write(fixed);
            self.0.shadow.fixed_control = fixed;
        }
    }

    /// Lets the host count: one write when anything is to run.
    pub fn start_host(self, context: &PmuContext) {
        let control = context.global_control();
        let counting = context.enabled().intersection(CounterSet::running(control));
        if control != PerfGlobalCtrl::new() {
            self.0.port.write(control);
            self.0.shadow.global_control = control;
            self.0.shadow.forget(counting);
        }
        self.0.port.inner.set_phase(Phase::Host);
    }

    /// Hands the registers to the guest whose context was taken. The VM entry loads GLOBAL_CTRL with the value returned.
    pub fn start_guest(self, context: &PmuContext) -> PerfGlobalCtrl {
        // The guest counts in and writes to every live counter, and its PMI masks LVTPC.
        self.0.shadow.forget(context.live());
        self.0.port.inner.set_phase(Phase::Guest);
        context.global_control()
    }

    /// Leaves everything stopped: the server that could say what the host wants has died.
    pub fn leave_stopped(self) {
        if self.0.shadow.local_vector != Some(LocalVector::Masked) {
            self.0.port.set_local_vector(LocalVector::Masked);
            self.0.shadow.local_vector = Some(LocalVector::Masked);
        }
        self.0.port.inner.set_phase(Phase::Host);
    }

    fn take_selector(&mut self, context: &PmuContext, index: u8) {
        let wanted = context.selector(index);
        let Some(&held) = self.0.shadow.selectors.get(usize::from(index)) else {
            return;
        };
        // A selector that neither owner enables counts nothing, whatever it says.
        if held != wanted && (held.enable() || wanted.enable()) {
            let value = if wanted.enable() {
                wanted
            } else {
                PerfEvtSel::new()
            };
            self.0.write_selector(index, value);
        }
    }

    fn status(&mut self) -> GlobalStatus {
        if let Some(status) = self.0.shadow.status {
            return status;
        }
        let status = self.0.port.read();
        self.0.shadow.status = Some(status);
        status
    }
}
