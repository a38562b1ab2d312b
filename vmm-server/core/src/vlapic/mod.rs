//! The local APIC that a guest sees, in x2APIC mode only.
//!
//! Fixed interrupts wait in IRR until one is more urgent than what is being served; NMIs wait apart. A PMI goes through
//! the LVT performance-counter entry, which masks itself as it delivers. SDM vol. 3A, "Advanced Programmable Interrupt
//! Controller (APIC)".
//!
//! There is no xAPIC page: a guest finds x2APIC mode switched on, as if firmware had done it.

mod msr;
mod timer;
mod vectors;

use x86_regs::apic::{ApicBase, ErrorStatus, InterruptCommand, LvtEntry, SpuriousVector};

use self::timer::{Tick, Timer};
use self::vectors::{VectorSet, class};
use crate::env::{Moment, PmuBackend};

/// Entries of the local vector table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lvt {
    Timer,
    Thermal,
    Pmc,
    Lint0,
    Lint1,
    Error,
}

/// One more than the last of [`Lvt`].
const LVT_ENTRIES: usize = 6;

/// Page number of the APIC after reset; nothing answers there.
const APIC_PAGE: u64 = 0xfee00;

/// One vCPU's local APIC.
#[derive(Clone, Debug)]
pub struct Vlapic {
    id: u32,
    has_tsc_deadline: bool,
    base: ApicBase,
    task_priority: u8,
    spurious: SpuriousVector,
    requested: VectorSet,
    in_service: VectorSet,
    errors: ErrorStatus,
    latched_errors: ErrorStatus,
    command: InterruptCommand,
    entries: [LvtEntry; LVT_ENTRIES],
    timer: Timer,
    nmi: bool,
}

impl Vlapic {
    /// As after reset, in x2APIC mode: switched off by software, every entry masked. [`Self::start`] tells the kernel.
    #[must_use]
    pub fn new(id: u32, tsc_hz: u64, has_tsc_deadline: bool) -> Self {
        Self {
            id,
            has_tsc_deadline,
            base: ApicBase::new()
                .with_bootstrap(id == 0)
                .with_enable(true)
                .with_x2apic(true)
                .with_page(APIC_PAGE),
            task_priority: 0,
            spurious: SpuriousVector::new().with_vector(u8::MAX),
            requested: VectorSet::default(),
            in_service: VectorSet::default(),
            errors: ErrorStatus::new(),
            latched_errors: ErrorStatus::new(),
            command: InterruptCommand::new(),
            entries: [LvtEntry::new().with_masked(true); LVT_ENTRIES],
            timer: Timer::new(tsc_hz),
            nmi: false,
        }
    }

    /// Tells the kernel that LVTPC is masked.
    pub fn start(&self, pmu: &mut impl PmuBackend) {
        pmu.set_pmi_mask(self.entry(Lvt::Pmc).masked());
    }

    /// Lets time pass up to `now`: the timer may request its interrupt.
    pub fn poll(&mut self, now: Moment) {
        if self.timer.poll(now) == Tick::Fired {
            self.deliver(self.entry(Lvt::Timer));
        }
    }

    /// A counter asked for an interrupt. Delivered by LVTPC's mode unless it is masked, and then masked (Intel).
    pub fn pmi(&mut self, pmu: &mut impl PmuBackend) {
        let entry = self.entry(Lvt::Pmc);
        if entry.masked() {
            return;
        }
        self.deliver(entry);
        self.set_entry(Lvt::Pmc, entry.with_masked(true));
        pmu.set_pmi_mask(true);
    }

    /// The value of the time-stamp counter at which [`Self::poll`] will have something to do; `None`: not by itself.
    #[must_use]
    pub fn next_deadline(&self, now: Moment) -> Option<u64> {
        if self.entry(Lvt::Timer).masked() {
            return None;
        }
        self.timer.next(now)
    }

    /// An NMI waits.
    #[must_use]
    pub const fn has_nmi(&self) -> bool {
        self.nmi
    }

    /// The NMI that waits is delivered now.
    pub const fn take_nmi(&mut self) {
        self.nmi = false;
    }

    /// The interrupt that is more urgent than TPR and everything being served.
    #[must_use]
    pub fn interrupt(&self) -> Option<u8> {
        let highest = self.requested.highest()?;
        (self.is_on() && class(highest) > class(self.processor_priority())).then_some(highest)
    }

    /// The interrupt of [`Self::interrupt`] is delivered now: it is being served until EOI.
    pub fn take_interrupt(&mut self, vector: u8) {
        self.requested.remove(vector);
        self.in_service.insert(vector);
    }

    /// TPR's class, as CR8 shows it.
    #[must_use]
    pub const fn cr8(&self) -> u8 {
        self.task_priority >> 4
    }

    /// Replaces TPR through CR8.
    pub const fn set_cr8(&mut self, class: u8) {
        self.task_priority = class << 4;
    }

    fn end_of_interrupt(&mut self) {
        if let Some(vector) = self.in_service.highest() {
            self.in_service.remove(vector);
        }
    }

    fn processor_priority(&self) -> u8 {
        let serving = self.in_service.highest().map_or(0, class);
        if class(self.task_priority) >= serving {
            self.task_priority
        } else {
            serving
        }
    }

    /// Switched on by software; otherwise only NMIs arrive.
    const fn is_on(&self) -> bool {
        self.base.enable() && self.spurious.enable()
    }

    fn deliver(&mut self, entry: LvtEntry) {
        if entry.masked() {
            return;
        }
        match entry.delivery() {
            LvtEntry::NMI => self.nmi = true,
            LvtEntry::FIXED => self.accept(entry.vector()),
            // SMI, INIT and ExtINT: nothing here raises or takes them.
            _ => {}
        }
    }

    /// A fixed interrupt arrives.
    fn accept(&mut self, vector: u8) {
        if vector < 16 {
            let errors = self.errors.with_receive_illegal_vector(true);
            self.note_errors(errors);
        } else if self.is_on() {
            self.requested.insert(vector);
        }
    }

    /// New errors raise the error interrupt. Its own illegal vector is noted without another one.
    fn note_errors(&mut self, errors: ErrorStatus) {
        let is_new = errors != self.errors;
        self.errors = errors;
        let entry = self.entry(Lvt::Error);
        if is_new && !entry.masked() && entry.delivery() == LvtEntry::FIXED && entry.vector() >= 16
        {
            self.accept(entry.vector());
        }
    }

    /// Sends what ICR or the self-IPI register says. This VM has one CPU: whatever goes to others is lost, INIT and start-up
    /// to itself are refused by hardware too.
    fn send(&mut self, command: InterruptCommand) {
        let to_self = match command.shorthand() {
            InterruptCommand::TO_SELF | InterruptCommand::TO_ALL => true,
            InterruptCommand::TO_OTHERS => false,
            _ if command.logical() => self.answers_to_logical(command.destination()),
            _ => {
                matches!(command.destination(), d if d == self.id || d == InterruptCommand::EVERYBODY)
            }
        };
        match command.delivery() {
            LvtEntry::FIXED | InterruptCommand::LOWEST_PRIORITY => {
                if command.vector() < 16 {
                    let errors = self.errors.with_send_illegal_vector(true);
                    self.note_errors(errors);
                } else if to_self {
                    self.accept(command.vector());
                }
            }
            LvtEntry::NMI if to_self => self.nmi = true,
            _ => {}
        }
    }

    /// LDR: cluster in the high half, one bit in the low half. SDM vol. 3A, "Logical Destination Mode in x2APIC Mode".
    const fn logical_id(&self) -> u32 {
        (self.id >> 4) << 16 | 1 << (self.id & 0xf)
    }

    const fn answers_to_logical(&self, destination: u32) -> bool {
        let own = self.logical_id();
        destination == InterruptCommand::EVERYBODY
            || destination >> 16 == own >> 16 && destination & own & 0xffff != 0
    }

    fn entry(&self, which: Lvt) -> LvtEntry {
        self.entries
            .get(which as usize)
            .copied()
            .unwrap_or_default()
    }

    fn set_entry(&mut self, which: Lvt, entry: LvtEntry) {
        if let Some(slot) = self.entries.get_mut(which as usize) {
            *slot = entry;
        }
    }
}
