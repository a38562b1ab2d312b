//! Sorting, hashing and copying between two marks, with some counters running.
//!
//! Runs on machines without counters too: it touches none unless the settings say
//! `count=instructions` or `count=branches`. The marks are lines on the debug console, and
//! what follows the second one is whoever watches ending the machine.

use core::sync::atomic::{AtomicU64, Ordering};

use emu_proofs::count::{self, FIXED, GP_FULL_WIDTH};
use emu_proofs::cpu::{out, read_at, write, write_at};
use emu_proofs::trap::{self, Frame};
use emu_proofs::{Outcome, Proof, apic, fail, same, setting};
use testproto::DEBUG_CONSOLE_PORT;
use x86_regs::MsrBank as _;
use x86_regs::apic::LvtEntry;
use x86_regs::pmu::{EventSelect, FixedCtrCtrl, FixedField, PerfEvtSel, PerfGlobalCtrl};

/// Every counter raises an interrupt after so many events, as a profiler's would.
const PERIOD: u64 = 1_000_000;
const WIDTH: u64 = 1 << 48;
const ROUNDS: u64 = 120;
const WORDS: usize = 16 * 1024;

static INTERRUPTS: AtomicU64 = AtomicU64::new(0);
/// What counts, as GLOBAL_CTRL says it: the interrupt's handler should not take long.
static GLOBAL: AtomicU64 = AtomicU64::new(0);

/// What counts while the work is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Nothing,
    Instructions,
    BranchesToo,
}

impl Counted {
    fn found() -> Self {
        match setting("count") {
            Some("instructions") => Self::Instructions,
            Some("branches") => Self::BranchesToo,
            _ => Self::Nothing,
        }
    }

    /// GLOBAL_CTRL: fixed counters 0 and 1, and general-purpose counter 0.
    fn global(self) -> PerfGlobalCtrl {
        match self {
            Self::Nothing => PerfGlobalCtrl::new(),
            Self::Instructions => PerfGlobalCtrl::new().with_fixed(3),
            Self::BranchesToo => PerfGlobalCtrl::new().with_fixed(3).with_gp(1),
        }
    }
}

/// The counters that run.
fn counters(global: PerfGlobalCtrl) -> impl Iterator<Item = u32> {
    let fixed = (0..2).filter(move |index| global.fixed() >> index & 1 == 1);
    let gp = (0..1).filter(move |index| global.gp() >> index & 1 == 1);
    fixed
        .map(|index| FIXED + index)
        .chain(gp.map(|index| GP_FULL_WIDTH + index))
}

/// Starts the next period of every counter that has ended one.
fn next_period(_: &mut Frame) {
    let global = PerfGlobalCtrl::from(GLOBAL.load(Ordering::Relaxed));
    write(PerfGlobalCtrl::new());
    for counter in counters(global) {
        let value = read_at(counter);
        if value < WIDTH / 2 {
            write_at(counter, WIDTH - PERIOD + value);
        }
    }
    write_at(count::STATUS_RESET, global.into());
    INTERRUPTS.fetch_add(1, Ordering::Relaxed);
    apic::performance_entry(LvtEntry::new().with_vector(apic::PMI_VECTOR));
    apic::end_of_interrupt();
    write(global);
}

fn start(counted: Counted) {
    count::reset();
    apic::enable_xapic();
    trap::on(apic::PMI_VECTOR, next_period);
    apic::performance_entry(LvtEntry::new().with_vector(apic::PMI_VECTOR));
    let both = FixedField::new()
        .with_kernel(true)
        .with_user(true)
        .with_interrupt(true);
    write(FixedCtrCtrl::new().with_field(0, both).with_field(1, both));
    let branches = PerfEvtSel::new()
        .with_event(EventSelect::BRANCHES)
        .with_enable(true);
    let branches = branches
        .with_kernel(true)
        .with_user(true)
        .with_interrupt(true);
    write_at(PerfEvtSel::FIRST.0, branches.into());
    let global = counted.global();
    GLOBAL.store(global.into(), Ordering::Relaxed);
    for counter in counters(global) {
        write_at(counter, WIDTH - PERIOD);
    }
    apic::allow_interrupts(true);
    write(global);
}

fn mark(text: &str) {
    text.bytes().for_each(|byte| out(DEBUG_CONSOLE_PORT, byte));
}

/// What the work is done on.
struct Numbers {
    made: [u32; WORDS],
    sorted: [u32; WORDS],
}

static mut NUMBERS: Numbers = Numbers {
    made: [0; WORDS],
    sorted: [0; WORDS],
};

/// The same instructions every time; the result keeps the compiler from leaving them out.
fn work(numbers: &mut Numbers) -> u32 {
    let Numbers { made, sorted } = numbers;
    let mut state = 1_u32;
    let mut sum = 0_u32;
    for _ in 0..ROUNDS {
        for number in made.iter_mut() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *number = state;
        }
        sorted.copy_from_slice(made);
        sorted.sort_unstable();
        for (a, b) in made.iter().zip(sorted.iter()) {
            sum = (sum ^ a).rotate_left(5).wrapping_add(*b);
        }
    }
    sum
}

fn measured() -> Outcome {
    let counted = Counted::found();
    if counted != Counted::Nothing {
        start(counted);
    }
    let numbers = &raw mut NUMBERS;
    // SAFETY: 1. this is the only place that names it, and it is reached once.
    let numbers = unsafe { &mut *numbers };
    mark("\nspeed: begin\n");
    let sum = work(numbers);
    mark("\nspeed: end\n");
    if counted != Counted::Nothing {
        write(PerfGlobalCtrl::new());
        apic::allow_interrupts(false);
        // Otherwise it would not be known whether the counters ran.
        if INTERRUPTS.load(Ordering::Relaxed) < 100 {
            return fail(format_args!("the counters did not count"));
        }
    }
    same!(u64::from(sum != 0), 1_u64, "the work's result");
    Ok(())
}

#[unsafe(no_mangle)]
fn proof_main(proof: &mut Proof) {
    proof.check("the_work_is_done", measured);
}
