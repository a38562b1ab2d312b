//! Where the registers are: the one trait between this driver and a PMU.

use x86_regs::msr::{MsrAddr, MsrReg};

/// Whose events are on the counters, as the NMI stub must see it.
///
/// Set before the first and after the last register write of a switch. The stub touches PMU
/// registers only in phase [`Phase::Host`]: in any other it would read a guest's overflow as the host's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Phase {
    /// The host context is loaded.
    Host = 0,
    /// Registers are changing.
    Switching = 1,
    /// A guest context is loaded.
    Guest = 2,
}

/// The privilege level at which something was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ring {
    /// Ring 0 (selector bit OS).
    Kernel,
    /// Rings 1 to 3 (selector bit USR).
    User,
}

/// What the local APIC does with a PMI: the LVT performance-counter entry, as far as owners differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LocalVector {
    /// Deliver as NMI, unmasked: the host profiles its own kernel.
    Nmi,
    /// Deliver this vector.
    Fixed {
        /// 16 to 255.
        vector: u8,
        /// The owner does not want to hear of it.
        masked: bool,
    },
    /// Nobody counts.
    Masked,
}

/// Access to one CPU's performance-monitoring registers. The caller is on that CPU with interrupts off.
///
/// The driver only writes values that its own checks allow, so an implementation need not handle #GP.
pub trait PmuPort {
    /// RDMSR.
    fn read_msr(&mut self, address: MsrAddr) -> u64;
    /// WRMSR.
    fn write_msr(&mut self, address: MsrAddr, value: u64);
    /// RDPMC with `ecx`.
    fn read_counter(&mut self, ecx: u32) -> u64;
    /// Writes the LVT performance-counter entry.
    fn set_local_vector(&mut self, vector: LocalVector);
    /// Publishes the phase to this CPU's NMI stub.
    fn set_phase(&mut self, phase: Phase);
}

/// Register operations executed, for the accounting page. LVTPC counts as a write of its own kind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Operations {
    /// RDMSR.
    pub reads: u64,
    /// WRMSR.
    pub writes: u64,
    /// RDPMC.
    pub counter_reads: u64,
    /// Writes of LVTPC.
    pub vector_writes: u64,
}

impl Operations {
    /// (R, W, P) as budgets state them: LVTPC is one of the writes.
    #[must_use]
    pub const fn triple(self) -> (u64, u64, u64) {
        (
            self.reads,
            self.writes + self.vector_writes,
            self.counter_reads,
        )
    }

    /// What was executed after `earlier` was taken.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            reads: self.reads - earlier.reads,
            writes: self.writes - earlier.writes,
            counter_reads: self.counter_reads - earlier.counter_reads,
            vector_writes: self.vector_writes - earlier.vector_writes,
        }
    }
}

/// A port that counts what goes through it.
#[derive(Debug)]
pub(crate) struct Metered<P> {
    pub(crate) inner: P,
    pub(crate) operations: Operations,
}

impl<P: PmuPort> Metered<P> {
    pub(crate) fn new(inner: P) -> Self {
        Self {
            inner,
            operations: Operations::default(),
        }
    }

    pub(crate) fn read<R: MsrReg>(&mut self) -> R {
        self.operations.reads += 1;
        R::from(self.inner.read_msr(R::ADDR))
    }

    pub(crate) fn write<R: MsrReg>(&mut self, value: R) {
        self.write_at(R::ADDR, value.into());
    }

    pub(crate) fn write_at(&mut self, address: MsrAddr, value: u64) {
        self.operations.writes += 1;
        self.inner.write_msr(address, value);
    }

    pub(crate) fn read_counter(&mut self, ecx: u32) -> u64 {
        self.operations.counter_reads += 1;
        self.inner.read_counter(ecx)
    }

    pub(crate) fn set_local_vector(&mut self, vector: LocalVector) {
        self.operations.vector_writes += 1;
        self.inner.set_local_vector(vector);
    }
}
