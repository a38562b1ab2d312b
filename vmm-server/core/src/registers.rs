//! The guest's registers, as instructions name them.

use sel4_sys::vcpu::{Changed, VcpuState};
use x86_regs::system::{Cr0, Cr4, Efer, RFlags};
use x86_regs::vmx::Interruptibility;

const RAX: usize = 0;
const RCX: usize = 1;
const RDX: usize = 2;
const RBX: usize = 3;

/// A view of the page that is shared with the kernel.
#[derive(Debug)]
pub(crate) struct Registers<'a>(pub(crate) &'a mut VcpuState);

impl Registers<'_> {
    pub(crate) const fn eax(&self) -> u32 {
        low(self.0.registers[RAX])
    }

    pub(crate) const fn ecx(&self) -> u32 {
        low(self.0.registers[RCX])
    }

    /// EDX:EAX.
    pub(crate) const fn pair(&self) -> u64 {
        (low(self.0.registers[RDX]) as u64) << 32 | low(self.0.registers[RAX]) as u64
    }

    /// Writes EDX:EAX. The upper halves become zero, as with every 32-bit result.
    pub(crate) fn set_pair(&mut self, value: u64) {
        self.0.registers[RAX] = low(value).into();
        self.0.registers[RDX] = value >> 32;
    }

    /// Writes EAX, EBX, ECX and EDX.
    pub(crate) fn set_four(&mut self, [eax, ebx, ecx, edx]: [u32; 4]) {
        self.0.registers[RAX] = eax.into();
        self.0.registers[RBX] = ebx.into();
        self.0.registers[RCX] = ecx.into();
        self.0.registers[RDX] = edx.into();
    }

    /// Writes the low `size` bytes of RAX as IN does: 4 bytes clear the upper half, fewer leave the rest.
    pub(crate) fn set_input(&mut self, size: u8, value: u32) {
        let rax = self.0.registers[RAX];
        let value = u64::from(value);
        self.0.registers[RAX] = match size {
            1 => rax & !0xff | value & 0xff,
            2 => rax & !0xffff | value & 0xffff,
            _ => value,
        };
    }

    /// General register `index` in the order of instruction encoding.
    pub(crate) fn general(&self, index: u8) -> u64 {
        let register = self.0.registers.get(usize::from(index));
        register.copied().unwrap_or(0)
    }

    pub(crate) fn set_general(&mut self, index: u8, value: u64) {
        if let Some(register) = self.0.registers.get_mut(usize::from(index)) {
            *register = value;
        }
    }

    pub(crate) fn cr0(&self) -> Cr0 {
        self.0.cr0.into()
    }

    pub(crate) fn cr4(&self) -> Cr4 {
        self.0.cr4.into()
    }

    pub(crate) fn efer(&self) -> Efer {
        self.0.efer.into()
    }

    pub(crate) fn rflags(&self) -> RFlags {
        self.0.rflags.into()
    }

    pub(crate) fn interruptibility(&self) -> Interruptibility {
        self.0.interruptibility.into()
    }

    /// Control registers changed: the kernel must load them.
    pub(crate) const fn mark_control(&mut self) {
        self.0.changed |= Changed::CONTROL;
    }

    /// A halted vCPU is not entered; it sleeps in the kernel.
    pub(crate) const fn set_halted(&mut self, is_halted: bool) {
        self.0.activity = is_halted as u64;
        self.0.changed |= Changed::INTERRUPTIBILITY;
    }

    /// The guest is past the instruction that exited: it has retired.
    ///
    /// Blocking by STI and MOV SS lasts for one instruction and ends with it; so does RF. Outside of long mode RIP has 32 bits. A
    /// 32-bit program in long mode that runs over the end of its 4 GiB is not looked for: the exit does not show its segments.
    pub(crate) fn retire(&mut self) {
        let next = self.0.rip.wrapping_add(self.0.instruction_length);
        self.0.rip = if self.efer().long_mode_active() {
            next
        } else {
            low(next).into()
        };
        self.0.rflags = self.rflags().with_resume(false).into();
        let blocked = self.interruptibility();
        let unblocked = blocked.with_after_sti(false).with_after_ss_load(false);
        if blocked != unblocked {
            self.0.interruptibility = unblocked.into();
            self.0.changed |= Changed::INTERRUPTIBILITY;
        }
        self.0.emulated_instructions = self.0.emulated_instructions.saturating_add(1);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what a 32-bit register is"
)]
const fn low(value: u64) -> u32 {
    value as u32
}
