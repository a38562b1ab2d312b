//! What the kernel's own part of an exit costs, in instructions of the host.

use arch_x86_64::pmu;
use arch_x86_64::timer::{self, Ticks};
use arch_x86_64::trap::Interrupt;
use arch_x86_64::vcpu::{Counters, RawExit};
use pmu_drv::PmuPort as _;
use x86_regs::pmu::PerfGlobalCtrl;

use crate::bench::{Bench, CPU};
use crate::checks::{VMCALL, calls, waits};
use crate::counters::{FIXED_0, context, counter, cpu, start};
use crate::report::{Outcome, fail, same, tell};

/// From a VM exit to the next entry, with the guest's state described to a VMM and taken back from it; without system call
/// and VMM, which may take 1200 together with this.
const DESCRIBED: u64 = 450;
/// From a VM exit to the next entry when only the kernel looks at it.
const ALONE: u64 = 300;
/// How often each is measured.
const ROUNDS: usize = 101;

/// Runs all of them.
pub(crate) fn all(run: &mut impl FnMut(&str, fn(&mut Bench) -> Outcome)) {
    run("an_exit_costs_what_is_promised", exits);
}

/// The host counts its own instructions in ring 0, and nothing of the guest's.
const OUTSIDE: Counters = Counters::Host {
    inside: PerfGlobalCtrl::new(),
    outside: PerfGlobalCtrl::from_bits(FIXED_0),
};

/// Instructions that `act` took, less what the measurement itself takes.
fn measure(act: impl FnOnce()) -> u64 {
    let mut port = pmu::port(CPU);
    let mut now = || port.read_counter(counter().rdpmc());
    let empty = {
        let before = now();
        now() - before
    };
    let before = now();
    act();
    now() - before - empty
}

fn exits(bench: &mut Bench) -> Outcome {
    let mut pmu = cpu();
    start(&mut pmu, &context(0, false));
    bench.begin(calls());
    // The first entry writes the VMCS.
    same!(bench.enter(OUTSIDE), VMCALL, "first exit");
    bench.skip();
    let (mut alone, mut described) = ([0; ROUNDS], [0; ROUNDS]);
    for i in 0..ROUNDS {
        let mut exit = RawExit::EntryFailed;
        let cost = measure(|| {
            bench.vcpu.take_changes(bench.page);
            exit = bench
                .vcpu
                .enter(CPU, bench.thread, &bench.space, bench.page, OUTSIDE);
            bench.vcpu.describe_exit(bench.page);
        });
        same!(exit, VMCALL, "exit {i}");
        bench.skip();
        described
            .iter_mut()
            .skip(i)
            .take(1)
            .for_each(|slot| *slot = cost);
    }
    bench.begin(waits());
    timer::arm(CPU, Ticks(timer::now().0 + 3000));
    let timer = RawExit::Interrupt(Interrupt::Timer);
    same!(bench.enter(OUTSIDE), timer, "first interrupt");
    for i in 0..ROUNDS {
        timer::arm(CPU, Ticks(timer::now().0 + 3000));
        let mut exit = RawExit::EntryFailed;
        let cost = measure(|| {
            exit = bench
                .vcpu
                .enter(CPU, bench.thread, &bench.space, bench.page, OUTSIDE);
        });
        same!(exit, timer, "interrupt {i}");
        alone
            .iter_mut()
            .skip(i)
            .take(1)
            .for_each(|slot| *slot = cost);
    }
    let _ = pmu.stop();
    described.sort_unstable();
    alone.sort_unstable();
    tell("exit_described", &described);
    tell("exit_by_interrupt", &alone);
    for (what, costs, most) in [
        ("an exit that the VMM sees", described, DESCRIBED),
        ("an exit that the kernel handles alone", alone, ALONE),
    ] {
        let found = costs.last().copied().unwrap_or(u64::MAX);
        if found > most {
            return fail(format_args!(
                "{what} takes {found} instructions instead of {most} at most"
            ));
        }
    }
    Ok(())
}
