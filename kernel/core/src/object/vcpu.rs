//! A virtual CPU: a guest, with its counters while they are not on a CPU.

use core::mem::offset_of;

use pmu_drv::{CounterSet, PmuContext};
use sel4_sys::vcpu::VcpuState;

use super::{GuestSpaceId, PmuLeaseId, ThreadId};
use crate::arch::mm::PageRef;
use crate::arch::vcpu;
use crate::cap::SlotId;

/// A virtual CPU.
#[derive(Debug)]
pub(crate) struct Vcpu {
    /// The guest's registers.
    pub(crate) machine: &'static mut vcpu::Vcpu,
    /// The only thread that may enter it.
    pub(crate) thread: ThreadId,
    /// The guest's memory.
    pub(crate) space: GuestSpaceId,
    /// By which it gets the counters.
    pub(crate) lease: PmuLeaseId,
    /// What kernel and VMM share.
    pub(crate) page: StatePage,
    /// The guest's counters.
    pub(crate) context: PmuContext,
    /// None of its counters is enabled.
    pub(crate) is_idle: bool,
    /// What the guest may reach by itself beside single counters, while its context is resident.
    pub(crate) direct: Direct,
    /// What the guest's LVTPC does.
    pub(crate) pmi: Pmi,
    /// It runs with its counters stopped where no lease is armed.
    pub(crate) blind: Blind,
    /// Ticks for which it did so.
    pub(crate) blind_time: u64,
    /// How far the present entry has come.
    pub(crate) entry: Entry,
    /// When the present entry returns at the latest, in ticks.
    pub(crate) deadline: u64,
    /// The guest waits for an interrupt: it is not to be run.
    pub(crate) activity: Activity,
    /// The slot through which it was entered.
    pub(crate) slot: Option<SlotId>,
}

/// Registers other than single counters that a guest reaches without an exit.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Direct {
    /// The full-width aliases of the counters.
    pub(crate) full_width: bool,
    /// GLOBAL_CTRL, GLOBAL_STATUS, GLOBAL_OVF_CTRL.
    pub(crate) global: bool,
    /// RDPMC.
    pub(crate) rdpmc: bool,
}

/// A guest's interrupt on overflow.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Pmi {
    /// It was raised, and the VMM does not know yet.
    pub(crate) pending: bool,
    /// The guest does not want to hear of it. Raising it sets this too, as the APIC does.
    pub(crate) masked: bool,
}

/// What becomes of a guest whose counters are enabled while its lease is not armed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Blind {
    /// It waits.
    #[default]
    No,
    /// It runs, and its counters stand still.
    Yes,
}

/// How far an entry has come.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Entry {
    /// The guest has not run since the VMM did, and what the VMM changed was not taken over.
    #[default]
    Fresh,
    /// The guest has run; the page does not say what it is like now.
    Begun,
}

/// What a guest does.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Activity {
    /// It runs.
    #[default]
    Active,
    /// It waits for an interrupt.
    Halted,
}

impl Vcpu {
    /// What the guest may reach by itself while its context is resident.
    pub(crate) fn access(&self) -> vcpu::Access {
        vcpu::Access {
            counters: self.context.opened(),
            full_width: self.direct.full_width,
            global: self.direct.global,
            rdpmc: self.direct.rdpmc,
        }
    }

    /// Forgets the guest, as nothing of it may reach the next one. Its counters are not on the CPU.
    pub(crate) fn scrub(&mut self) {
        self.machine.reset();
        self.context.scrub();
        self.is_idle = true;
        self.direct = Direct::default();
        self.pmi = Pmi::default();
        self.blind = Blind::default();
        self.blind_time = 0;
        self.entry = Entry::default();
        self.slot = None;
    }

    /// A counter asked for an interrupt.
    pub(crate) fn raise_pmi(&mut self) {
        if !self.pmi.masked {
            self.pmi = Pmi {
                pending: true,
                masked: true,
            };
        }
    }

    /// Whether every counter in `all` is the guest's own to read.
    pub(crate) fn opens_all(&self, all: CounterSet) -> bool {
        all.difference(self.context.opened()).is_empty()
    }
}

/// A page with a [`VcpuState`]. What is read from it is a claim of the VMM.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatePage(pub(crate) PageRef);

/// A word of [`VcpuState`], by its index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StateWord(usize);

macro_rules! words {
    ($($name:ident $field:ident,)*) => {
        impl StateWord {
            $(pub(crate) const $name: Self = Self(offset_of!(VcpuState, $field) / 8);)*
        }
    };
}

words! {
    ACTIVITY activity,
    BLIND_TIME blind_time,
    DEADLINE deadline,
    EMULATED_BRANCHES emulated_branches,
    EMULATED_INSTRUCTIONS emulated_instructions,
    EXIT_REASON exit_reason,
    GLOBAL_CONTROL global_control,
    PMI_PENDING pmi_pending,
}

impl StatePage {
    /// What a word says.
    pub(crate) fn word(self, word: StateWord) -> u64 {
        self.0.word(word.0)
    }

    /// What a word said, which is 0 afterwards.
    pub(crate) fn take(self, word: StateWord) -> u64 {
        let value = self.word(word);
        if value != 0 {
            self.set(word, 0);
        }
        value
    }

    /// Writes a word.
    pub(crate) fn set(self, word: StateWord, value: u64) {
        self.0.set_word(word.0, value);
    }
}
