//! Virtual CPUs and the memory of guests.

use pmu_drv::CounterSet;
use x86_regs::pmu::PerfGlobalCtrl;
use x86_regs::vmx::ExitReason;

use crate::trap::Interrupt;

pub use crate::vmx::Unsupported;
#[cfg(bare)]
pub use crate::vmx::{GuestSpace, Vcpu, support};

/// End of the guest-physical addresses that can be mapped: 1 TiB.
pub const GUEST_END: u64 = 1 << 40;

/// How a page is mapped into a guest; reading is always possible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GuestRights {
    /// The guest may write.
    pub write: bool,
    /// The guest may execute.
    pub execute: bool,
}

/// Which counter registers a guest reaches without an exit while its context is resident.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Access {
    /// Counters: RDMSR and WRMSR of the counter.
    pub counters: CounterSet,
    /// Their full-width aliases too.
    pub full_width: bool,
    /// GLOBAL_CTRL, GLOBAL_STATUS and GLOBAL_OVF_CTRL.
    pub global: bool,
    /// RDPMC of every counter that the CPU has: only when all of them hold the guest's values.
    pub rdpmc: bool,
}

/// Whose counters are in the registers while a guest runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counters {
    /// The guest's own, as [`Access`] says. GLOBAL_CTRL is this while it runs and 0 from the exit on.
    Guest(PerfGlobalCtrl),
    /// The host's, or none: every access to a counter register exits.
    Host {
        /// GLOBAL_CTRL while the guest runs: the host's bits for events that include guests.
        inside: PerfGlobalCtrl,
        /// GLOBAL_CTRL from the exit on.
        outside: PerfGlobalCtrl,
    },
}

/// Why [`Vcpu::enter`] came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum RawExit {
    /// The CPU was interrupted. Serve it as in the interrupt upcall: the controller has been told.
    Interrupt(Interrupt),
    /// An NMI, which has been served.
    Nmi,
    /// The guest did something that needs policy. [`Vcpu::describe_exit`] tells the VMM.
    Exit(ExitReason),
    /// The entry failed and the guest did not run. [`Vcpu::describe_exit`] tells the VMM why.
    EntryFailed,
}
