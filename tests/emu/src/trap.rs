//! Segments, task state, gates; and who hears of a trap.

use core::arch::asm;
use core::mem::size_of;

/// CPUs that a proof may use.
pub const CPUS: usize = 4;
/// Ring 3's segments, as SYSRET wants them: data, then code.
pub const USER_DATA: u16 = 0x20 | 3;
/// Ring 3's code segment.
pub const USER_CODE: u16 = 0x28 | 3;
/// The task-state segment's selector.
pub const TASK: u16 = 0x30;

/// The registers of the interrupted code, as `common_gate` pushed them.
#[repr(C)]
pub struct Frame {
    /// R15 to R8.
    pub r15_to_r8: [u64; 8],
    /// RDI.
    pub rdi: u64,
    /// RSI.
    pub rsi: u64,
    /// RBP, RBX, RDX, RCX.
    pub rbp_rbx_rdx_rcx: [u64; 4],
    /// RAX.
    pub rax: u64,
    /// Which gate.
    pub vector: u64,
    /// The error code, or zero.
    pub error: u64,
    /// Where it was.
    pub rip: u64,
    /// Its code segment.
    pub cs: u64,
    /// Its flags.
    pub rflags: u64,
    /// Its stack.
    pub rsp: u64,
    /// Its stack segment.
    pub ss: u64,
}

/// What a program does about a vector.
pub type Handler = fn(&mut Frame);

static mut HANDLERS: [Option<Handler>; 256] = [None; 256];
static mut RECOVERY: u64 = 0;

/// Where a faulting instruction that was expected to fault may say how to go on. The first CPU
/// only.
pub fn recovery() -> *mut u64 {
    &raw mut RECOVERY
}

/// Sets what happens at `vector`.
pub fn on(vector: u8, handler: Handler) {
    unsafe extern "C" {
        static gates: u8;
    }
    // SAFETY: 1. the first CPU alone sets handlers, before the trap can happen.
    unsafe { HANDLERS[usize::from(vector)] = Some(handler) };
    write_gate(
        vector,
        (&raw const gates).addr() as u64 + 16 * u64::from(vector),
    );
}

/// Leads `vector` straight to `code`, whose instructions can then be counted.
pub fn gate(vector: u8, code: unsafe extern "C" fn()) {
    write_gate(vector, code as usize as u64);
}

fn write_gate(vector: u8, at: u64) {
    // Present, ring 3 may call it, interrupt gate, kernel's code segment.
    let low = at & 0xffff | 0x08 << 16 | 0xee00 << 32 | (at >> 16 & 0xffff) << 48;
    // SAFETY: 1. the first CPU alone writes gates, before the trap can happen.
    unsafe { GATES[usize::from(vector)] = [low, at >> 32] };
}

/// Entered by every gate.
#[unsafe(no_mangle)]
extern "C" fn proof_gate(frame: &mut Frame) {
    // SAFETY: 1. only the first CPU sets it, and only around one instruction of its own.
    let recovery = unsafe { RECOVERY };
    if frame.vector == 13 && recovery != 0 {
        frame.rip = recovery;
        frame.rsi = 1;
        return;
    }
    // SAFETY: 1. handlers are set before their trap can happen.
    let handler = unsafe { HANDLERS[frame.vector as usize] };
    match handler {
        Some(handler) => handler(frame),
        None => panic!(
            "vector {} error {:#x} at {:#x}",
            frame.vector, frame.error, frame.rip
        ),
    }
}

#[repr(C, packed)]
struct Pointer {
    limit: u16,
    base: u64,
}

const KERNEL_CODE: u64 = 0x00af_9b00_0000_ffff;
const KERNEL_DATA: u64 = 0x00cf_9300_0000_ffff;
const CODE_32: u64 = 0x00cf_9b00_0000_ffff;
const USER_DATA_SEGMENT: u64 = 0x00cf_f300_0000_ffff;
const USER_CODE_SEGMENT: u64 = 0x00af_fb00_0000_ffff;

static mut SEGMENTS: [[u64; 8]; CPUS] = [[
    0,
    KERNEL_CODE,
    KERNEL_DATA,
    CODE_32,
    USER_DATA_SEGMENT,
    USER_CODE_SEGMENT,
    0,
    0,
]; CPUS];

/// A task-state segment: 104 bytes, of which RSP0 (offset 4) and IST1 (offset 36) matter.
#[repr(C, align(8))]
struct TaskState([u32; 26]);

static mut TASK_STATES: [TaskState; CPUS] = [const { TaskState([0; 26]) }; CPUS];
static mut GATES: [[u64; 2]; 256] = [[0; 2]; 256];

#[repr(C, align(16))]
struct Stack([u8; 16384]);

static mut TRAP_STACKS: [Stack; CPUS] = [const { Stack([0; 16384]) }; CPUS];
/// The stacks on which other CPUs start.
static mut START_STACKS: [Stack; CPUS] = [const { Stack([0; 16384]) }; CPUS];

/// The end of the stack on which `cpu` starts.
pub fn start_stack(cpu: usize) -> u64 {
    // SAFETY: 1. only the address is taken.
    unsafe { (&raw const START_STACKS[cpu]).addr() as u64 + size_of::<Stack>() as u64 }
}

/// Gives `cpu` its tables.
pub fn set_up(cpu: usize) {
    unsafe extern "C" {
        static gates: u8;
    }
    // SAFETY: 1. each CPU writes its own entries; the gates are the same for all, and the first
    // CPU has written them before another one runs. 2. what is loaded stays where it is.
    unsafe {
        if cpu == 0 {
            for vector in 0..=255 {
                write_gate(
                    vector,
                    (&raw const gates).addr() as u64 + 16 * u64::from(vector),
                );
            }
        }
        let stack = (&raw const TRAP_STACKS[cpu]).addr() as u64 + size_of::<Stack>() as u64;
        TASK_STATES[cpu].0[1] = stack as u32;
        TASK_STATES[cpu].0[2] = (stack >> 32) as u32;
        let task = (&raw const TASK_STATES[cpu]).addr() as u64;
        SEGMENTS[cpu][6] = 103 | (task & 0xff_ffff) << 16 | 0x89 << 40 | (task >> 24 & 0xff) << 56;
        SEGMENTS[cpu][7] = task >> 32;
        let segments = Pointer {
            limit: 63,
            base: (&raw const SEGMENTS[cpu]).addr() as u64,
        };
        let interrupts = Pointer {
            limit: 4095,
            base: (&raw const GATES).addr() as u64,
        };
        asm!(
            "lgdt [{segments}]",
            "lidt [{interrupts}]",
            "ltr {task:x}",
            segments = in(reg) &raw const segments,
            interrupts = in(reg) &raw const interrupts,
            task = in(reg) TASK,
            options(nostack)
        );
    }
}

/// Where the interrupt and segment tables and the task state of the first CPU are: VMX wants
/// to know (GDT, IDT, TSS).
pub fn tables() -> [u64; 3] {
    // SAFETY: 1. only addresses are taken.
    unsafe {
        [
            (&raw const SEGMENTS[0]).addr() as u64,
            (&raw const GATES).addr() as u64,
            (&raw const TASK_STATES[0]).addr() as u64,
        ]
    }
}
