//! The state in which a multiboot kernel starts.

use sel4_sys::vcpu::{Changed, Segment, VcpuState};
use x86_regs::system::{Cr0, RFlags};
use x86_regs::vmx::AccessRights;
use zerocopy::FromZeros;

/// Where a loaded image starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start {
    /// Address of the first instruction.
    pub entry: u32,
    /// Address of the boot information.
    pub information: u32,
}

/// In EAX: "a multiboot loader started you".
const MAGIC: u64 = 0x2bad_b002;

/// Types of segments. SDM vol. 3A, "Segment Descriptors", "System Segment and Gate Descriptor Types".
const CODE: u8 = 0xb;
const DATA: u8 = 0x3;
const BUSY_TASK: u8 = 0xb;

impl Start {
    /// 32-bit protected mode, flat segments, no paging, interrupts off. "Machine state" of the multiboot specification.
    #[must_use]
    pub fn state(&self) -> VcpuState {
        let mut state = VcpuState::new_zeroed();
        state.registers[0] = MAGIC;
        state.registers[3] = self.information.into();
        state.rip = self.entry.into();
        state.rflags = RFlags::new().into();
        // NE is fixed to 1 in VMX operation; on any other CPU of today it makes no difference.
        state.cr0 = Cr0::new()
            .with_protection(true)
            .with_extension_type(true)
            .with_numeric_error(true)
            .into();
        let (code, data) = (flat(CODE, 0x8), flat(DATA, 0x10));
        let none = Segment {
            access: AccessRights::new().with_unusable(true).into(),
            ..Segment::default()
        };
        // A VM entry wants a task state that is in use; nothing is read from it.
        let task = Segment {
            limit: 0x67,
            access: AccessRights::new()
                .with_kind(BUSY_TASK)
                .with_present(true)
                .into(),
            ..Segment::default()
        };
        state.segments = [data, code, data, data, data, data, none, task];
        state.changed = Changed::CONTROL | Changed::SEGMENTS | Changed::INTERRUPTIBILITY;
        state
    }
}

fn flat(kind: u8, selector: u64) -> Segment {
    let access = AccessRights::new()
        .with_kind(kind)
        .with_code_or_data(true)
        .with_present(true)
        .with_big(true)
        .with_granular(true);
    Segment {
        base: 0,
        limit: u32::MAX,
        access: access.into(),
        selector,
    }
}
