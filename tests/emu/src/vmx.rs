//! A guest that shares the program's page tables: enough of VMX to count around it.

use core::arch::{asm, global_asm};

use x86_regs::vmx::state as f;
use x86_regs::vmx::{
    ControlCapability as _, ENTRY_CONTROLS, ENTRY_MSR_LOAD_ADDR, ENTRY_MSR_LOAD_COUNT,
    EXIT_CONTROLS, EXIT_MSR_STORE_ADDR, EXIT_MSR_STORE_COUNT, EXIT_REASON, EntryControls, EptEntry,
    EptPointer, ExitControls, ExitWord, FeatureControl, FieldAccess, MSR_BITMAP, PIN_CONTROLS,
    PROCESSOR_CONTROLS, PinControls, ProcessorControls, SecondaryControls, TrueEntryCapability,
    TrueExitCapability, TruePinCapability, TrueProcessorCapability, VmcsField, VmcsValue, VmxBasic,
};

use crate::cpu::{read, write};
use crate::trap;

global_asm!(include_str!("vmx.s"), options(att_syntax));

unsafe extern "C" {
    fn enter_guest(registers: &mut [u64; 4], resume: bool) -> u32;
    fn enter_counted(global: u64) -> u32;
}

#[repr(C, align(4096))]
struct Page([u8; 4096]);

static mut VMXON: Page = Page([0; 4096]);
static mut VMCS: Page = Page([0; 4096]);
static mut BITMAP: Page = Page([0; 4096]);
static mut EPT: [Page; 2] = [const { Page([0; 4096]) }; 2];
/// One register for the VMCS's lists: address and value.
static mut LISTED: MsrEntry = MsrEntry(0, 0);
static mut GUEST_STACK: Page = Page([0; 4096]);

/// An entry of a list of registers. SDM vol. 3C, "VM-Entry Controls for MSRs".
#[repr(C, align(16))]
struct MsrEntry(u64, u64);

/// How an attempt to enter ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The guest ran, or the entry failed late: with this reason.
    Exit(ExitWord),
    /// It failed early: VMfail with this error.
    Fail(u32),
}

impl Entry {
    /// The exit's reason word, or the VMfail error with bit 30 set, as one number.
    pub fn code(self) -> u32 {
        match self {
            Self::Exit(word) => word.into_bits(),
            Self::Fail(error) => error | 1 << 30,
        }
    }
}

/// What [`Entry::code`] gives for a VMfail.
pub const fn failed(error: u32) -> u32 {
    error | 1 << 30
}

/// What a guest is allowed and asked to do besides what the processor demands.
#[derive(Clone, Copy)]
pub struct Wishes {
    /// Pin-based controls.
    pub pin: PinControls,
    /// Processor-based controls.
    pub processor: ProcessorControls,
    /// Vectors of exceptions that exit.
    pub exceptions: u32,
    /// VM-exit controls.
    pub exit: ExitControls,
    /// VM-entry controls.
    pub entry: EntryControls,
}

/// GLOBAL_CTRL switched by entry and exit, RDMSR and WRMSR without exits.
pub fn usual() -> Wishes {
    Wishes {
        pin: PinControls::new(),
        processor: ProcessorControls::new().with_msr_bitmaps(true),
        exceptions: 0,
        exit: ExitControls::new().with_load_perf_global_ctrl(true),
        entry: EntryControls::new().with_load_perf_global_ctrl(true),
    }
}

/// The guest, of which there is one at a time.
pub struct Guest {
    /// RAX, RCX, RDX, RBX.
    pub registers: [u64; 4],
    launched: bool,
}

/// Turns VMX on.
pub fn set_up() {
    let feature = read::<FeatureControl>();
    if !feature.locked() {
        write(feature.with_locked(true).with_vmx_outside_smx(true));
    }
    let revision = read::<VmxBasic>().revision();
    // SAFETY: 1. the pages are this module's own. 2. CR0 and CR4 have what VMX demands: PE, PG,
    // NE from the boot, VMXE from here.
    unsafe {
        *(&raw mut VMXON).cast::<u32>() = revision;
        *(&raw mut VMCS).cast::<u32>() = revision;
        let mut cr4: u64;
        asm!("mov {}, cr4", out(reg) cr4);
        cr4 |= 1 << 13;
        asm!("mov cr4, {}", in(reg) cr4);
        let region = (&raw const VMXON).addr();
        asm!("vmxon [{}]", in(reg) &raw const region);
    }
}

/// Reads a field.
pub fn get<T: VmcsValue, A: FieldAccess>(field: &VmcsField<T, A>) -> T {
    let value: u64;
    // SAFETY: 1. a VMCS is current.
    unsafe {
        asm!("vmread {}, {}", out(reg) value, in(reg) u64::from(field.encoding().into_bits()));
    }
    T::from_vmcs(value)
}

/// Writes a field.
pub fn set<T: VmcsValue>(field: &VmcsField<T, x86_regs::vmx::Rw>, value: T) {
    set_at(field.encoding().into_bits(), value.into_vmcs());
}

fn set_at(encoding: u32, value: u64) {
    // SAFETY: 1. a VMCS is current. 2. only the guest's state and the host's real one go there.
    unsafe { asm!("vmwrite {}, {}", in(reg) u64::from(encoding), in(reg) value) };
}

/// Makes RDMSR (`write` false) or WRMSR of a low MSR exit, or not.
pub fn trap_msr(address: u32, write: bool, exits: bool) {
    let byte = if write { 2048 } else { 0 } + (address / 8) as usize;
    // SAFETY: 1. the guest does not run now.
    unsafe {
        if exits {
            BITMAP.0[byte] |= 1 << (address % 8);
        } else {
            BITMAP.0[byte] &= !(1 << (address % 8));
        }
    }
}

/// Lets entries load one register from a list.
pub fn load_listed(address: u32, value: u64) {
    // SAFETY: 1. the guest does not run now.
    unsafe { LISTED = MsrEntry(address.into(), value) };
    set(&ENTRY_MSR_LOAD_ADDR, (&raw const LISTED).addr() as u64);
    set(&ENTRY_MSR_LOAD_COUNT, 1);
}

/// Lets exits store one register in a list.
pub fn store_listed(address: u32) {
    // SAFETY: 1. the guest does not run now.
    unsafe { LISTED = MsrEntry(address.into(), 0) };
    set(&EXIT_MSR_STORE_ADDR, (&raw const LISTED).addr() as u64);
    set(&EXIT_MSR_STORE_COUNT, 1);
}

/// What the list has now.
pub fn listed() -> u64 {
    // SAFETY: 1. the guest does not run now, and the processor writes whole words.
    unsafe { (&raw const LISTED.1).read_volatile() }
}

/// Gives the guest three GiB of memory: what it does above them exits.
pub fn limit_to_3_gib() {
    let all = EptEntry::new()
        .with_read(true)
        .with_write(true)
        .with_execute(true);
    let page = |table: *mut u64| table.addr() as u64 >> 12;
    // SAFETY: 1. only the addresses are taken.
    let [top, low] = unsafe { [&raw mut EPT[0], &raw mut EPT[1]] }.map(<*mut Page>::cast::<u64>);
    // SAFETY: 1. the table is this module's own, and no guest uses it yet.
    unsafe { top.write(all.with_page(page(low)).into_bits()) };
    for gib in 0..3 {
        let large = all
            .with_memory_type(6)
            .with_large(true)
            .with_page(gib << 18);
        // SAFETY: 1. as above, and a table has 512 entries.
        unsafe { low.add(gib as usize).write(large.into_bits()) };
    }
    let pointer = EptPointer::new()
        .with_memory_type(6)
        .with_levels_less_one(3);
    set(&f::EPT_POINTER, pointer.with_page(page(top)).into_bits());
    set(
        &f::SECONDARY_CONTROLS,
        SecondaryControls::new().with_ept(true),
    );
    let processor = get(&PROCESSOR_CONTROLS);
    set(&PROCESSOR_CONTROLS, processor.with_secondary(true));
}

impl Guest {
    /// A guest that begins at `code` in ring 0, in this program's address space.
    pub fn new(code: unsafe extern "C" fn(), wishes: Wishes) -> Self {
        // SAFETY: 1. the region has its revision and is nobody's current VMCS afterwards.
        unsafe {
            let region = (&raw const VMCS).addr();
            asm!("vmclear [{0}]", "vmptrld [{0}]", in(reg) &raw const region);
        }
        let pin = read::<TruePinCapability>().adjust(wishes.pin);
        set(&PIN_CONTROLS, pin.unwrap_or_else(|_| lacking("pin")));
        let processor = read::<TrueProcessorCapability>().adjust(wishes.processor);
        set(
            &PROCESSOR_CONTROLS,
            processor.unwrap_or_else(|_| lacking("processor")),
        );
        let exit = wishes.exit.with_host_address_space_size(true);
        let must: ExitControls = read::<TrueExitCapability>().must_be_one();
        // Not adjusted: a check wants to see what becomes of a control that does not exist.
        set(
            &EXIT_CONTROLS,
            ExitControls::from_bits(exit.into_bits() | must.into_bits()),
        );
        let entry = read::<TrueEntryCapability>().adjust(wishes.entry.with_ia32e_guest(true));
        set(&ENTRY_CONTROLS, entry.unwrap_or_else(|_| lacking("entry")));
        set(&f::EXCEPTION_BITMAP, wishes.exceptions);
        for count in [&ENTRY_MSR_LOAD_COUNT, &EXIT_MSR_STORE_COUNT] {
            set(count, 0);
        }
        set(&MSR_BITMAP, (&raw const BITMAP).addr() as u64);
        set_state(code);
        Self {
            registers: [0; 4],
            launched: false,
        }
    }

    /// Enters and stays until the next exit.
    pub fn enter(&mut self) -> Entry {
        // SAFETY: 1. the VMCS describes this program as the host, and a guest that keeps to
        // its own code and stack.
        let outcome = unsafe { enter_guest(&mut self.registers, self.launched) };
        self.ended(outcome)
    }

    /// Resumes while the counters of `global` run, from right before to right after.
    pub fn enter_counted(&mut self, global: u64) -> Entry {
        // SAFETY: 1. as in `enter`.
        let outcome = unsafe { enter_counted(global) };
        self.ended(outcome)
    }

    fn ended(&mut self, outcome: u32) -> Entry {
        if outcome != 0 {
            return Entry::Fail(get(&f::INSTRUCTION_ERROR));
        }
        let word = get(&EXIT_REASON);
        self.launched |= !word.entry_failed();
        Entry::Exit(word)
    }

    /// Goes on behind the instruction that exited.
    pub fn skip(&mut self) {
        self.skip_bytes(get(&f::EXIT_INSTRUCTION_LENGTH));
    }

    /// The same, where the processor does not say how long the instruction is.
    pub fn skip_bytes(&mut self, length: u32) {
        let length = u64::from(length);
        set(&f::GUEST_RIP, get(&f::GUEST_RIP) + length);
    }
}

fn lacking(what: &str) -> ! {
    panic!("this processor lacks {what} controls that are wanted")
}

fn set_state(code: unsafe extern "C" fn()) {
    let [segments, gates, task] = trap::tables();
    let (cr0, cr3, cr4): (u64, u64, u64);
    // SAFETY: 1. reading changes nothing.
    unsafe {
        asm!("mov {}, cr0", "mov {}, cr3", "mov {}, cr4", out(reg) cr0, out(reg) cr3, out(reg) cr4);
    }
    for (field, value) in [
        (&f::GUEST_CR0, cr0),
        (&f::GUEST_CR3, cr3),
        (&f::GUEST_CR4, cr4),
        (&f::GUEST_GDTR_BASE, segments),
        (&f::GUEST_IDTR_BASE, gates),
        (&f::GUEST_DR7, 0x400),
        (&f::GUEST_RFLAGS, 2),
        (&f::GUEST_RIP, code as usize as u64),
        (&f::GUEST_RSP, (&raw const GUEST_STACK).addr() as u64 + 4096),
        (&f::VMCS_LINK_POINTER, u64::MAX),
        (&f::HOST_CR0, cr0),
        (&f::HOST_CR3, cr3),
        (&f::HOST_CR4, cr4),
        (&f::HOST_TR_BASE, task),
        (&f::HOST_GDTR_BASE, segments),
        (&f::HOST_IDTR_BASE, gates),
    ] {
        set(field, value);
    }
    set(&f::GUEST_GDTR_LIMIT, 63);
    set(&f::GUEST_IDTR_LIMIT, 4095);
    set(&f::HOST_CS_SELECTOR, 0x08);
    set(&f::HOST_SS_SELECTOR, 0x10);
    set(&f::HOST_DS_SELECTOR, 0x10);
    set(&f::HOST_ES_SELECTOR, 0x10);
    set(&f::HOST_TR_SELECTOR, trap::TASK);
    // Selector, access rights, limit; in the order es cs ss ds fs gs ldtr tr.
    const DATA: (u16, u32, u32) = (0x10, 0xc093, u32::MAX);
    let code = (0x08, 0xa09b, u32::MAX);
    let none = (0, 0x1_0000, 0);
    let task_state = (trap::TASK, 0x8b, 103);
    let all = [DATA, code, DATA, DATA, DATA, DATA, none, task_state];
    for (fields, (selector, access, limit)) in f::GUEST_SEGMENTS.iter().zip(all) {
        set(&fields.selector, selector);
        set_at(fields.access.encoding().into_bits(), access.into());
        set(&fields.limit, limit);
        set(&fields.base, 0);
    }
    set(&f::GUEST_SEGMENTS[7].base, task);
}
