//! RDPMC, until it is let through.
//!
//! Whether the privilege level may use it was decided by the CPU, with the guest's own CR0 and CR4: a fault by privilege comes
//! before the exit. SDM vol. 3C, "Relative Priority of Faults and VM Exits".

use pmu_drv::Counter;

use super::Vpmu;
use crate::env::PmuBackend;

/// What becomes of an RDPMC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Rdpmc {
    /// It reads this.
    Value(u64),
    /// #GP(0).
    Fault,
}

impl Vpmu {
    /// RDPMC with `ecx` that exited.
    ///
    /// The first one that succeeds opens all counters, and RDPMC itself when every counter of the CPU is the guest's. The fast
    /// read (bit 31) and every type but 0 and 0x4000 are #GP, as on CPUs that have neither.
    pub fn rdpmc(&mut self, ecx: u32, pmu: &mut impl PmuBackend) -> Rdpmc {
        let own = |counter: &Counter| self.shape.layout().has(*counter);
        let Some(counter) = Counter::from_rdpmc(ecx).filter(own) else {
            return Rdpmc::Fault;
        };
        let value = pmu.read_counter(counter);
        if self.shape.may_open_rdpmc() && !self.rdpmc_open {
            self.open(self.shape.layout().counters, pmu);
            self.rdpmc_open = true;
            pmu.open_rdpmc();
        }
        Rdpmc::Value(value)
    }
}
