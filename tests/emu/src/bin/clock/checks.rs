//! The checks of `clock`: the TSC and the local APIC's timer, in instructions.

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};

use emu_proofs::cpu::cpuid;
use emu_proofs::trap::{self, Frame};
use emu_proofs::{Outcome, Proof, apic, fail, same};

/// Bochs moves its clocks between pieces of code of at most 32 instructions; waking up and the
/// handler come on top.
const SLACK: u64 = 200;

static TICKS: AtomicU64 = AtomicU64::new(0);

fn tick(_: &mut Frame) {
    TICKS.fetch_add(1, Ordering::Relaxed);
    apic::end_of_interrupt();
}

fn timestamp() -> u64 {
    // SAFETY: 1. reading the counter changes nothing.
    unsafe { core::arch::x86_64::_rdtsc() }
}

fn takes(found: u64, wanted: u64, what: &str) -> Outcome {
    if found < wanted || found > wanted + SLACK {
        return fail(format_args!("{what}: {found} ns instead of {wanted}"));
    }
    Ok(())
}

fn cpuid_says_one_gigahertz() -> Outcome {
    let [denominator, numerator, crystal, _] = cpuid(0x15, 0);
    same!(denominator, 1_u32, "TSC ticks in so many of the crystal's");
    same!(numerator, 1_u32, "so many");
    same!(crystal, 1_000_000_000_u32, "the crystal, in hertz");
    same!(cpuid(0x16, 0)[0], 1000_u32, "the processor, in MHz");
    Ok(())
}

fn an_instruction_is_a_tick_of_the_tsc() -> Outcome {
    let start = timestamp();
    // SAFETY: 1. it counts a register down.
    unsafe { asm!("2: dec {0}", "jnz 2b", inout(reg) 50_000_u64 => _) };
    takes(timestamp() - start, 100_000, "100000 instructions")
}

/// Sleeps until `arm` has brought an interrupt, and says how long that was.
fn sleep(arm: impl FnOnce()) -> u64 {
    TICKS.store(0, Ordering::Relaxed);
    let start = timestamp();
    arm();
    while TICKS.load(Ordering::Relaxed) == 0 {
        // SAFETY: 1. every vector has a gate. STI takes effect behind HLT, so no tick is missed.
        unsafe { asm!("sti", "hlt", "cli", options(nomem, nostack)) };
    }
    timestamp() - start
}

/// From a few instructions to a second, which a machine that sleeps has at once.
const TIMES: [u32; 4] = [2_000, 100_000, 10_000_000, 1_000_000_000];

fn the_timer_counts_nanoseconds() -> Outcome {
    for time in TIMES {
        let slept = sleep(|| apic::timer(time));
        takes(slept, time.into(), "the timer")?;
    }
    Ok(())
}

fn the_deadline_is_kept() -> Outcome {
    for time in TIMES {
        let slept = sleep(|| apic::deadline(timestamp() + u64::from(time)));
        takes(slept, time.into(), "the deadline")?;
    }
    Ok(())
}

#[unsafe(no_mangle)]
fn proof_main(proof: &mut Proof) {
    trap::on(apic::TIMER_VECTOR, tick);
    proof.check("cpuid_says_one_gigahertz", cpuid_says_one_gigahertz);
    proof.check(
        "an_instruction_is_a_tick_of_the_tsc",
        an_instruction_is_a_tick_of_the_tsc,
    );
    apic::enable_xapic();
    proof.check(
        "the_timer_counts_nanoseconds_in_xapic_mode",
        the_timer_counts_nanoseconds,
    );
    proof.check("the_deadline_is_kept_in_xapic_mode", the_deadline_is_kept);
    apic::enable_x2apic();
    proof.check(
        "the_timer_counts_nanoseconds_in_x2apic_mode",
        the_timer_counts_nanoseconds,
    );
    proof.check("the_deadline_is_kept_in_x2apic_mode", the_deadline_is_kept);
}
