//! Events for a guest: exceptions, interrupted deliveries, NMIs and interrupts.

use sel4_sys::vcpu::VcpuState;
use x86_regs::vmx::{EventKind, InterruptionInfo};

use crate::registers::Registers;
use crate::vlapic::Vlapic;

/// An exception that an emulated instruction raises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exception {
    /// #UD.
    InvalidOpcode,
    /// #GP(0).
    GeneralProtection,
}

const NMI_VECTOR: u8 = 2;

impl Exception {
    fn word(self) -> u64 {
        let info = InterruptionInfo::new()
            .with_kind(EventKind::HARDWARE_EXCEPTION)
            .with_valid(true);
        // The error code, in the high half, is 0.
        u64::from(u32::from(match self {
            Self::InvalidOpcode => info.with_vector(6),
            Self::GeneralProtection => info.with_vector(13).with_has_error_code(true),
        }))
    }

    pub(crate) fn raise(self, state: &mut VcpuState) {
        state.inject = self.word();
        state.inject_length = 0;
    }
}

/// An event whose delivery the exit cut short is delivered again. It has left the APIC already.
pub(crate) fn repeat_interrupted(state: &mut VcpuState) {
    let word = core::mem::take(&mut state.idt_vectoring);
    let info = info(word);
    if !info.valid() {
        return;
    }
    let kept = InterruptionInfo::new()
        .with_vector(info.vector())
        .with_kind(info.kind())
        .with_has_error_code(info.has_error_code())
        .with_valid(true);
    let code = if info.has_error_code() { word >> 32 } else { 0 };
    state.inject = u64::from(u32::from(kept)) | code << 32;
    state.inject_length = if info.kind().is_from_software() {
        state.instruction_length
    } else {
        0
    };
}

/// Chooses what the next entry delivers: what is chosen already, else an NMI, else an interrupt if the guest takes it.
/// Asks for an exit at the first moment at which the guest takes an interrupt that must wait.
///
/// An NMI that must wait is tried again at the next exit.
pub(crate) fn deliver(state: &mut VcpuState, apic: &mut Vlapic) {
    let registers = Registers(state);
    let blocked = registers.interruptibility();
    let between = blocked.after_sti() || blocked.after_ss_load();
    let takes_nmi = !blocked.nmi_blocked() && !between;
    let takes_interrupt = registers.rflags().interrupts() && !between;
    let is_free = !info(state.inject).valid();
    if is_free && takes_nmi && apic.has_nmi() {
        apic.take_nmi();
        inject(state, EventKind::NMI, NMI_VECTOR);
    } else if is_free
        && takes_interrupt
        && let Some(vector) = apic.interrupt()
    {
        apic.take_interrupt(vector);
        inject(state, EventKind::EXTERNAL_INTERRUPT, vector);
    }
    state.interrupt_window = apic.interrupt().is_some().into();
}

fn inject(state: &mut VcpuState, kind: EventKind, vector: u8) {
    let info = InterruptionInfo::new()
        .with_vector(vector)
        .with_kind(kind)
        .with_valid(true);
    state.inject = u32::from(info).into();
    state.inject_length = 0;
}

/// The information in the low half of a word of the page.
fn info(word: u64) -> InterruptionInfo {
    let [a, b, c, d, ..] = word.to_le_bytes();
    InterruptionInfo::from(u32::from_le_bytes([a, b, c, d]))
}
