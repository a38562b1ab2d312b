//! Exit qualifications: what exactly a guest did when it exited.

use bitfield_struct::bitfield;

/// Of a port access. SDM vol. 3C, "Exit Qualification for I/O Instructions".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct PortQualification {
    /// Bytes accessed, minus 1: 0, 1 or 3.
    #[bits(3)]
    pub size_less_1: u8,
    /// IN; otherwise OUT.
    pub input: bool,
    /// INS or OUTS.
    pub string: bool,
    /// With a REP prefix.
    pub repeated: bool,
    /// The port is in the instruction; otherwise in DX.
    pub immediate: bool,
    #[bits(9)]
    __: u16,
    /// The port.
    pub port: u16,
    #[bits(32)]
    __: u32,
}

/// Of a control-register access. SDM vol. 3C, "Exit Qualification for Control-Register Accesses".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct ControlQualification {
    /// Which control register.
    #[bits(4)]
    pub control: u8,
    /// [`Self::WRITE`], [`Self::READ`], [`Self::CLTS`] or [`Self::LMSW`].
    #[bits(2)]
    pub access: u8,
    /// LMSW from memory.
    pub lmsw_memory: bool,
    #[bits(1)]
    __: bool,
    /// Which general register, in the order of instruction encoding.
    #[bits(4)]
    pub general: u8,
    #[bits(4)]
    __: u8,
    /// What LMSW loads.
    pub lmsw_source: u16,
    #[bits(32)]
    __: u32,
}

impl ControlQualification {
    /// MOV to the control register.
    pub const WRITE: u8 = 0;
    /// MOV from the control register.
    pub const READ: u8 = 1;
    /// CLTS.
    pub const CLTS: u8 = 2;
    /// LMSW.
    pub const LMSW: u8 = 3;
}

/// Of an EPT violation. SDM vol. 3C, "Exit Qualification for EPT Violations".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct EptQualification {
    /// The access was a read.
    pub read: bool,
    /// The access was a write.
    pub write: bool,
    /// The access was an instruction fetch.
    pub fetch: bool,
    /// The page can be read.
    pub readable: bool,
    /// The page can be written.
    pub writable: bool,
    /// The page can be fetched from.
    pub executable: bool,
    #[bits(1)]
    __: bool,
    /// The guest-linear address is known.
    pub linear_valid: bool,
    /// The access was to the translation of the linear address; otherwise to a paging structure.
    pub translated: bool,
    #[bits(55)]
    __: u64,
}

const _: () = assert!(PortQualification::new().with_port(1).into_bits() == 1 << 16);
const _: () = assert!(ControlQualification::new().with_general(1).into_bits() == 1 << 8);
const _: () = assert!(ControlQualification::new().with_lmsw_source(1).into_bits() == 1 << 16);
const _: () = assert!(EptQualification::new().with_translated(true).into_bits() == 1 << 8);
