//! The other CPUs, which wait for a start-up interrupt.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::{apic, trap};

/// What another CPU does.
pub type Work = fn(cpu: usize);

static WORK: AtomicUsize = AtomicUsize::new(0);
static RUNNING: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" {
    static trampoline: u8;
    static trampoline_end: u8;
    static next_stack: AtomicU32;
}

/// Where the trampoline must be: the start-up interrupt names page 8.
const TRAMPOLINE: usize = 0x8000;

/// Starts CPUs 1 to `cpus - 1`, one after the other, and lets each do `work`.
///
/// Returns when all have done it. They are named in the order in which they came up.
pub fn run(cpus: usize, work: Work) {
    WORK.store(work as usize, Ordering::SeqCst);
    // SAFETY: 1. the page belongs to nobody: the loader is done with it.
    unsafe {
        let code = &raw const trampoline;
        let length = (&raw const trampoline_end).addr() - code.addr();
        core::ptr::copy_nonoverlapping(code, TRAMPOLINE as *mut u8, length);
    }
    apic::enable_xapic();
    for cpu in 1..cpus {
        // SAFETY: 1. the symbol is four bytes in `boot.s`, read by the CPU that starts next.
        unsafe { next_stack.store(trap::start_stack(cpu) as u32, Ordering::SeqCst) };
        apic::start_other(cpu as u32);
        while RUNNING.load(Ordering::SeqCst) < cpu {
            core::hint::spin_loop();
        }
    }
    while DONE.load(Ordering::SeqCst) < cpus - 1 {
        core::hint::spin_loop();
    }
}

/// Entered by each other CPU on its own stack.
#[unsafe(no_mangle)]
extern "C" fn proof_other_cpu() {
    let cpu = RUNNING.load(Ordering::SeqCst) + 1;
    trap::set_up(cpu);
    RUNNING.store(cpu, Ordering::SeqCst);
    let work = WORK.load(Ordering::SeqCst);
    // SAFETY: 1. `run` stored a `Work` there before it started this CPU.
    let work: Work = unsafe { core::mem::transmute(work) };
    work(cpu);
    DONE.fetch_add(1, Ordering::SeqCst);
}
