//! The VMCS fields of guest and host state, and what an exit tells.
//! SDM vol. 3D, "Field Encoding in VMCS".

use crate::vmcs_fields;
use crate::vmx::{AccessRights, SecondaryControls};

crate::vmcs_values! {
    SecondaryControls: u32;
    AccessRights: u32;
}

/// One segment register's four fields.
#[derive(Debug)]
pub struct SegmentFields {
    /// Selector.
    pub selector: super::VmcsField<u16, super::Rw>,
    /// Base.
    pub base: super::VmcsField<u64, super::Rw>,
    /// Limit in bytes.
    pub limit: super::VmcsField<u32, super::Rw>,
    /// Access rights.
    pub access: super::VmcsField<AccessRights, super::Rw>,
}

macro_rules! segments {
    ($($name:ident: $selector:literal $base:literal $limit:literal $access:literal;)+) => {
        /// The guest's segment registers: es cs ss ds fs gs ldtr tr.
        pub const GUEST_SEGMENTS: [SegmentFields; 8] = [$(SegmentFields {
            selector: super::VmcsField::new($selector, concat!("GUEST_", stringify!($name), "_SELECTOR")),
            base: super::VmcsField::new($base, concat!("GUEST_", stringify!($name), "_BASE")),
            limit: super::VmcsField::new($limit, concat!("GUEST_", stringify!($name), "_LIMIT")),
            access: super::VmcsField::new($access, concat!("GUEST_", stringify!($name), "_ACCESS_RIGHTS")),
        },)+];
    };
}

segments! {
    ES: 0x0800 0x6806 0x4800 0x4814;
    CS: 0x0802 0x6808 0x4802 0x4816;
    SS: 0x0804 0x680a 0x4804 0x4818;
    DS: 0x0806 0x680c 0x4806 0x481a;
    FS: 0x0808 0x680e 0x4808 0x481c;
    GS: 0x080a 0x6810 0x480a 0x481e;
    LDTR: 0x080c 0x6812 0x480c 0x4820;
    TR: 0x080e 0x6814 0x480e 0x4822;
}

vmcs_fields! {
    /// Tag of the guest's translations; 0 is the host's.
    VIRTUAL_PROCESSOR_ID: u16 = 0x0000, Rw;
    /// Selector loaded into ES on exit.
    HOST_ES_SELECTOR: u16 = 0x0c00, Rw;
    /// Selector loaded into CS on exit.
    HOST_CS_SELECTOR: u16 = 0x0c02, Rw;
    /// Selector loaded into SS on exit.
    HOST_SS_SELECTOR: u16 = 0x0c04, Rw;
    /// Selector loaded into DS on exit.
    HOST_DS_SELECTOR: u16 = 0x0c06, Rw;
    /// Selector loaded into FS on exit.
    HOST_FS_SELECTOR: u16 = 0x0c08, Rw;
    /// Selector loaded into GS on exit.
    HOST_GS_SELECTOR: u16 = 0x0c0a, Rw;
    /// Selector loaded into TR on exit.
    HOST_TR_SELECTOR: u16 = 0x0c0c, Rw;
    /// EPT pointer.
    EPT_POINTER: u64 = 0x201a, Rw;
    /// Guest-physical address of an EPT violation.
    GUEST_PHYSICAL_ADDRESS: u64 = 0x2400, Ro;
    /// All ones: there is no shadow VMCS.
    VMCS_LINK_POINTER: u64 = 0x2800, Rw;
    /// The guest's IA32_PAT.
    GUEST_PAT: u64 = 0x2804, Rw;
    /// The guest's IA32_EFER.
    GUEST_EFER: u64 = 0x2806, Rw;
    /// Loaded into IA32_PAT on exit.
    HOST_PAT: u64 = 0x2c00, Rw;
    /// Loaded into IA32_EFER on exit.
    HOST_EFER: u64 = 0x2c02, Rw;
    /// Exceptions that exit, one bit a vector.
    EXCEPTION_BITMAP: u32 = 0x4004, Rw;
    /// Which page-fault error codes the bitmap speaks of: mask.
    PAGE_FAULT_MASK: u32 = 0x4006, Rw;
    /// Which page-fault error codes the bitmap speaks of: match.
    PAGE_FAULT_MATCH: u32 = 0x4008, Rw;
    /// How many CR3 targets do not exit.
    CR3_TARGET_COUNT: u32 = 0x400a, Rw;
    /// Event to inject on entry.
    ENTRY_INTERRUPTION_INFO: u32 = 0x4016, Rw;
    /// Its error code.
    ENTRY_ERROR_CODE: u32 = 0x4018, Rw;
    /// Instruction length of an injected software event.
    ENTRY_INSTRUCTION_LENGTH: u32 = 0x401a, Rw;
    /// What makes an instruction exit, secondary controls.
    SECONDARY_CONTROLS: SecondaryControls = 0x401e, Rw;
    /// Why VMLAUNCH, VMRESUME and others failed.
    INSTRUCTION_ERROR: u32 = 0x4400, Ro;
    /// Error code of the event that exited.
    EXIT_ERROR_CODE: u32 = 0x4406, Ro;
    /// The event whose delivery the exit cut short.
    IDT_VECTORING_INFO: u32 = 0x4408, Ro;
    /// Its error code.
    IDT_VECTORING_ERROR_CODE: u32 = 0x440a, Ro;
    /// Length of the instruction that exited, in bytes.
    EXIT_INSTRUCTION_LENGTH: u32 = 0x440c, Ro;
    /// Limit of the guest's global descriptor table.
    GUEST_GDTR_LIMIT: u32 = 0x4810, Rw;
    /// Limit of the guest's interrupt descriptor table.
    GUEST_IDTR_LIMIT: u32 = 0x4812, Rw;
    /// Blocking by STI, MOV SS, SMI and NMI.
    GUEST_INTERRUPTIBILITY: u32 = 0x4824, Rw;
    /// 0 active, 1 halted.
    GUEST_ACTIVITY: u32 = 0x4826, Rw;
    /// The guest's IA32_SYSENTER_CS.
    GUEST_SYSENTER_CS: u32 = 0x482a, Rw;
    /// Ticks until the preemption timer exits.
    PREEMPTION_TIMER: u32 = 0x482e, Rw;
    /// Loaded into IA32_SYSENTER_CS on exit.
    HOST_SYSENTER_CS: u32 = 0x4c00, Rw;
    /// Bits of CR0 that the host owns.
    CR0_MASK: u64 = 0x6000, Rw;
    /// Bits of CR4 that the host owns.
    CR4_MASK: u64 = 0x6002, Rw;
    /// What the guest reads for the host's bits of CR0.
    CR0_SHADOW: u64 = 0x6004, Rw;
    /// What the guest reads for the host's bits of CR4.
    CR4_SHADOW: u64 = 0x6006, Rw;
    /// Details of the exit.
    EXIT_QUALIFICATION: u64 = 0x6400, Ro;
    /// Guest-linear address of some exits.
    GUEST_LINEAR_ADDRESS: u64 = 0x640a, Ro;
    /// The guest's CR0.
    GUEST_CR0: u64 = 0x6800, Rw;
    /// The guest's CR3.
    GUEST_CR3: u64 = 0x6802, Rw;
    /// The guest's CR4.
    GUEST_CR4: u64 = 0x6804, Rw;
    /// Base of the guest's global descriptor table.
    GUEST_GDTR_BASE: u64 = 0x6816, Rw;
    /// Base of the guest's interrupt descriptor table.
    GUEST_IDTR_BASE: u64 = 0x6818, Rw;
    /// The guest's DR7.
    GUEST_DR7: u64 = 0x681a, Rw;
    /// The guest's stack pointer.
    GUEST_RSP: u64 = 0x681c, Rw;
    /// The guest's instruction pointer.
    GUEST_RIP: u64 = 0x681e, Rw;
    /// The guest's flags.
    GUEST_RFLAGS: u64 = 0x6820, Rw;
    /// Debug exceptions that wait.
    GUEST_PENDING_DEBUG: u64 = 0x6822, Rw;
    /// The guest's IA32_SYSENTER_ESP.
    GUEST_SYSENTER_ESP: u64 = 0x6824, Rw;
    /// The guest's IA32_SYSENTER_EIP.
    GUEST_SYSENTER_EIP: u64 = 0x6826, Rw;
    /// Loaded into CR0 on exit.
    HOST_CR0: u64 = 0x6c00, Rw;
    /// Loaded into CR3 on exit.
    HOST_CR3: u64 = 0x6c02, Rw;
    /// Loaded into CR4 on exit.
    HOST_CR4: u64 = 0x6c04, Rw;
    /// Base of FS after an exit.
    HOST_FS_BASE: u64 = 0x6c06, Rw;
    /// Base of GS after an exit.
    HOST_GS_BASE: u64 = 0x6c08, Rw;
    /// Base of TR after an exit.
    HOST_TR_BASE: u64 = 0x6c0a, Rw;
    /// Base of the global descriptor table after an exit.
    HOST_GDTR_BASE: u64 = 0x6c0c, Rw;
    /// Base of the interrupt descriptor table after an exit.
    HOST_IDTR_BASE: u64 = 0x6c0e, Rw;
    /// Loaded into IA32_SYSENTER_ESP on exit.
    HOST_SYSENTER_ESP: u64 = 0x6c10, Rw;
    /// Loaded into IA32_SYSENTER_EIP on exit.
    HOST_SYSENTER_EIP: u64 = 0x6c12, Rw;
    /// Stack pointer after an exit.
    HOST_RSP: u64 = 0x6c14, Rw;
    /// Instruction pointer after an exit.
    HOST_RIP: u64 = 0x6c16, Rw;
}
