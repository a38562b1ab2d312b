//! A thread's registers in ring 3.

use sel4_sys::{MESSAGE_REGISTERS, MessageInfo, Syscall, USER_END, UserContext};
use x86_regs::system::RFlags;

use crate::trap::descriptor::Selector;

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

/// A thread's registers, FPU area included. Made only by
/// [`Boot::carve_contexts`](crate::boot::Boot), so that its address never changes.
///
/// The assembly of `trap/entry.rs` saves into and loads from the fields; from `rip` to `ss` they lie as IRET pops them.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Context {
    pub(crate) rip: u64,
    pub(crate) cs: u64,
    pub(crate) rflags: u64,
    pub(crate) rsp: u64,
    pub(crate) ss: u64,
    /// Not 0 when the thread left ring 3 by SYSCALL and its registers were not written since: then `rcx` and
    /// `r11` are free and SYSRET will do.
    pub(crate) by_sysret: u64,
    pub(crate) rax: u64,
    pub(crate) rbx: u64,
    pub(crate) rcx: u64,
    pub(crate) rdx: u64,
    pub(crate) rsi: u64,
    pub(crate) rdi: u64,
    pub(crate) rbp: u64,
    pub(crate) r8: u64,
    pub(crate) r9: u64,
    pub(crate) r10: u64,
    pub(crate) r11: u64,
    pub(crate) r12: u64,
    pub(crate) r13: u64,
    pub(crate) r14: u64,
    pub(crate) r15: u64,
    pub(crate) fs_base: u64,
    pub(crate) gs_base: u64,
    /// What CR3 holds while the thread runs.
    root: u64,
    /// Not 0 when the thread has an FPU or a segment base.
    extras: u64,
    has_fpu: bool,
    /// Bases, FPU area or FPU flag were written while the CPU may have older ones loaded.
    changed: bool,
    fpu: FpuArea,
}

impl Context {
    /// A context with all registers 0. `area` is 64-byte aligned and as long as the CPU's state needs.
    pub(crate) fn new(area: &'static mut [u64]) -> Self {
        let mut context = Self {
            rip: 0,
            cs: Selector::USER_CODE.0.into(),
            rflags: RFlags::USER.into_bits(),
            rsp: 0,
            ss: Selector::USER_DATA.0.into(),
            by_sysret: 0,
            rax: 0,
            rbx: 0,
            rcx: 0,
            rdx: 0,
            rsi: 0,
            rdi: 0,
            rbp: 0,
            r8: 0,
            r9: 0,
            r10: 0,
            r11: 0,
            r12: 0,
            r13: 0,
            r14: 0,
            r15: 0,
            fs_base: 0,
            gs_base: 0,
            root: 0,
            extras: 0,
            has_fpu: false,
            changed: true,
            fpu: FpuArea(area),
        };
        context.fpu.refresh();
        context
    }

    /// What the thread asks for. Meaningful while it is in a system call.
    #[must_use]
    #[inline]
    pub fn system_call(&self) -> SystemCall {
        SystemCall {
            number: Syscall(self.rdx.cast_signed()),
            capability: self.rdi,
            info: MessageInfo(self.rsi),
            reply: self.r12,
            second: self.r13,
        }
    }

    /// `r10 r8 r9 r15`.
    #[must_use]
    #[inline]
    pub fn message(&self) -> [u64; MESSAGE_REGISTERS] {
        [self.r10, self.r8, self.r9, self.r15]
    }

    /// Writes `r10 r8 r9 r15`.
    #[inline]
    pub fn set_message(&mut self, words: [u64; MESSAGE_REGISTERS]) {
        [self.r10, self.r8, self.r9, self.r15] = words;
    }

    /// Writes `rdi`.
    #[inline]
    pub fn set_badge(&mut self, badge: u64) {
        self.rdi = badge;
    }

    /// Writes `rsi`.
    #[inline]
    pub fn set_info(&mut self, info: MessageInfo) {
        self.rsi = info.0;
    }

    /// A copy of all registers.
    #[must_use]
    pub fn user_context(&self) -> UserContext {
        // SYSCALL leaves these two in RCX and R11, and the entry does not store them twice.
        let (rcx, r11) = if self.by_sysret != 0 {
            (self.rip, self.rflags)
        } else {
            (self.rcx, self.r11)
        };
        UserContext {
            rip: self.rip,
            rsp: self.rsp,
            rflags: self.rflags,
            rax: self.rax,
            rbx: self.rbx,
            rcx,
            rdx: self.rdx,
            rsi: self.rsi,
            rdi: self.rdi,
            rbp: self.rbp,
            r8: self.r8,
            r9: self.r9,
            r10: self.r10,
            r11,
            r12: self.r12,
            r13: self.r13,
            r14: self.r14,
            r15: self.r15,
            fs_base: self.fs_base,
            gs_base: self.gs_base,
        }
    }

    /// Takes over all registers, made harmless: flags keep only what ring 3 may set, and `rip`,
    /// `fs_base` and `gs_base` become 0 unless they lie below `USER_END`.
    pub fn set_user_context(&mut self, registers: &UserContext) {
        let harmless = |address: u64| if address < USER_END { address } else { 0 };
        let r = registers;
        self.rip = harmless(r.rip);
        self.rsp = r.rsp;
        self.rflags = RFlags::from_bits(r.rflags).made_harmless().into_bits();
        (self.rax, self.rbx, self.rcx, self.rdx) = (r.rax, r.rbx, r.rcx, r.rdx);
        (self.rsi, self.rdi, self.rbp) = (r.rsi, r.rdi, r.rbp);
        (self.r8, self.r9, self.r10, self.r11) = (r.r8, r.r9, r.r10, r.r11);
        (self.r12, self.r13, self.r14, self.r15) = (r.r12, r.r13, r.r14, r.r15);
        self.fs_base = harmless(r.fs_base);
        self.gs_base = harmless(r.gs_base);
        self.by_sysret = 0;
        self.note_change();
    }

    /// The state of a thread that has not run yet: every register 0 but these, a fresh FPU.
    /// `arguments` go to `rdi`, `rsi`, `rdx`.
    pub fn start(&mut self, entry: u64, stack: u64, arguments: [u64; 3]) {
        let [rdi, rsi, rdx] = arguments;
        self.fpu.refresh();
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
        self.rip = self.rip.wrapping_sub(SYSCALL_LENGTH);
    }

    /// See [`Self::root`].
    pub(crate) fn set_root(&mut self, root: u64) {
        self.root = root;
    }

    /// Whether FPU instructions work; without, they fault.
    pub fn set_fpu(&mut self, on: bool) {
        self.has_fpu = on;
        self.note_change();
    }

    fn note_change(&mut self) {
        self.extras = u64::from(self.has_fpu) | self.fs_base | self.gs_base;
        self.changed = true;
    }

    /// Whether the thread has an FPU.
    pub(crate) fn has_fpu(&self) -> bool {
        self.has_fpu
    }

    /// Not 0 when a switch to or from this context involves more than registers.
    #[inline]
    pub(crate) fn extras(&self) -> u64 {
        self.extras
    }

    /// What CR3 holds while the thread runs.
    #[inline]
    pub(crate) fn root(&self) -> u64 {
        self.root
    }

    /// Whether what the CPU has loaded of this context is out of date.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed
    }

    /// The CPU has loaded bases and FPU.
    pub(crate) fn note_loaded(&mut self) {
        self.changed = false;
    }

    /// Where the FPU's registers are kept while the thread does not run.
    pub(crate) fn fpu_area(&mut self) -> &mut FpuArea {
        &mut self.fpu
    }
}

/// Where XSAVE or FXSAVE put a thread's FPU state. SDM vol. 1, "Legacy Region of an XSAVE Area".
#[derive(Debug)]
pub(crate) struct FpuArea(&'static mut [u64]);

impl FpuArea {
    /// Word 0 of a fresh area: FCW with all x87 exceptions masked.
    pub(crate) const FRESH_WORD_0: u64 = 0x037f;
    /// Word 3 of a fresh area: MXCSR with all SSE exceptions masked.
    pub(crate) const FRESH_WORD_3: u64 = 0x1f80;

    /// Makes the state that of a thread that has not run yet.
    fn refresh(&mut self) {
        self.0.fill(0);
        if let [word_0, _, _, word_3, ..] = self.0 {
            *word_0 = Self::FRESH_WORD_0;
            *word_3 = Self::FRESH_WORD_3;
        }
    }

    pub(crate) fn as_ptr(&self) -> *const u64 {
        self.0.as_ptr()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut u64 {
        self.0.as_mut_ptr()
    }
}

#[cfg(test)]
mod tests {
    use super::{Context, FpuArea};
    use sel4_sys::{USER_END, UserContext};

    fn context() -> Context {
        Context::new(vec![0xdead; 72].leak())
    }

    fn every_word(word: u64) -> UserContext {
        let bytes: Vec<u8> = [word; UserContext::WORDS]
            .iter()
            .flat_map(|w| w.to_le_bytes())
            .collect();
        zerocopy::FromBytes::read_from_bytes(&bytes[..]).unwrap()
    }

    #[test]
    fn no_register_that_is_written_can_leave_ring_3() {
        for word in [u64::MAX, USER_END, 0x8000_0000_0000, 0xffff_8000_0000_0000] {
            let mut context = context();
            context.set_user_context(&every_word(word));
            let got = context.user_context();
            assert_eq!((got.rip, got.fs_base, got.gs_base), (0, 0, 0), "{word:#x}");
            // IF and bit 1 set; no TF, NT, RF, VM, AC, ID, and IOPL 0.
            assert_eq!(got.rflags & !0xcd5, 0x202, "{word:#x}");
            assert_eq!((context.cs, context.ss), (0x2b, 0x23));
            assert_eq!(
                got.rsp, word,
                "a wrong stack pointer faults in ring 3, not here"
            );
        }
    }

    #[test]
    fn registers_that_are_harmless_come_back_as_written() {
        let mut context = context();
        let registers = every_word(0x1234_5678);
        context.set_user_context(&registers);
        let expected = UserContext {
            rflags: 0x1234_5678 & 0xcd5 | 0x202,
            ..registers
        };
        assert_eq!(context.user_context(), expected);
    }

    #[test]
    fn a_started_thread_has_three_arguments_and_a_fresh_fpu() {
        let mut context = context();
        context.set_user_context(&every_word(5));
        context.fpu_area().0.fill(7);
        context.start(0x1000, 0x2000, [1, 2, 3]);
        let expected = UserContext {
            rip: 0x1000,
            rsp: 0x2000,
            rflags: 0x202,
            rdi: 1,
            rsi: 2,
            rdx: 3,
            ..UserContext::default()
        };
        assert_eq!(context.user_context(), expected);
        let FpuArea(words) = context.fpu_area();
        assert_eq!((words[0], words[3]), (0x37f, 0x1f80));
        assert_eq!(words.iter().filter(|&&w| w != 0).count(), 2);
    }

    #[test]
    fn writing_registers_takes_the_slow_way_back_so_that_rcx_and_r11_arrive() {
        let mut context = context();
        (context.by_sysret, context.rip, context.rflags) = (1, 0x4000, 0x246);
        assert_eq!(
            (context.user_context().rcx, context.user_context().r11),
            (0x4000, 0x246)
        );
        let registers = UserContext {
            rcx: 77,
            r11: 88,
            ..context.user_context()
        };
        context.set_user_context(&registers);
        assert_eq!(context.by_sysret, 0);
        assert_eq!(
            (context.user_context().rcx, context.user_context().r11),
            (77, 88)
        );
    }
}
