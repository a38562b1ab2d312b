//! The kernel's side of a lease: an epoch that is armed or not.

/// Number of a lease among the kernel's lease objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct LeaseId(pub u16);

/// Counts the grants of one lease. A PMI or a message that names a dead epoch is late and is dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Hash)]
pub struct Epoch(pub u32);

impl Epoch {
    /// Of two neighbouring epochs one is odd: guests of odd and even epochs get different PMI vectors, so that an
    /// interrupt still pending from the last owner is told apart from one of the new owner.
    #[must_use]
    pub const fn is_odd(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Exclusive ownership of one CPU's counters by one VM: declared in the system image, worth nothing until armed.
///
/// No capability moves when a lease changes hands; pmu-server arms and disarms.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Hash)]
pub struct Lease {
    epoch: Epoch,
    armed: bool,
}

impl Lease {
    /// Arms a new epoch. Arming an armed lease starts no new one.
    pub const fn arm(&mut self) -> Epoch {
        if !self.armed {
            self.epoch = Epoch(self.epoch.0.wrapping_add(1));
            self.armed = true;
        }
        self.epoch
    }

    /// Ends the epoch. The caller then takes the counters away: see [`crate::Arbiter::revoke`].
    pub const fn disarm(&mut self) {
        self.armed = false;
    }

    /// Whether the VM may have the counters.
    #[must_use]
    pub const fn is_armed(&self) -> bool {
        self.armed
    }

    /// The newest epoch, dead or alive; 0 if there never was one.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether `epoch` is the one that is armed now.
    #[must_use]
    pub const fn is_current(&self, epoch: Epoch) -> bool {
        self.armed && self.epoch.0 == epoch.0
    }
}
