//! The CPUID leaves that say what a kernel can switch on.

use bitfield_struct::bitfield;

use super::leaf;

/// Leaf 1, EBX: facts that are no features. SDM vol. 2A, "CPUID--CPU Identification".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct IdentityEbx {
    /// Index of a brand string; 0: leaves 0x8000_0002 and following have it.
    pub brand: u8,
    /// Bytes that CLFLUSH flushes, divided by 8.
    pub flush_line: u8,
    /// Room for logical processors in the package.
    pub logical_processors: u8,
    /// Initial identity of the local APIC.
    pub apic_id: u8,
}

/// Leaf 1, ECX. SDM vol. 2A, "CPUID--CPU Identification".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct FeatureEcx {
    /// SSE3.
    pub sse3: bool,
    /// PCLMULQDQ.
    pub carryless_multiply: bool,
    #[bits(3)]
    __: u8,
    /// VMX.
    pub vmx: bool,
    #[bits(3)]
    __: u8,
    /// SSSE3.
    pub ssse3: bool,
    #[bits(3)]
    __: u8,
    /// CMPXCHG16B.
    pub compare_exchange_16: bool,
    #[bits(1)]
    __: bool,
    /// PDCM: IA32_PERF_CAPABILITIES exists.
    pub perf_capabilities: bool,
    __: bool,
    /// PCID.
    pub pcid: bool,
    __: bool,
    /// SSE4.1.
    pub sse4_1: bool,
    /// SSE4.2.
    pub sse4_2: bool,
    /// x2APIC mode.
    pub x2apic: bool,
    /// MOVBE.
    pub movbe: bool,
    /// POPCNT.
    pub popcnt: bool,
    /// The APIC timer has TSC-deadline mode.
    pub tsc_deadline: bool,
    /// AES instructions.
    pub aes: bool,
    /// XSAVE.
    pub xsave: bool,
    #[bits(4)]
    __: u8,
    /// A hypervisor is present: its leaves start at 0x4000_0000.
    pub hypervisor: bool,
}

const _: () = assert!(FeatureEcx::new().with_vmx(true).into_bits() == 1 << 5);

/// Leaf 1, EDX.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct FeatureEdx {
    /// x87 FPU.
    pub fpu: bool,
    __: bool,
    /// DE: I/O breakpoints, and DR4 and DR5 reserved.
    pub debugging_extensions: bool,
    /// PSE: large pages without PAE.
    pub page_size_extensions: bool,
    /// RDTSC.
    pub time_stamp_counter: bool,
    /// RDMSR and WRMSR.
    pub model_specific_registers: bool,
    /// PAE: 64-bit page-table entries.
    pub physical_address_extension: bool,
    /// MCE: machine-check exception.
    pub machine_check: bool,
    /// CMPXCHG8B.
    pub compare_exchange_8: bool,
    /// A local APIC.
    pub apic: bool,
    __: bool,
    /// SYSENTER.
    pub sysenter: bool,
    __: bool,
    /// PGE: global pages.
    pub global_pages: bool,
    __: bool,
    /// CMOVcc.
    pub conditional_move: bool,
    /// IA32_PAT.
    pub page_attributes: bool,
    #[bits(2)]
    __: u8,
    /// CLFLUSH.
    pub cache_line_flush: bool,
    #[bits(3)]
    __: u8,
    /// MMX.
    pub mmx: bool,
    /// FXSAVE and FXRSTOR.
    pub fxsave: bool,
    /// SSE.
    pub sse: bool,
    /// SSE2.
    pub sse2: bool,
    #[bits(5)]
    __: u8,
}

/// Leaf 7, EBX. SDM vol. 2A, "CPUID--CPU Identification", "Structured Extended Feature Flags".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct ExtendedEbx {
    /// FSGSBASE.
    pub fs_gs_base: bool,
    #[bits(6)]
    __: u8,
    /// SMEP.
    pub smep: bool,
    __: bool,
    /// REP MOVSB and STOSB are fast.
    pub fast_strings: bool,
    #[bits(10)]
    __: u16,
    /// SMAP.
    pub smap: bool,
    #[bits(11)]
    __: u16,
}

/// Leaf 7, ECX.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct ExtendedEcx {
    #[bits(2)]
    __: u8,
    /// UMIP.
    pub umip: bool,
    #[bits(29)]
    __: u32,
}

/// Leaf 0x8000_0001, EDX. APM vol. 3, "Extended Processor and Processor Feature Identifiers".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct AmdFeatureEdx {
    #[bits(11)]
    __: u32,
    /// SYSCALL and SYSRET.
    pub system_call: bool,
    #[bits(8)]
    __: u32,
    /// NX: no-execute pages.
    pub no_execute: bool,
    #[bits(5)]
    __: u8,
    /// Pages of 1 GiB.
    pub gigabyte_pages: bool,
    /// RDTSCP.
    pub rdtscp: bool,
    __: bool,
    /// LM: long mode.
    pub long_mode: bool,
    #[bits(2)]
    __: u8,
}

/// Leaf 0x8000_0001, ECX.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct AmdFeatureEcx {
    /// LAHF and SAHF in 64-bit mode.
    pub lahf_in_long_mode: bool,
    #[bits(31)]
    __: u32,
}

/// Leaf 0x8000_0007, EDX.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct PowerEdx {
    __: u8,
    /// The TSC runs at one speed, always.
    pub invariant_tsc: bool,
    #[bits(23)]
    __: u32,
}

/// Leaf 0x8000_0008, EAX.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct AddressSizes {
    /// Bits of a physical address.
    pub physical: u8,
    /// Bits of a linear address.
    pub linear: u8,
    __: u16,
}

/// Leaf 0xB, ECX.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct TopologyEcx {
    /// The subleaf asked for.
    pub level: u8,
    /// [`Self::THREADS`], [`Self::CORES`]; 0: there is no such level.
    pub kind: u8,
    __: u16,
}

impl TopologyEcx {
    /// The level of logical processors in a core.
    pub const THREADS: u8 = 1;
    /// The level of cores in a package.
    pub const CORES: u8 = 2;
}

leaf! {
    /// Leaf 0: the highest leaf (EAX) and the vendor.
    VendorLeaf = 0x0 { u32, u32, u32, u32 }
}
leaf! {
    /// Leaf 1: features.
    FeatureLeaf = 0x1 { u32, IdentityEbx, FeatureEcx, FeatureEdx }
}
leaf! {
    /// Leaf 7: more features.
    ExtendedLeaf = 0x7 { u32, ExtendedEbx, ExtendedEcx, u32 }
}
leaf! {
    /// Leaf 0xD, subleaf 0: XCR0's possible bits (EDX:EAX) and the bytes of an area for those set now (EBX).
    XsaveLeaf = 0xd { u32, u32, u32, u32 }
}
leaf! {
    /// Leaf 0xB: where this logical processor is in its package; EDX is its x2APIC identity.
    TopologyLeaf = 0xb { u32, u32, TopologyEcx, u32 }
}
leaf! {
    /// Leaf 0x15: TSC ratio, denominator (EAX) and numerator (EBX), to the crystal's Hz (ECX). 0 where not said.
    ClockLeaf = 0x15 { u32, u32, u32, u32 }
}
leaf! {
    /// Leaf 0x16: base frequency in MHz (EAX).
    FrequencyLeaf = 0x16 { u32, u32, u32, u32 }
}
leaf! {
    /// Leaf 0x4000_0000: highest leaf of the hypervisor (EAX) and its name.
    HypervisorLeaf = 0x4000_0000 { u32, u32, u32, u32 }
}
leaf! {
    /// Leaf 0x4000_0010: the hypervisor's TSC frequency in kHz (EAX). "Timing Information", a convention of VMware that others follow.
    HypervisorClockLeaf = 0x4000_0010 { u32, u32, u32, u32 }
}
leaf! {
    /// Leaf 0x8000_0000: the highest of these leaves (EAX).
    AmdVendorLeaf = 0x8000_0000 { u32, u32, u32, u32 }
}
leaf! {
    /// Leaf 0x8000_0001: features first seen in AMD CPUs.
    AmdFeatureLeaf = 0x8000_0001 { u32, u32, AmdFeatureEcx, AmdFeatureEdx }
}
leaf! {
    /// Leaf 0x8000_0007: power management.
    PowerLeaf = 0x8000_0007 { u32, u32, u32, PowerEdx }
}
leaf! {
    /// Leaf 0x8000_0008: sizes of addresses.
    AddressSizeLeaf = 0x8000_0008 { AddressSizes, u32, u32, u32 }
}
leaf! {
    /// Leaf 0x8000_0002: first third of the brand string, 16 bytes in EAX, EBX, ECX, EDX. The next two leaves have the rest.
    BrandLeaf = 0x8000_0002 { u32, u32, u32, u32 }
}

const _: () = assert!(FeatureEcx::new().with_x2apic(true).into_bits() == 1 << 21);
const _: () = assert!(FeatureEcx::new().with_tsc_deadline(true).into_bits() == 1 << 24);
const _: () = assert!(FeatureEcx::new().with_xsave(true).into_bits() == 1 << 26);
const _: () = assert!(FeatureEdx::new().with_fxsave(true).into_bits() == 1 << 24);
const _: () = assert!(ExtendedEbx::new().with_smap(true).into_bits() == 1 << 20);
const _: () = assert!(FeatureEcx::new().with_hypervisor(true).into_bits() == 1 << 31);
const _: () = assert!(FeatureEcx::new().with_pcid(true).into_bits() == 1 << 17);
const _: () = assert!(FeatureEcx::new().with_ssse3(true).into_bits() == 1 << 9);
const _: () = assert!(FeatureEdx::new().with_sse2(true).into_bits() == 1 << 26);
const _: () = assert!(FeatureEdx::new().with_global_pages(true).into_bits() == 1 << 13);
const _: () = assert!(FeatureEdx::new().with_cache_line_flush(true).into_bits() == 1 << 19);
const _: () = assert!(ExtendedEbx::new().with_fast_strings(true).into_bits() == 1 << 9);
const _: () = assert!(AmdFeatureEdx::new().with_system_call(true).into_bits() == 1 << 11);
const _: () = assert!(PowerEdx::new().with_invariant_tsc(true).into_bits() == 1 << 8);
const _: () = assert!(AmdFeatureEdx::new().with_gigabyte_pages(true).into_bits() == 1 << 26);
const _: () = assert!(AmdFeatureEdx::new().with_long_mode(true).into_bits() == 1 << 29);
