//! Control registers CR0, CR4 and XCR0, and DR7.

use bitfield_struct::bitfield;

/// CR0: the mode of the processor. SDM vol. 3A, "Control Registers".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Cr0 {
    /// PE: protected mode.
    pub protection: bool,
    /// MP: WAIT obeys TS.
    pub monitor_coprocessor: bool,
    /// EM: no FPU; its instructions fault.
    pub emulation: bool,
    /// TS: FPU and SSE instructions raise #NM.
    pub task_switched: bool,
    /// ET: always 1.
    pub extension_type: bool,
    /// NE: FPU errors raise #MF instead of an external interrupt.
    pub numeric_error: bool,
    #[bits(10)]
    __: u16,
    /// WP: ring 0 obeys read-only pages too.
    pub write_protect: bool,
    __: bool,
    /// AM: ring 3 may ask for alignment checks with RFLAGS.AC.
    pub alignment_mask: bool,
    #[bits(10)]
    __: u16,
    /// NW: not write-through.
    pub not_write_through: bool,
    /// CD: caches off.
    pub cache_disable: bool,
    /// PG: paging.
    pub paging: bool,
    #[bits(32)]
    __: u32,
}

/// CR4: extensions that are switched on. SDM vol. 3A, "Control Registers".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Cr4 {
    /// VME: virtual-8086 extensions.
    pub virtual_8086: bool,
    /// PVI: protected-mode virtual interrupts.
    pub virtual_interrupts: bool,
    /// TSD: RDTSC faults in ring 3.
    pub time_stamp_disable: bool,
    /// DE: DR4 and DR5 are reserved, I/O breakpoints exist.
    pub debugging_extensions: bool,
    /// PSE: large pages without PAE.
    pub page_size_extensions: bool,
    /// PAE: 64-bit page-table entries.
    pub physical_address_extension: bool,
    /// MCE: machine checks raise #MC instead of a shutdown.
    pub machine_check: bool,
    /// PGE: global pages.
    pub global_pages: bool,
    /// PCE: RDPMC works in ring 3.
    pub performance_counters: bool,
    /// OSFXSR: SSE, FXSAVE and FXRSTOR.
    pub fxsave: bool,
    /// OSXMMEXCPT: SSE errors raise #XM.
    pub simd_exceptions: bool,
    /// UMIP: SGDT, SIDT, SLDT, SMSW and STR fault in ring 3.
    pub user_instruction_prevention: bool,
    /// LA57: five levels of page tables.
    pub five_levels: bool,
    /// VMXE: VMX instructions.
    pub vmx: bool,
    /// SMXE: SMX instructions.
    pub smx: bool,
    __: bool,
    /// FSGSBASE: RDFSBASE and its relatives.
    pub fs_gs_base: bool,
    /// PCIDE: process-context identifiers.
    pub pcid: bool,
    /// OSXSAVE: XSAVE and XCR0.
    pub xsave: bool,
    /// KL: key locker.
    pub key_locker: bool,
    /// SMEP: ring 0 cannot fetch from user pages.
    pub smep: bool,
    /// SMAP: ring 0 cannot touch user pages while RFLAGS.AC is 0.
    pub smap: bool,
    /// PKE: protection keys for user pages.
    pub user_keys: bool,
    /// CET: control-flow enforcement.
    pub control_flow: bool,
    /// PKS: protection keys for supervisor pages.
    pub supervisor_keys: bool,
    #[bits(39)]
    __: u64,
}

/// XCR0: which state XSAVE handles. SDM vol. 1, "Enabling the XSAVE Feature Set and XSAVE-Enabled Features".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Xcr0 {
    /// x87 state; always 1.
    pub x87: bool,
    /// XMM0 to XMM15 and MXCSR.
    pub sse: bool,
    /// Upper halves of YMM0 to YMM15.
    pub avx: bool,
    #[bits(2)]
    __: u8,
    /// Opmask registers K0 to K7.
    pub opmask: bool,
    /// Upper halves of ZMM0 to ZMM15.
    pub zmm_high: bool,
    /// ZMM16 to ZMM31.
    pub zmm_16_to_31: bool,
    #[bits(56)]
    __: u64,
}

/// DR7: which breakpoints are on. SDM vol. 3B, "Debug Control Register (DR7)".
#[bitfield(u64)]
#[derive(PartialEq, Eq)]
pub struct Dr7 {
    /// L0, G0 to L3, G3: local and global enables of the four breakpoints.
    pub enables: u8,
    #[bits(2)]
    __: u8,
    #[bits(default = true)]
    __: bool,
    #[bits(53)]
    __: u64,
}

const _: () = assert!(Cr0::new().with_write_protect(true).into_bits() == 1 << 16);
const _: () = assert!(Cr0::new().with_paging(true).into_bits() == 1 << 31);
const _: () = assert!(Cr4::new().with_smep(true).with_smap(true).into_bits() == 3 << 20);
const _: () = assert!(Cr4::new().with_xsave(true).into_bits() == 1 << 18);
const _: () = assert!(Xcr0::new().with_zmm_16_to_31(true).into_bits() == 1 << 7);
const _: () = assert!(Dr7::new().into_bits() == 0x400);
