//! Secondary controls, segment access rights, guest-physical translations.

use bitfield_struct::bitfield;

use crate::msr::{MsrAddr, MsrReg};

/// Secondary processor-based controls. SDM vol. 3C, "Secondary Processor-Based VM-Execution Controls".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct SecondaryControls {
    /// APIC accesses by physical address exit.
    pub virtualize_apic_accesses: bool,
    /// Extended page tables.
    pub ept: bool,
    /// Accesses to descriptor-table registers exit.
    pub descriptor_table_exiting: bool,
    /// RDTSCP does not raise #UD.
    pub rdtscp: bool,
    /// x2APIC registers are virtual.
    pub virtualize_x2apic: bool,
    /// Translations are tagged with the VPID.
    pub vpid: bool,
    /// WBINVD exits.
    pub wbinvd_exiting: bool,
    /// The guest may run without paging, or in real mode.
    pub unrestricted_guest: bool,
    #[bits(2)]
    __: u8,
    /// Many PAUSEs in a row exit.
    pub pause_loop_exiting: bool,
    /// RDRAND exits.
    pub rdrand_exiting: bool,
    /// INVPCID does not raise #UD.
    pub invpcid: bool,
    #[bits(7)]
    __: u8,
    /// XSAVES and XRSTORS do not raise #UD.
    pub xsaves: bool,
    #[bits(11)]
    __: u16,
}

/// IA32_VMX_PROCBASED_CTLS2. SDM vol. 3D, "Secondary Processor-Based VM-Execution Controls".
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SecondaryCapability(pub u64);

impl From<u64> for SecondaryCapability {
    fn from(bits: u64) -> Self {
        Self(bits)
    }
}
impl From<SecondaryCapability> for u64 {
    fn from(register: SecondaryCapability) -> u64 {
        register.0
    }
}
impl MsrReg for SecondaryCapability {
    const ADDR: MsrAddr = MsrAddr(0x48b);
    const NAME: &'static str = "IA32_VMX_PROCBASED_CTLS2";
}
impl super::ControlCapability for SecondaryCapability {
    type Controls = SecondaryControls;
}

/// Access rights of a segment in the VMCS. SDM vol. 3C, "Format of Access Rights".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct AccessRights {
    /// Type; with `code_or_data` bit 3 is "code", bit 0 "accessed".
    #[bits(4)]
    pub kind: u8,
    /// Code or data, as opposed to a system segment.
    pub code_or_data: bool,
    /// Descriptor privilege level; of SS: the current privilege level.
    #[bits(2)]
    pub privilege: u8,
    /// Present.
    pub present: bool,
    #[bits(4)]
    __: u8,
    /// For software.
    pub available: bool,
    /// 64-bit code.
    pub long: bool,
    /// 32-bit operands and stack.
    pub big: bool,
    /// The limit counts pages.
    pub granular: bool,
    /// The register holds no segment.
    pub unusable: bool,
    #[bits(15)]
    __: u16,
}

/// IA32_FEATURE_CONTROL. SDM vol. 3C, "Enabling and Entering VMX Operation".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct FeatureControl {
    /// No further writes until reset.
    pub locked: bool,
    /// VMXON within safer mode.
    pub vmx_in_smx: bool,
    /// VMXON outside safer mode.
    pub vmx_outside_smx: bool,
    #[bits(61)]
    __: u64,
}

impl MsrReg for FeatureControl {
    const ADDR: MsrAddr = MsrAddr(0x3a);
    const NAME: &'static str = "IA32_FEATURE_CONTROL";
}

/// IA32_VMX_BASIC. SDM vol. 3D, "Basic VMX Information".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct VmxBasic {
    /// Written to the first word of every VMXON and VMCS region.
    #[bits(31)]
    pub revision: u32,
    __: bool,
    /// Bytes of a region.
    #[bits(13)]
    pub region_bytes: u16,
    #[bits(3)]
    __: u8,
    /// Regions must lie below 4 GiB.
    pub addresses_32_bits: bool,
    /// Dual-monitor treatment of system management.
    pub dual_monitor: bool,
    /// Memory type of regions; 6 is write-back.
    #[bits(4)]
    pub memory_type: u8,
    /// INS and OUTS exits tell their instruction.
    pub instruction_information: bool,
    /// The capability registers named "true" exist.
    pub true_controls: bool,
    #[bits(8)]
    __: u8,
}

impl MsrReg for VmxBasic {
    const ADDR: MsrAddr = MsrAddr(0x480);
    const NAME: &'static str = "IA32_VMX_BASIC";
}

/// Declares the registers that say which bits of CR0 and CR4 are fixed in VMX operation.
macro_rules! fixed_bits {
    ($($(#[$doc:meta])* $name:ident = $addr:literal, $title:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
        pub struct $name(pub u64);
        impl From<u64> for $name {
            fn from(bits: u64) -> Self {
                Self(bits)
            }
        }
        impl From<$name> for u64 {
            fn from(register: $name) -> u64 {
                register.0
            }
        }
        impl MsrReg for $name {
            const ADDR: MsrAddr = MsrAddr($addr);
            const NAME: &'static str = $title;
        }
    )+};
}

fixed_bits! {
    /// Bits of CR0 that must be one. SDM vol. 3D, "VMX-Fixed Bits in CR0".
    Cr0MustBeOne = 0x486, "IA32_VMX_CR0_FIXED0";
    /// Bits of CR0 that may be one.
    Cr0MayBeOne = 0x487, "IA32_VMX_CR0_FIXED1";
    /// Bits of CR4 that must be one. SDM vol. 3D, "VMX-Fixed Bits in CR4".
    Cr4MustBeOne = 0x488, "IA32_VMX_CR4_FIXED0";
    /// Bits of CR4 that may be one.
    Cr4MayBeOne = 0x489, "IA32_VMX_CR4_FIXED1";
    /// What EPT and VPID can do. SDM vol. 3D, "VPID and EPT Capabilities".
    EptVpidCapability = 0x48c, "IA32_VMX_EPT_VPID_CAP";
}

impl EptVpidCapability {
    /// Page walks of four levels.
    #[must_use]
    pub const fn walks_four_levels(self) -> bool {
        self.0 >> 6 & 1 == 1
    }

    /// EPT structures may be write-back.
    #[must_use]
    pub const fn walks_write_back(self) -> bool {
        self.0 >> 14 & 1 == 1
    }

    /// INVEPT exists, for one context.
    #[must_use]
    pub const fn invalidates_one_ept(self) -> bool {
        self.0 >> 20 & 1 == 1 && self.0 >> 25 & 1 == 1
    }
}

/// EPT pointer. SDM vol. 3C, "Extended-Page-Table Pointer (EPTP)".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct EptPointer {
    /// Memory type of the structures; 6 is write-back.
    #[bits(3)]
    pub memory_type: u8,
    /// Levels of the walk, less one.
    #[bits(3)]
    pub levels_less_one: u8,
    /// Keep accessed and dirty bits.
    pub accessed_dirty: bool,
    /// Supervisor shadow-stack control.
    pub shadow_stack: bool,
    #[bits(4)]
    __: u8,
    /// Physical page of the first table.
    #[bits(40)]
    pub page: u64,
    #[bits(12)]
    __: u16,
}

/// An entry of an EPT structure: table or 4 KiB page. SDM vol. 3C, "The Extended Page Table Mechanism (EPT)".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct EptEntry {
    /// Reads are allowed.
    pub read: bool,
    /// Writes are allowed.
    pub write: bool,
    /// Fetches are allowed.
    pub execute: bool,
    /// Memory type of a page; 6 is write-back. Zero in an entry that names a table.
    #[bits(3)]
    pub memory_type: u8,
    /// Ignore the guest's PAT.
    pub ignore_pat: bool,
    /// A large page.
    pub large: bool,
    /// Accessed.
    pub accessed: bool,
    /// Dirty.
    pub dirty: bool,
    #[bits(2)]
    __: u8,
    /// Physical page of the table or memory.
    #[bits(40)]
    pub page: u64,
    #[bits(12)]
    __: u16,
}

const _: () = assert!(
    SecondaryControls::new()
        .with_unrestricted_guest(true)
        .into_bits()
        == 1 << 7
);
const _: () = assert!(SecondaryControls::new().with_xsaves(true).into_bits() == 1 << 20);
const _: () = assert!(AccessRights::new().with_unusable(true).into_bits() == 1 << 16);
const _: () = assert!(VmxBasic::new().with_true_controls(true).into_bits() == 1 << 55);
const _: () = assert!(EptPointer::new().with_page(1).into_bits() == 1 << 12);
const _: () = assert!(EptEntry::new().with_large(true).into_bits() == 1 << 7);
