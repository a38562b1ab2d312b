//! What the kernel tells the first task about the machine.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// First word of a [`BootInfo`] page: "BATONBI1".
pub const BOOT_INFO_MAGIC: u64 = u64::from_le_bytes(*b"BATONBI1");

bitflags::bitflags! {
    /// What the kernel found and switched on.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct CpuFeatures: u64 {
        /// Supervisor-mode execution prevention.
        const SMEP = 1 << 0;
        /// Supervisor-mode access prevention.
        const SMAP = 1 << 1;
        /// User-mode instruction prevention.
        const UMIP = 1 << 2;
        /// No-execute pages.
        const NX = 1 << 3;
        /// The local APIC is in x2APIC mode (else xAPIC).
        const X2APIC = 1 << 4;
        /// The timer is the TSC deadline (else the APIC's one-shot counter).
        const TSC_DEADLINE = 1 << 5;
        /// FPU state is switched with XSAVE (else FXSAVE).
        const XSAVE = 1 << 6;
        /// The TSC's frequency is CPUID's (else measured).
        const TSC_FROM_CPUID = 1 << 7;
        /// The machine has an IOAPIC that the kernel uses.
        const IOAPIC = 1 << 8;
    }
}

/// One read-only page, mapped into the root task; its address is in `rsi` when the task starts.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct BootInfo {
    /// [`BOOT_INFO_MAGIC`].
    pub magic: u64,
    /// TSC ticks a second.
    pub tsc_hz: u64,
    /// TSC at the kernel's first instruction.
    pub tsc_at_entry: u64,
    /// TSC just before the first task runs.
    pub tsc_at_first_task: u64,
    /// Bits of [`CpuFeatures`].
    pub features: u64,
    /// CPUs that run.
    pub cpus: u32,
    /// Tasks (threads) in the system image.
    pub threads: u32,
    /// Bytes of usable memory that the machine reported.
    pub memory_bytes: u64,
    /// Bytes of it that kernel and system use.
    pub used_bytes: u64,
    /// The system's name, UTF-8, padded with zero bytes.
    pub system: [u8; 32],
    /// The CPU's brand string, UTF-8, padded with zero bytes.
    pub cpu: [u8; 48],
}
