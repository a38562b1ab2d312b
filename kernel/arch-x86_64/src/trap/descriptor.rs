//! Descriptors: segments, the task state segment, gates.

use bitfield_struct::bitfield;

/// Selectors. SYSCALL and SYSRET fix the order: kernel data follows kernel code, user code follows user data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Selector(pub(crate) u16);

impl Selector {
    pub(crate) const KERNEL_CODE: Self = Self(0x08);
    /// What SYSRET counts from: user data is this plus 8, user code this plus 16. No descriptor lies here.
    pub(crate) const SYSRET_BASE: Self = Self(0x18 | 3);
    pub(crate) const USER_DATA: Self = Self(0x20 | 3);
    pub(crate) const USER_CODE: Self = Self(0x28 | 3);
    pub(crate) const TASK_STATE: Self = Self(0x30);
}

const KERNEL_CODE: u64 = 0x00af_9b00_0000_ffff;
const KERNEL_DATA: u64 = 0x00cf_9300_0000_ffff;
const USER_DATA: u64 = 0x00cf_f300_0000_ffff;
const USER_CODE: u64 = 0x00af_fb00_0000_ffff;

/// The global descriptor table of one CPU. SDM vol. 3A, "Segment Descriptors": all of them accessed already, so
/// that the CPU never writes here.
pub(crate) const fn global_table(task_state: u64) -> [u64; 8] {
    let [low, high] = task_state_descriptor(task_state);
    [
        0,
        KERNEL_CODE,
        KERNEL_DATA,
        0,
        USER_DATA,
        USER_CODE,
        low,
        high,
    ]
}

/// Type 9, present: an available 64-bit TSS. SDM vol. 3A, "TSS Descriptor in 64-bit mode".
const fn task_state_descriptor(base: u64) -> [u64; 2] {
    let limit = size_of::<TaskState>() as u64 - 1;
    let low = limit | (base & 0xff_ffff) << 16 | 0x89 << 40 | (base >> 24 & 0xff) << 56;
    [low, base >> 32]
}

/// Numbers of the interrupt stacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum InterruptStack {
    /// The stack of the ring that is entered.
    Kernel = 0,
    Nmi = 1,
    DoubleFault = 2,
    MachineCheck = 3,
    Debug = 4,
    /// All other exceptions.
    Fault = 5,
}

/// Interrupt stacks in use.
pub(crate) const INTERRUPT_STACKS: usize = 5;

/// The task state segment. SDM vol. 3A, "64-Bit Task State Segment".
///
/// The stack pointers lie at odd multiples of 4, so they are pairs of halves.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct TaskState {
    _reserved: u32,
    stacks: [[u32; 2]; 3],
    _reserved2: [u32; 2],
    interrupt_stacks: [[u32; 2]; 7],
    _reserved3: [u32; 2],
    /// Bits 31:16: offset of the I/O permission map. At the limit, so there is none and every port faults in ring 3.
    io_map: u32,
}

const _: () = assert!(size_of::<TaskState>() == TaskState::SIZE as usize);

impl TaskState {
    /// Bytes.
    const SIZE: u32 = 104;

    /// With the stack that ring 3 is left to, and the ends of interrupt stacks 1 on.
    pub(crate) fn new(kernel_stack: u64, interrupt_stacks: [u64; INTERRUPT_STACKS]) -> Self {
        let mut ends = [[0; 2]; 7];
        ends.iter_mut()
            .zip(interrupt_stacks)
            .for_each(|(to, end)| *to = halves(end));
        Self {
            _reserved: 0,
            stacks: [halves(kernel_stack), [0; 2], [0; 2]],
            _reserved2: [0; 2],
            interrupt_stacks: ends,
            _reserved3: [0; 2],
            io_map: Self::SIZE << 16,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of a word")]
const fn halves(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

/// A gate of the interrupt descriptor table. SDM vol. 3A, "64-Bit Mode IDT".
#[bitfield(u128)]
pub(crate) struct Gate {
    pub(crate) offset_low: u16,
    pub(crate) selector: u16,
    /// Interrupt stack, 0 to 7.
    #[bits(3)]
    pub(crate) stack: u8,
    #[bits(5)]
    __: u8,
    /// 14: an interrupt gate, which clears IF.
    #[bits(4)]
    pub(crate) kind: u8,
    __: bool,
    /// Least privileged ring that may come here by an INT instruction.
    #[bits(2)]
    pub(crate) privilege: u8,
    pub(crate) present: bool,
    #[bits(48)]
    pub(crate) offset_high: u64,
    #[bits(32)]
    __: u32,
}

impl Gate {
    /// An interrupt gate to `handler` on `stack`; `from_user` lets INT instructions of ring 3 through.
    pub(crate) fn interrupt(handler: u64, stack: InterruptStack, from_user: bool) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the lowest 16 bits are meant"
        )]
        let low = handler as u16;
        Self::new()
            .with_offset_low(low)
            .with_offset_high(handler >> 16)
            .with_selector(Selector::KERNEL_CODE.0)
            .with_stack(stack as u8)
            .with_kind(14)
            .with_privilege(if from_user { 3 } else { 0 })
            .with_present(true)
    }
}

#[cfg(test)]
mod tests {
    use super::{Gate, InterruptStack, Selector, TaskState, global_table};

    #[test]
    fn a_gate_has_its_parts_where_the_manual_says() {
        let gate = Gate::interrupt(0xffff_ffff_8012_3456, InterruptStack::Fault, true);
        assert_eq!(gate.into_bits(), 0x0000_0000_ffff_ffff_8012_ee05_0008_3456);
        let gate = Gate::interrupt(0x1234, InterruptStack::Kernel, false);
        assert_eq!(gate.into_bits(), 0x0000_0000_0000_0000_0000_8e00_0008_1234);
    }

    #[test]
    fn sysret_finds_user_segments_behind_its_base() {
        assert_eq!(Selector::SYSRET_BASE.0 + 8, Selector::USER_DATA.0);
        assert_eq!(Selector::SYSRET_BASE.0 + 16, Selector::USER_CODE.0);
        let table = global_table(0);
        // Access byte: present, privilege 3, data writable / code readable, accessed. 64-bit code has L, not D.
        assert_eq!(
            table[usize::from(Selector::USER_DATA.0 / 8)] >> 40 & 0xff,
            0xf3
        );
        let code = table[usize::from(Selector::USER_CODE.0 / 8)];
        assert_eq!((code >> 40 & 0xff, code >> 53 & 0b11), (0xfb, 0b01));
        assert_eq!(
            table[usize::from(Selector::SYSRET_BASE.0 / 8)],
            0,
            "no 32-bit code"
        );
    }

    #[test]
    fn the_task_state_descriptor_spreads_the_base() {
        let [low, high] = global_table(0xffff_8000_1234_5678)[6..] else {
            panic!("two words")
        };
        assert_eq!(high, 0xffff_8000);
        assert_eq!(low, 0x1200_8934_5678_0067);
    }

    #[test]
    fn the_task_state_names_every_stack_and_no_port() {
        let state = TaskState::new(0x1_0000_0002, [0x11, 0x12, 0x13, 0x14, 0xa_0000_0015]);
        assert_eq!(state.stacks[0], [2, 1]);
        assert_eq!(state.interrupt_stacks[0], [0x11, 0]);
        assert_eq!(state.interrupt_stacks[4], [0x15, 0xa]);
        assert_eq!(state.io_map >> 16, 104);
    }
}
