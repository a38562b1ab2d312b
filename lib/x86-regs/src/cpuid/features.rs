//! The CPUID leaves that say what a kernel can switch on.

use bitfield_struct::bitfield;

use super::leaf;

/// Leaf 1, ECX. SDM vol. 2A, "CPUID--CPU Identification".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct FeatureEcx {
    #[bits(15)]
    __: u16,
    /// PDCM: IA32_PERF_CAPABILITIES exists.
    pub perf_capabilities: bool,
    __: bool,
    /// PCID.
    pub pcid: bool,
    #[bits(3)]
    __: u8,
    /// x2APIC mode.
    pub x2apic: bool,
    #[bits(2)]
    __: u8,
    /// The APIC timer has TSC-deadline mode.
    pub tsc_deadline: bool,
    __: bool,
    /// XSAVE.
    pub xsave: bool,
    #[bits(4)]
    __: u8,
    /// A hypervisor is present: its leaves start at 0x4000_0000.
    pub hypervisor: bool,
}

/// Leaf 1, EDX.
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct FeatureEdx {
    #[bits(7)]
    __: u8,
    /// MCE: machine-check exception.
    pub machine_check: bool,
    #[bits(5)]
    __: u8,
    /// PGE: global pages.
    pub global_pages: bool,
    #[bits(10)]
    __: u16,
    /// FXSAVE and FXRSTOR.
    pub fxsave: bool,
    #[bits(7)]
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
    #[bits(12)]
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
    #[bits(20)]
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

leaf! {
    /// Leaf 0: the highest leaf (EAX) and the vendor.
    VendorLeaf = 0x0 { u32, u32, u32, u32 }
}
leaf! {
    /// Leaf 1: features.
    FeatureLeaf = 0x1 { u32, u32, FeatureEcx, FeatureEdx }
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
    AmdFeatureLeaf = 0x8000_0001 { u32, u32, u32, AmdFeatureEdx }
}
leaf! {
    /// Leaf 0x8000_0008: physical address bits in EAX bits 7:0.
    AddressSizeLeaf = 0x8000_0008 { u32, u32, u32, u32 }
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
const _: () = assert!(AmdFeatureEdx::new().with_gigabyte_pages(true).into_bits() == 1 << 26);
const _: () = assert!(AmdFeatureEdx::new().with_long_mode(true).into_bits() == 1 << 29);
