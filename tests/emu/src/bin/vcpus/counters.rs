//! A guest's own counters and their interrupts.

use arch_x86_64::pmu;
use arch_x86_64::trap::Interrupt;
use arch_x86_64::vcpu::{Access, Counters, RawExit};
use pmu_drv::{Counter, CounterSet, CpuPmu, LocalVector, PmuContext};
use x86_regs::pmu::{FixedCtrCtrl, FixedField, PerfGlobalCtrl};
use x86_regs::vmx::ExitReason;

use crate::bench::{Bench, CPU, QUIET, RBX, word};
use crate::checks::{VMCALL, changes_global_control, counts, reads_its_counter, waits};
use crate::host;
use crate::report::{Outcome, same};

pub(crate) const FIXED_0: u64 = 1 << 32;

/// Runs all of them.
pub(crate) fn all(run: &mut impl FnMut(&str, fn(&mut Bench) -> Outcome)) {
    run("a_guest_counts_exactly_over_exits", exact);
    run("the_exit_saves_global_control_and_stops", global_control);
    run("a_guest_reaches_what_is_open_and_nothing_else", access);
    run("a_guests_overflow_comes_by_its_epochs_vector", guest_pmi);
}

pub(crate) fn counter() -> Counter {
    Counter::fixed(0).unwrap_or_else(|| unreachable!("fixed counter 0 has a name"))
}

/// Fixed counter 0 counts ring 0 from `value` on.
pub(crate) fn context(value: u64, interrupt: bool) -> PmuContext {
    let field = FixedField::new()
        .with_kernel(true)
        .with_interrupt(interrupt);
    let mut context = PmuContext::new();
    context.set_fixed_control(FixedCtrCtrl::new().with_field(0, field));
    context.set_global_control(PerfGlobalCtrl::from(FIXED_0));
    context.set_value(counter(), value);
    context
}

pub(crate) fn cpu() -> CpuPmu<pmu::Port> {
    let layout = pmu::layout().unwrap_or_else(|why| panic!("{why}"));
    CpuPmu::new(pmu::port(CPU), layout)
}

pub(crate) fn load(pmu: &mut CpuPmu<pmu::Port>, context: &PmuContext, odd_epoch: bool) -> Counters {
    let mut stopped = pmu.stop();
    let vector = LocalVector::Fixed {
        vector: pmu::guest_vector(odd_epoch),
        masked: false,
    };
    stopped.take(context, vector);
    Counters::Guest(stopped.start_guest(context))
}

fn exact(bench: &mut Bench) -> Outcome {
    bench.begin(counts());
    let mut pmu = cpu();
    let mut context = context(5, false);
    let counters = load(&mut pmu, &context, false);
    // The first turn has no JMP before it.
    for _ in 0..100 {
        same!(bench.enter(counters), VMCALL, "exit");
        same!(host::global_control(), 0, "GLOBAL_CTRL after the exit");
        bench.skip();
    }
    pmu.exited().leave(&mut context);
    same!(
        context.value(counter()),
        5 + 100 * 2001 + 99,
        "instructions"
    );
    Ok(())
}

fn global_control(bench: &mut Bench) -> Outcome {
    bench.begin(changes_global_control());
    let mut pmu = cpu();
    let mut context = context(0, false);
    let counters = load(&mut pmu, &context, false);
    bench.vcpu.set_access(Access {
        global: true,
        ..Access::default()
    });
    same!(bench.enter(counters), VMCALL, "exit");
    same!(u64::from(bench.vcpu.global_control()), 3, "saved");
    same!(bench.get(word!(global_control)), 3, "in the page");
    same!(host::global_control(), 0, "GLOBAL_CTRL after the exit");
    pmu.exited().leave(&mut context);
    // Three instructions before the write; the write that stops the counter is not counted.
    same!(context.value(counter()), 3, "instructions");
    Ok(())
}

fn access(bench: &mut Bench) -> Outcome {
    let mut pmu = cpu();
    let exits = |reason| RawExit::Exit(reason);
    let context = context(0, false);
    for counters in [QUIET, load(&mut pmu, &context, false)] {
        bench.begin(reads_its_counter());
        same!(bench.enter(counters), exits(ExitReason::RDMSR), "closed");
        bench.skip();
        same!(bench.enter(counters), exits(ExitReason::RDPMC), "closed");
    }
    let open = Access {
        counters: CounterSet::from_bits(FIXED_0),
        rdpmc: true,
        ..Access::default()
    };
    bench.begin(reads_its_counter());
    bench.vcpu.set_access(open);
    same!(bench.enter(QUIET), exits(ExitReason::RDMSR), "idle");
    let mut zero = context.clone();
    pmu.exited().leave(&mut zero);
    let before = zero.value(counter());
    let counters = load(&mut pmu, &zero, false);
    bench.begin(reads_its_counter());
    bench.vcpu.set_access(open);
    same!(bench.enter(counters), VMCALL, "open");
    // RDMSR is the second instruction and sees one, RDPMC the fifth and sees four.
    same!(bench.get(RBX) - before, 1, "by RDMSR");
    same!(bench.get(6) - before, 4, "by RDPMC");
    Ok(())
}

fn guest_pmi(bench: &mut Bench) -> Outcome {
    for odd_epoch in [false, true, false] {
        bench.begin(waits());
        let mut pmu = cpu();
        let mut context = context((1 << 48) - 1000, true);
        let counters = load(&mut pmu, &context, odd_epoch);
        let wanted = RawExit::Interrupt(Interrupt::GuestPmi { odd_epoch });
        same!(bench.enter(counters), wanted, "exit");
        let turns = (1000 + bench.delay) / 2;
        same!(bench.get(RBX), turns, "turns of two instructions");
        pmu.exited().leave(&mut context);
        same!(context.value(counter()), bench.delay, "value");
        same!(u64::from(context.status()), FIXED_0, "status");
    }
    Ok(())
}

/// The host's counters run.
pub(crate) fn start(pmu: &mut CpuPmu<pmu::Port>, context: &PmuContext) {
    let mut stopped = pmu.stop();
    stopped.take(context, LocalVector::Nmi);
    stopped.start_host(context);
}
