//! Virtual CPUs: the page shared between kernel and VMM, and the operations. An extension of seL4.
//!
//! A VMM enters its guest with a `Call` on the Vcpu ([`VcpuOp::ENTER`]), which returns when an exit needs the
//! VMM. What the guest looked like then stands in the Vcpu's [`VcpuState`] page; what the VMM changes there is loaded at the
//! next entry. Exits that need no policy never reach the VMM.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A segment register with its hidden part. SDM vol. 3C, "Guest Register State".
#[derive(
    Clone, Copy, PartialEq, Eq, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Segment {
    /// Base address.
    pub base: u64,
    /// Limit in bytes.
    pub limit: u32,
    /// Access rights in the VMCS's format.
    pub access: u32,
    /// Selector.
    pub selector: u64,
}

/// Bits of [`VcpuState::changed`]: what the VMM wrote and the kernel must load. General registers, RIP and RFLAGS are always loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Changed;
impl Changed {
    /// CR0, CR3, CR4, EFER.
    pub const CONTROL: u64 = 1 << 0;
    /// The segment and descriptor-table registers.
    pub const SEGMENTS: u64 = 1 << 1;
    /// [`VcpuState::interruptibility`] and [`VcpuState::activity`].
    pub const INTERRUPTIBILITY: u64 = 1 << 2;
}

/// One Vcpu's page. Everything in it is a claim of the VMM when the kernel reads it, and checked by the VM entry.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct VcpuState {
    /// General registers in the order of instruction encoding: rax rcx rdx rbx rsp rbp rsi rdi r8 … r15.
    pub registers: [u64; 16],
    /// Instruction pointer.
    pub rip: u64,
    /// Flags.
    pub rflags: u64,
    /// CR0 as the guest reads it.
    pub cr0: u64,
    /// CR2; switched by the kernel, since no VMCS field holds it.
    pub cr2: u64,
    /// CR3.
    pub cr3: u64,
    /// CR4 as the guest reads it.
    pub cr4: u64,
    /// EFER.
    pub efer: u64,
    /// [`Changed`] bits; the kernel clears them.
    pub changed: u64,
    /// es cs ss ds fs gs ldtr tr.
    pub segments: [Segment; 8],
    /// Base of the global descriptor table.
    pub gdtr_base: u64,
    /// Its limit.
    pub gdtr_limit: u64,
    /// Base of the interrupt descriptor table.
    pub idtr_base: u64,
    /// Its limit.
    pub idtr_limit: u64,

    /// Why the guest exited. SDM vol. 3C, "VMX Basic Exit Reasons". Bit 31: the entry failed.
    pub exit_reason: u64,
    /// Exit qualification.
    pub exit_qualification: u64,
    /// Guest-physical address, for EPT violations and misconfigurations.
    pub guest_physical: u64,
    /// Guest-linear address.
    pub guest_linear: u64,
    /// Length of the instruction that exited, in bytes.
    pub instruction_length: u64,
    /// VM-exit interruption information and, in bits 63:32, its error code.
    pub exit_interruption: u64,
    /// IDT-vectoring information and, in bits 63:32, its error code: an event whose delivery the exit cut short. The VMM injects it again.
    pub idt_vectoring: u64,
    /// Guest interruptibility state (blocking by STI, MOV SS, NMI).
    pub interruptibility: u64,
    /// Guest activity state: 0 active, 1 halted. A halted guest is not entered: its VMM's thread sleeps in [`VcpuOp::ENTER`] until
    /// the deadline, a signal or a PMI.
    pub activity: u64,
    /// VM-instruction error of a failed VMLAUNCH or VMRESUME, else 0.
    pub instruction_error: u64,

    /// VM-entry interruption information to inject and, in bits 63:32, its error code; 0: nothing. The kernel clears it.
    pub inject: u64,
    /// Length of the instruction for injected software events.
    pub inject_length: u64,
    /// 1: exit as soon as the guest can take an interrupt.
    pub interrupt_window: u64,
    /// Instructions that the VMM completed for the guest since the last exit; they are added to its counters. The kernel clears it.
    pub emulated_instructions: u64,
    /// Branches among them. The kernel clears it.
    pub emulated_branches: u64,
    /// 1: the guest's counters asked for an interrupt since the last exit. The VMM delivers it through the virtual LVTPC. The kernel only sets it.
    pub pmi_pending: u64,
    /// The guest's GLOBAL_CTRL at the exit.
    pub global_control: u64,
    /// Exits so far, those that the kernel handled included.
    pub exits: u64,
    /// Time-stamp counter at which [`VcpuOp::ENTER`] returns [`VcpuReturn::DEADLINE`], whether the guest runs or is halted; 0: never.
    /// The kernel clears it when it returns so.
    pub deadline: u64,
    /// [`Changed`] bits of the groups that the kernel wrote at this exit; the others stand as they were. CONTROL is always among
    /// them. SEGMENTS is only for exits whose handling may need them: all but CPUID, HLT, VMCALL, RDMSR, WRMSR, RDPMC, XSETBV, port
    /// accesses without string and the two windows.
    pub shown: u64,
    /// Ticks for which the guest ran with enabled counters stopped, since no lease was armed ([`VcpuOp::SET_BLIND`]).
    pub blind_time: u64,
}

const _: () = assert!(size_of::<VcpuState>() <= 4096);

/// Operations of a Vcpu. Numbers are this kernel's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct VcpuOp(pub u64);

impl VcpuOp {
    /// Runs the guest until an exit needs the VMM. Only the thread that the system image names may do so. Answers a [`VcpuReturn`] number.
    pub const ENTER: Self = Self(128);
    /// selector index, value: the hardware copy of a general-purpose counter's selector.
    pub const SET_SELECTOR: Self = Self(129);
    /// value: the hardware copy of FIXED_CTR_CTRL.
    pub const SET_FIXED_CONTROL: Self = Self(130);
    /// value: GLOBAL_CTRL, for a guest whose access is trapped.
    pub const SET_GLOBAL_CONTROL: Self = Self(131);
    /// counters as bits of GLOBAL_CTRL, flags ([`OpenFlags`]): the guest reaches these directly from the next entry on, by RDMSR
    /// and WRMSR, while its counters are loaded.
    pub const OPEN_COUNTERS: Self = Self(132);
    /// 1: RDPMC does not exit while the context is resident. Refused unless every counter of the CPU is open.
    pub const OPEN_RDPMC: Self = Self(133);
    /// RDPMC number: answers the counter, wherever it is at present.
    pub const READ_COUNTER: Self = Self(134);
    /// RDPMC number, value.
    pub const WRITE_COUNTER: Self = Self(135);
    /// Answers GLOBAL_STATUS.
    pub const READ_STATUS: Self = Self(136);
    /// bits to clear, bits to set, counters' bits only.
    pub const CHANGE_STATUS: Self = Self(137);
    /// 1: the guest's LVTPC is masked.
    pub const SET_PMI_MASK: Self = Self(138);
    /// 1: run with the counters stopped while no lease is armed (`blind`), instead of returning [`VcpuReturn::LEASE_NEEDED`].
    pub const SET_BLIND: Self = Self(139);
}

/// Bits of [`VcpuOp::OPEN_COUNTERS`]' second word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenFlags;
impl OpenFlags {
    /// The counters' full-width aliases too.
    pub const FULL_WIDTH: u64 = 1 << 0;
    /// GLOBAL_CTRL, GLOBAL_STATUS and GLOBAL_OVF_CTRL.
    pub const GLOBAL: u64 = 1 << 1;
}

/// What [`VcpuOp::ENTER`] answers in message register 0. Any value may arrive from a newer kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct VcpuReturn(pub u64);

impl VcpuReturn {
    /// The guest exited; see the page.
    pub const EXIT: Self = Self(0);
    /// Counters are enabled and the lease is not armed: ask pmu-server. The guest did not run.
    pub const LEASE_NEEDED: Self = Self(1);
    /// The VM entry failed: `exit_reason` (bit 31) or `instruction_error` says why. The guest did not run.
    pub const ENTRY_FAILED: Self = Self(2);
    /// Somebody signalled the VMM's bound notification; its badge is in message register 1.
    pub const SIGNALLED: Self = Self(3);
    /// The moment in [`VcpuState::deadline`] has come.
    pub const DEADLINE: Self = Self(4);
    /// A counter of the guest asked for an interrupt ([`VcpuState::pmi_pending`]); nothing else happened.
    pub const PMI: Self = Self(5);
}

/// Operations of a guest address space (EPT). Numbers are this kernel's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct GuestSpaceOp(pub u64);

impl GuestSpaceOp {
    /// guest-physical address, rights ([`MAP_EXECUTE`](crate::MAP_EXECUTE)), first page, pages ≤ 512; extra: frame. Tables come from the space's reserve.
    pub const MAP: Self = Self(144);
    /// guest-physical address, pages ≤ 512.
    pub const UNMAP: Self = Self(145);
}
