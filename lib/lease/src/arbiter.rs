//! One CPU's arbiter: exactly one context is resident at any time.

use crate::Ticks;
use crate::account::{Account, PutReason};
use crate::grant::{Epoch, Lease, LeaseId};

/// Number of a guest's saved context among the kernel's context objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct ContextId(pub u16);

/// How long a guest may stay. pmu-server sets it from what host clients want.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Hash)]
#[repr(u8)]
pub enum Mode {
    /// Until another context must be loaded, or revoke: no host event wants the counters.
    #[default]
    Retain = 0,
    /// Until its vCPU's thread leaves the CPU, or its slice ends: host events exist.
    Yield = 1,
    /// Until an exit reaches the VMM: a client wants to see the exits handled.
    Eager = 2,
}

/// Whose context is in the registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Resident {
    /// The host's.
    Host,
    /// A guest's.
    Guest {
        /// Which.
        context: ContextId,
        /// The lease it stays by.
        lease: LeaseId,
        /// The epoch in which it was loaded.
        epoch: Epoch,
        /// When it was loaded.
        since: Ticks,
    },
}

/// What a vCPU that is about to enter its guest says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Vcpu {
    /// Its saved context.
    pub context: ContextId,
    /// Its VM's lease for this CPU.
    pub lease: LeaseId,
    /// None of its counters is enabled.
    pub is_idle: bool,
}

/// What to do with the registers before a VM entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Entry {
    /// Nothing. The guest's own context is resident: enter with its GLOBAL_CTRL.
    Resident,
    /// Nothing. The guest needs no counters: enter so that only host events that include guests run, none
    /// when another guest is resident.
    Idle,
    /// Take the host's context off and put the vCPU's on.
    Load,
    /// Take this context off and put the vCPU's on.
    Replace(ContextId),
    /// Do not enter: the vCPU's counters are enabled, and its lease is not armed.
    LeaseNeeded,
}

/// Where a VM exit leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Exit {
    /// The kernel handles it and enters again.
    Kernel,
    /// The VMM must handle it.
    Vmm,
}

/// A guest context to take off the registers; the host's goes on instead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Put {
    /// Which.
    pub context: ContextId,
    /// Why.
    pub reason: PutReason,
}

/// One CPU's arbiter. Every method is called on that CPU.
#[derive(Clone, Debug)]
pub struct Arbiter {
    mode: Mode,
    slice: u64,
    resident: Resident,
    account: Account,
}

impl Arbiter {
    /// The host is resident; `slice` in ticks bounds a residency in modes `yield` and `eager`.
    #[must_use]
    pub const fn new(slice: u64) -> Self {
        Self {
            mode: Mode::Retain,
            slice,
            resident: Resident::Host,
            account: Account {
                loads: 0,
                puts: [0; PutReason::COUNT],
                guest_time: 0,
                exits_kept: 0,
                idle_entries: 0,
                refused_entries: 0,
            },
        }
    }

    /// Whose context is in the registers.
    #[must_use]
    pub const fn resident(&self) -> Resident {
        self.resident
    }

    /// The mode in force.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The numbers so far.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// When the resident guest's slice ends; `None` when no timer is needed for it.
    #[must_use]
    pub const fn slice_end(&self) -> Option<Ticks> {
        match (self.resident, self.mode) {
            (Resident::Guest { since, .. }, Mode::Yield | Mode::Eager) => {
                Some(since.plus(self.slice))
            }
            _ => None,
        }
    }

    /// A vCPU is about to enter. `lease` is the state of `vcpu.lease`.
    ///
    /// After [`Entry::Load`] and [`Entry::Replace`] the vCPU's context is resident.
    pub fn enter(&mut self, vcpu: Vcpu, lease: &Lease, now: Ticks) -> Entry {
        if let Resident::Guest { context, .. } = self.resident
            && context == vcpu.context
        {
            return Entry::Resident;
        }
        if vcpu.is_idle {
            self.account.idle_entries += 1;
            return Entry::Idle;
        }
        if !lease.is_armed() {
            self.account.refused_entries += 1;
            return Entry::LeaseNeeded;
        }
        let entry = match self.resident {
            Resident::Host => Entry::Load,
            Resident::Guest { context, since, .. } => {
                self.account.put(PutReason::Replaced, since, now);
                Entry::Replace(context)
            }
        };
        self.account.loads += 1;
        self.resident = Resident::Guest {
            context: vcpu.context,
            lease: vcpu.lease,
            epoch: lease.epoch(),
            since: now,
        };
        entry
    }

    /// The resident guest, or an idle one, has exited.
    pub fn exit(&mut self, exit: Exit, now: Ticks) -> Option<Put> {
        if self.slice_end().is_some_and(|end| end <= now) {
            return self.put(PutReason::SliceEnd, now);
        }
        if self.mode == Mode::Eager && exit == Exit::Vmm {
            return self.put(PutReason::ExitToVmm, now);
        }
        if matches!(self.resident, Resident::Guest { .. }) {
            self.account.exits_kept += 1;
        }
        None
    }

    /// The thread of the vCPU with `context` leaves this CPU: preempted, blocked or halted.
    pub fn leave(&mut self, context: ContextId, now: Ticks) -> Option<Put> {
        match (self.resident, self.mode) {
            (
                Resident::Guest {
                    context: resident, ..
                },
                Mode::Yield | Mode::Eager,
            ) if resident == context => self.put(PutReason::Left, now),
            _ => None,
        }
    }

    /// The server sets the mode. No guest runs on this CPU at that moment; one that stayed only by
    /// [`Mode::Retain`] goes.
    pub fn set_mode(&mut self, mode: Mode, now: Ticks) -> Option<Put> {
        self.mode = mode;
        if mode == Mode::Retain {
            None
        } else {
            self.put(PutReason::ModeChange, now)
        }
    }

    /// The server sets the slice, in ticks; it holds from the present residency on.
    pub const fn set_slice(&mut self, slice: u64) {
        self.slice = slice;
    }

    /// `lease` was disarmed. No guest runs on this CPU at that moment.
    pub fn revoke(&mut self, lease: LeaseId, now: Ticks) -> Option<Put> {
        match self.resident {
            Resident::Guest {
                lease: resident, ..
            } if resident == lease => self.put(PutReason::Revoked, now),
            _ => None,
        }
    }

    /// The VMM of `context` died; the caller scrubs what is put.
    pub fn forget(&mut self, context: ContextId, now: Ticks) -> Option<Put> {
        match self.resident {
            Resident::Guest {
                context: resident, ..
            } if resident == context => self.put(PutReason::Died, now),
            _ => None,
        }
    }

    fn put(&mut self, reason: PutReason, now: Ticks) -> Option<Put> {
        let Resident::Guest { context, since, .. } = self.resident else {
            return None;
        };
        self.account.put(reason, since, now);
        self.resident = Resident::Host;
        Some(Put { context, reason })
    }
}
