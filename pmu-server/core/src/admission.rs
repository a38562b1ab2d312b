//! Which VMs hold a lease on one CPU: the policy `first-come`.
//!
//! An event that must see guests and a VM that holds a lease exclude each other, and whoever came first wins; the other
//! is told at once and may try again. A VM that never uses its PMU never asks and excludes nobody.

use crate::error::EventError;

/// VMs of a system at most.
pub const MAX_VMS: usize = 16;

/// Number of a VM: the position of its lease among pmu-server's capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VmId(pub u8);

/// What a VM's request for a lease led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Acquired {
    /// The lease is the VM's: arm it. It may have been so before.
    Granted,
    /// An event that must see guests is open on this CPU.
    Busy,
    /// The number is not a VM of this system.
    Unknown,
}

/// What the host wants of this CPU's counters; decides the kernel's lease mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Demand {
    /// Nothing: a guest may stay resident (`retain`).
    None,
    /// Events are enabled: guests give way when their thread leaves the CPU or their slice ends (`yield`).
    Events,
}

/// The leases of one CPU.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Admission {
    holders: u16,
}

impl Admission {
    /// A VM asks for the lease. `including_guests` is the number of open events that must see guests.
    pub const fn acquire(&mut self, vm: VmId, including_guests: usize) -> Acquired {
        let Some(bit) = bit(vm) else {
            return Acquired::Unknown;
        };
        if self.holders & bit != 0 {
            return Acquired::Granted;
        }
        if including_guests > 0 {
            return Acquired::Busy;
        }
        self.holders |= bit;
        Acquired::Granted
    }

    /// A VM gives the lease back, or died. Says whether it held one: then disarm it.
    pub const fn release(&mut self, vm: VmId) -> bool {
        let Some(bit) = bit(vm) else { return false };
        let held = self.holders & bit != 0;
        self.holders &= !bit;
        held
    }

    /// Whether an event that must see guests may be opened here.
    ///
    /// # Errors
    /// [`EventError::NotSupported`] while a VM holds a lease.
    pub const fn admit_including_guests(&self) -> Result<(), EventError> {
        if self.holders == 0 {
            Ok(())
        } else {
            Err(EventError::NotSupported)
        }
    }

    /// VMs that hold the lease.
    #[must_use]
    pub const fn holders(&self) -> u32 {
        self.holders.count_ones()
    }
}

const fn bit(vm: VmId) -> Option<u16> {
    if (vm.0 as usize) < MAX_VMS {
        Some(1 << vm.0)
    } else {
        None
    }
}
