//! Times exits of several kinds, many times each.

use core::arch::asm;
use core::arch::x86_64::__cpuid_count;

use guest_support::cpu::{input, read};
use guest_support::{Finding, line};
use x86_regs::system::BiosSignature;

/// How often each is timed.
const ROUNDS: usize = 201;

/// What a CPUID exit, answered by the VMM in ring 3, takes at most. The aim is 1200.
const CPUID_AT_MOST: u64 = 1800;

fn now() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: 1. reads a counter.
    unsafe { asm!("rdtsc", out("eax") low, out("edx") high, options(nomem, nostack)) };
    u64::from(high) << 32 | u64::from(low)
}

/// Prints what `act` takes, less what asking for the time takes, and gives the median.
fn time(what: &str, act: fn()) -> u64 {
    let mut ticks = [0; ROUNDS];
    let asking = {
        let before = now();
        now() - before
    };
    for slot in &mut ticks {
        let before = now();
        act();
        *slot = (now() - before).saturating_sub(asking);
    }
    ticks.sort_unstable();
    let [least, .., most] = ticks;
    let median = ticks.get(ROUNDS / 2).copied().unwrap_or(most);
    line!("exits: {least:>6} {median:>6} {most:>6}  {what}");
    median
}

#[unsafe(no_mangle)]
fn guest_main() -> Finding {
    line!("exits:  least median   most  ticks from an exit to the next entry, {ROUNDS} times each");
    let cpuid = time("CPUID", || {
        core::hint::black_box(__cpuid_count(0, 0));
    });
    time("RDMSR", || {
        core::hint::black_box(read::<BiosSignature>());
    });
    time("IN from a port without a device", || {
        core::hint::black_box(input(0x80));
    });
    if cpuid <= CPUID_AT_MOST {
        Finding::Right
    } else {
        line!("exits: CPUID takes {cpuid} ticks, which is more than {CPUID_AT_MOST}");
        Finding::Wrong
    }
}
