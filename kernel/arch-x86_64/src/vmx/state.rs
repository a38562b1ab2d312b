//! A guest's registers between the VMCS and the page that its VMM sees.
//!
//! The page is a claim: what is loaded is made such that the host stays in charge (bits of CR0 and CR4 that are not the guest's,
//! activity states in which a CPU hears no interrupt), and the VM entry checks the rest.

use core::mem::offset_of;

use sel4_sys::vcpu::{Changed, Segment, VcpuState};
use x86_regs::system::{Cr0, Cr4, Efer, PageAttributes};
use x86_regs::vmx::state as field;
use x86_regs::vmx::{
    AccessRights, ENTRY_CONTROLS, EXIT_INTERRUPTION_INFO, EXIT_REASON, ExitReason, GUEST_DEBUGCTL,
    Interruptibility, InterruptionInfo, PortQualification,
};

use super::instructions::Current;
use crate::mm::PageRef;

/// Bits of CR0 that the guest does not have: an exit would not put CD and NW back, and VMX wants NE.
const CR0_OF_HOST: Cr0 = Cr0::new()
    .with_numeric_error(true)
    .with_not_write_through(true)
    .with_cache_disable(true);
/// Bits of CR0 that are set while a guest runs, whatever it believes.
const CR0_SET: Cr0 = Cr0::new()
    .with_numeric_error(true)
    .with_extension_type(true);

/// Bits of CR4 that a guest changes without an exit.
const CR4_OF_GUEST: Cr4 = Cr4::new()
    .with_virtual_8086(true)
    .with_virtual_interrupts(true)
    .with_time_stamp_disable(true)
    .with_debugging_extensions(true)
    .with_page_size_extensions(true)
    .with_physical_address_extension(true)
    .with_global_pages(true)
    .with_performance_counters(true)
    .with_fxsave(true)
    .with_simd_exceptions(true)
    .with_user_instruction_prevention(true)
    .with_fs_gs_base(true)
    .with_pcid(true)
    .with_xsave(true)
    .with_smep(true)
    .with_smap(true);
/// Bits of CR4 that are set while a guest runs. A machine check must not become a shutdown.
const CR4_SET: Cr4 = Cr4::new().with_machine_check(true).with_vmx(true);

/// Bits of EFER that exist for a guest.
const EFER_OF_GUEST: Efer = Efer::new()
    .with_system_call(true)
    .with_long_mode_enable(true)
    .with_long_mode_active(true)
    .with_no_execute(true);

/// Activity states above this one (shutdown, waiting for SIPI) would keep the CPU from hearing interrupts.
const HALTED: u64 = 1;

/// Words of a [`Segment`].
const SEGMENT: usize = size_of::<Segment>() / 8;

macro_rules! word {
    ($field:ident) => {
        offset_of!(VcpuState, $field) / 8
    };
}

/// Fields that no page holds, as after a reset.
pub(super) fn start(vmcs: Current) {
    vmcs.write(&field::VMCS_LINK_POINTER, u64::MAX);
    vmcs.write(&GUEST_DEBUGCTL, 0.into());
    vmcs.write(&field::GUEST_PAT, PageAttributes::RESET.0);
    vmcs.write(&field::GUEST_DR7, 0x400);
    vmcs.write(&field::GUEST_PENDING_DEBUG, 0);
    vmcs.write(&field::GUEST_SYSENTER_CS, 0);
    vmcs.write(&field::GUEST_SYSENTER_ESP, 0);
    vmcs.write(&field::GUEST_SYSENTER_EIP, 0);
    vmcs.write(&field::ENTRY_INTERRUPTION_INFO, 0);
    vmcs.write(&field::CR0_MASK, CR0_OF_HOST.into_bits());
    vmcs.write(&field::CR4_MASK, !CR4_OF_GUEST.into_bits());
    vmcs.write(&field::CR3_TARGET_COUNT, 0);
    vmcs.write(&field::PAGE_FAULT_MASK, 0);
    vmcs.write(&field::PAGE_FAULT_MATCH, 0);
}

/// Loads what the VMM changed in the page, `everything` on a first entry. Says whether translations may be out of date.
pub(super) fn load(vmcs: Current, page: PageRef, everything: bool) -> Loaded {
    let changed = page.word(word!(changed));
    let is_changed = |group| everything || changed & group != 0;
    page.set_word(word!(changed), 0);
    vmcs.write(&field::GUEST_RIP, page.word(word!(rip)));
    vmcs.write(&field::GUEST_RFLAGS, page.word(word!(rflags)));
    vmcs.write(&field::GUEST_RSP, page.word(word!(registers) + 4));
    if is_changed(Changed::CONTROL) {
        load_control(vmcs, page);
    }
    if is_changed(Changed::SEGMENTS) {
        load_segments(vmcs, page);
    }
    if is_changed(Changed::INTERRUPTIBILITY) {
        let blocked = Interruptibility::from_bits(page.word(word!(interruptibility)));
        vmcs.write(&field::GUEST_INTERRUPTIBILITY, low(blocked.into_bits()));
        let activity = page.word(word!(activity)).min(HALTED);
        vmcs.write(&field::GUEST_ACTIVITY, low(activity));
    }
    let inject = page.word(word!(inject));
    if inject != 0 {
        page.set_word(word!(inject), 0);
        vmcs.write(&field::ENTRY_INTERRUPTION_INFO, low(inject));
        vmcs.write(&field::ENTRY_ERROR_CODE, low(inject >> 32));
        let length = page.word(word!(inject_length));
        vmcs.write(&field::ENTRY_INSTRUCTION_LENGTH, low(length));
    }
    Loaded {
        waits_for_window: page.word(word!(interrupt_window)) != 0,
        forgets_translations: is_changed(Changed::CONTROL),
    }
}

/// What [`load`] leaves to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loaded {
    /// Exit as soon as the guest can take an interrupt.
    pub(super) waits_for_window: bool,
    /// The VMM changed what addresses mean, and the entry does not notice.
    pub(super) forgets_translations: bool,
}

fn load_control(vmcs: Current, page: PageRef) {
    let (cr0, cr4) = (page.word(word!(cr0)), page.word(word!(cr4)));
    let real_cr0 = cr0 & !CR0_OF_HOST.into_bits() | CR0_SET.into_bits();
    let real_cr4 = cr4 & CR4_OF_GUEST.into_bits() | CR4_SET.into_bits();
    vmcs.write(&field::GUEST_CR0, real_cr0);
    vmcs.write(&field::CR0_SHADOW, cr0);
    vmcs.write(&field::GUEST_CR4, real_cr4);
    vmcs.write(&field::CR4_SHADOW, cr4);
    vmcs.write(&field::GUEST_CR3, page.word(word!(cr3)));
    let efer = Efer::from_bits(page.word(word!(efer)) & EFER_OF_GUEST.into_bits());
    vmcs.write(&field::GUEST_EFER, efer.into_bits());
    let controls = vmcs.read(&ENTRY_CONTROLS);
    vmcs.write(
        &ENTRY_CONTROLS,
        controls.with_ia32e_guest(efer.long_mode_active()),
    );
}

fn load_segments(vmcs: Current, page: PageRef) {
    let first = word!(segments);
    for (i, fields) in field::GUEST_SEGMENTS.iter().enumerate() {
        let at = first + i * SEGMENT;
        let limit_and_access = page.word(at + 1);
        vmcs.write(&fields.base, page.word(at));
        vmcs.write(&fields.limit, low(limit_and_access));
        vmcs.write(
            &fields.access,
            AccessRights::from_bits(low(limit_and_access >> 32)),
        );
        let [least, next, ..] = page.word(at + 2).to_le_bytes();
        vmcs.write(&fields.selector, u16::from_le_bytes([least, next]));
    }
    vmcs.write(&field::GUEST_GDTR_BASE, page.word(word!(gdtr_base)));
    vmcs.write(&field::GUEST_GDTR_LIMIT, low(page.word(word!(gdtr_limit))));
    vmcs.write(&field::GUEST_IDTR_BASE, page.word(word!(idtr_base)));
    vmcs.write(&field::GUEST_IDTR_LIMIT, low(page.word(word!(idtr_limit))));
}

/// Writes what the VMM needs to know of an exit to the page.
pub(super) fn describe(vmcs: Current, page: PageRef) {
    let reason = vmcs.read(&EXIT_REASON);
    let qualification = vmcs.read(&field::EXIT_QUALIFICATION);
    page.set_word(word!(exit_reason), u64::from(reason.into_bits()));
    page.set_word(word!(exit_qualification), qualification);
    page.set_word(word!(instruction_error), 0);
    page.set_word(
        word!(instruction_length),
        u64::from(vmcs.read(&field::EXIT_INSTRUCTION_LENGTH)),
    );
    describe_events(vmcs, page);
    if matches!(
        reason.reason(),
        ExitReason::EPT_VIOLATION | ExitReason::EPT_MISCONFIGURATION
    ) {
        let physical = vmcs.read(&field::GUEST_PHYSICAL_ADDRESS);
        page.set_word(word!(guest_physical), physical);
        let linear = vmcs.read(&field::GUEST_LINEAR_ADDRESS);
        page.set_word(word!(guest_linear), linear);
    }
    page.set_word(word!(rip), vmcs.read(&field::GUEST_RIP));
    page.set_word(word!(rflags), vmcs.read(&field::GUEST_RFLAGS));
    page.set_word(word!(registers) + 4, vmcs.read(&field::GUEST_RSP));
    describe_control(vmcs, page);
    let blocked = vmcs.read(&field::GUEST_INTERRUPTIBILITY);
    page.set_word(word!(interruptibility), u64::from(blocked));
    let activity = vmcs.read(&field::GUEST_ACTIVITY);
    page.set_word(word!(activity), u64::from(activity));
    let mut shown = Changed::CONTROL | Changed::INTERRUPTIBILITY;
    if may_need_segments(reason.reason(), qualification) {
        describe_segments(vmcs, page);
        shown |= Changed::SEGMENTS;
    }
    page.set_word(word!(shown), shown);
}

/// Writes why an entry was refused.
pub(super) fn describe_refusal(vmcs: Current, page: PageRef) {
    page.set_word(word!(exit_reason), 0);
    page.set_word(word!(instruction_error), u64::from(vmcs.error()));
    page.set_word(word!(shown), 0);
    // Not taken; it would be there at the next entry.
    vmcs.write(&field::ENTRY_INTERRUPTION_INFO, 0);
}

/// The counts that every exit shows.
pub(super) fn describe_counts(page: PageRef, exits: u64, global_control: u64) {
    page.set_word(word!(exits), exits);
    page.set_word(word!(global_control), global_control);
}

fn describe_events(vmcs: Current, page: PageRef) {
    let with_code = |info: InterruptionInfo, code: u32| {
        let code = if info.has_error_code() { code } else { 0 };
        let info = if info.valid() { info.into_bits() } else { 0 };
        u64::from(info) | u64::from(code) << 32
    };
    let event = vmcs.read(&EXIT_INTERRUPTION_INFO);
    let code = vmcs.read(&field::EXIT_ERROR_CODE);
    page.set_word(word!(exit_interruption), with_code(event, code));
    let event = InterruptionInfo::from_bits(vmcs.read(&field::IDT_VECTORING_INFO));
    let code = if event.valid() {
        vmcs.read(&field::IDT_VECTORING_ERROR_CODE)
    } else {
        0
    };
    page.set_word(word!(idt_vectoring), with_code(event, code));
}

fn describe_control(vmcs: Current, page: PageRef) {
    let seen = |real: u64, shadow: u64, of_guest: u64| real & of_guest | shadow & !of_guest;
    let cr0 = seen(
        vmcs.read(&field::GUEST_CR0),
        vmcs.read(&field::CR0_SHADOW),
        !CR0_OF_HOST.into_bits(),
    );
    let cr4 = seen(
        vmcs.read(&field::GUEST_CR4),
        vmcs.read(&field::CR4_SHADOW),
        CR4_OF_GUEST.into_bits(),
    );
    page.set_word(word!(cr0), cr0);
    page.set_word(word!(cr4), cr4);
    page.set_word(word!(cr3), vmcs.read(&field::GUEST_CR3));
    page.set_word(word!(efer), vmcs.read(&field::GUEST_EFER));
}

fn describe_segments(vmcs: Current, page: PageRef) {
    let first = word!(segments);
    for (i, fields) in field::GUEST_SEGMENTS.iter().enumerate() {
        let at = first + i * SEGMENT;
        let access = vmcs.read(&fields.access).into_bits();
        page.set_word(at, vmcs.read(&fields.base));
        page.set_word(
            at + 1,
            u64::from(vmcs.read(&fields.limit)) | u64::from(access) << 32,
        );
        page.set_word(at + 2, u64::from(vmcs.read(&fields.selector)));
    }
    page.set_word(word!(gdtr_base), vmcs.read(&field::GUEST_GDTR_BASE));
    page.set_word(
        word!(gdtr_limit),
        u64::from(vmcs.read(&field::GUEST_GDTR_LIMIT)),
    );
    page.set_word(word!(idtr_base), vmcs.read(&field::GUEST_IDTR_BASE));
    page.set_word(
        word!(idtr_limit),
        u64::from(vmcs.read(&field::GUEST_IDTR_LIMIT)),
    );
}

/// Whether whoever handles such an exit may have to know the segments: reading them costs 36 VMREADs.
fn may_need_segments(reason: ExitReason, qualification: u64) -> bool {
    match reason {
        ExitReason::CPUID
        | ExitReason::HLT
        | ExitReason::VMCALL
        | ExitReason::RDMSR
        | ExitReason::WRMSR
        | ExitReason::RDPMC
        | ExitReason::XSETBV
        | ExitReason::INTERRUPT_WINDOW
        | ExitReason::NMI_WINDOW => false,
        ExitReason::IO => PortQualification::from_bits(qualification).string(),
        _ => true,
    }
}

/// The low half: of a claim, whose upper half has no place in the field, or of two numbers in one word.
fn low(word: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
    let low = word as u32;
    low
}
