//! A thread's registers in ring 3.

use crate::mm::AddressSpace;
use sel4_sys::{MESSAGE_REGISTERS, MessageInfo, Syscall, UserContext};

/// What a thread asks for, as its registers say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SystemCall {
    /// `rdx`.
    pub number: Syscall,
    /// `rdi`: the capability.
    pub capability: u64,
    /// `rsi`.
    pub info: MessageInfo,
    /// `r12`: the reply capability.
    pub reply: u64,
    /// `r13`: the second capability, which `NBSendRecv` sends to.
    pub second: u64,
}

/// Bytes of a SYSCALL instruction.
const SYSCALL_LENGTH: u64 = 2;
/// Flags that ring 3 may set: CF PF AF ZF SF DF OF. TF, RF, AC and ID are dropped.
const FLAGS_OF_RING_3: u64 = 0xcd5;
/// Flags that are always set: bit 1 and the interrupt flag.
const FLAGS_ALWAYS: u64 = 0x202;
/// First address that is not ring 3's.
const USER_END: u64 = sel4_sys::USER_END;

/// A thread's registers, FPU area included. Made only by
/// [`Boot::carve_contexts`](crate::boot::Boot::carve_contexts), so that its address never changes.
#[derive(Debug)]
pub struct Context {
    registers: UserContext,
    id: u32,
    space: u32,
    fpu: bool,
}

impl Context {
    pub(crate) fn new(id: u32) -> Self {
        Self {
            registers: UserContext::default(),
            id,
            space: 0,
            fpu: false,
        }
    }

    /// Number of the context, in the order of carving. Only on the host.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The registers themselves, for a test's tasks. Only on the host.
    pub fn registers(&mut self) -> &mut UserContext {
        &mut self.registers
    }

    /// What the thread asks for. Meaningful while it is in a system call.
    #[must_use]
    #[inline]
    pub fn system_call(&self) -> SystemCall {
        SystemCall {
            number: Syscall(self.registers.rdx.cast_signed()),
            capability: self.registers.rdi,
            info: MessageInfo(self.registers.rsi),
            reply: self.registers.r12,
            second: self.registers.r13,
        }
    }

    /// `r10 r8 r9 r15`.
    #[must_use]
    #[inline]
    pub fn message(&self) -> [u64; MESSAGE_REGISTERS] {
        let r = &self.registers;
        [r.r10, r.r8, r.r9, r.r15]
    }

    /// Writes `r10 r8 r9 r15`.
    #[inline]
    pub fn set_message(&mut self, words: [u64; MESSAGE_REGISTERS]) {
        let r = &mut self.registers;
        [r.r10, r.r8, r.r9, r.r15] = words;
    }

    /// Writes `rdi`.
    #[inline]
    pub fn set_badge(&mut self, badge: u64) {
        self.registers.rdi = badge;
    }

    /// Writes `rsi`.
    #[inline]
    pub fn set_info(&mut self, info: MessageInfo) {
        self.registers.rsi = info.0;
    }

    /// A copy of all registers.
    #[must_use]
    pub fn user_context(&self) -> UserContext {
        self.registers
    }

    /// Takes over all registers, made harmless: flags keep only what ring 3 may set, and `rip`,
    /// `fs_base` and `gs_base` become 0 unless they lie below `USER_END`.
    pub fn set_user_context(&mut self, registers: &UserContext) {
        let harmless_base = |base: u64| {
            if base < USER_END { base } else { 0 }
        };
        self.registers = UserContext {
            rip: harmless_base(registers.rip),
            rflags: registers.rflags & FLAGS_OF_RING_3 | FLAGS_ALWAYS,
            fs_base: harmless_base(registers.fs_base),
            gs_base: harmless_base(registers.gs_base),
            ..*registers
        };
    }

    /// The state of a thread that has not run yet: every register 0 but these, a fresh FPU.
    /// `arguments` go to `rdi`, `rsi`, `rdx`.
    pub fn start(&mut self, entry: u64, stack: u64, arguments: [u64; 3]) {
        let [rdi, rsi, rdx] = arguments;
        self.set_user_context(&UserContext {
            rip: entry,
            rsp: stack,
            rdi,
            rsi,
            rdx,
            ..UserContext::default()
        });
    }

    /// Puts the instruction pointer back on the SYSCALL, so that a cancelled call is made again.
    pub fn rewind_system_call(&mut self) {
        self.registers.rip = self.registers.rip.wrapping_sub(SYSCALL_LENGTH);
    }

    /// The thread runs in this address space.
    pub fn set_space(&mut self, space: &AddressSpace) {
        self.space = space.id();
    }

    /// Number of its address space.
    pub(crate) fn space(&self) -> u32 {
        self.space
    }

    /// Whether FPU instructions work; without, they fault.
    pub fn set_fpu(&mut self, on: bool) {
        self.fpu = on;
    }

    /// Whether the thread has an FPU.
    pub(crate) fn has_fpu(&self) -> bool {
        self.fpu
    }
}
