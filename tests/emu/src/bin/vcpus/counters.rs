//! Counters: a guest's own, its interrupts, and the host's samples.

use arch_x86_64::pmu;
use arch_x86_64::timer::{self, Ticks};
use arch_x86_64::trap::Interrupt;
use arch_x86_64::vcpu::{Access, Counters, RawExit};
use pmu_drv::{Counter, CounterSet, CpuPmu, LocalVector, PmuContext};
use sel4_sys::samples::{SAMPLE_HEADER_WORDS, SampleHeader};
use x86_regs::pmu::{FixedCtrCtrl, FixedField, PerfGlobalCtrl};
use x86_regs::vmx::ExitReason;

use crate::bench::{Bench, CPU, QUIET, RBX, word};
use crate::checks::{VMCALL, changes_global_control, counts, reads_its_counter, waits};
use crate::host;
use crate::report::{Outcome, fail, same};

pub(crate) const FIXED_0: u64 = 1 << 32;

/// Runs all of them.
pub(crate) fn all(run: &mut impl FnMut(&str, fn(&mut Bench) -> Outcome)) {
    run("a_guest_counts_exactly_over_exits", exact);
    run("the_exit_saves_global_control_and_stops", global_control);
    run("a_guest_reaches_what_is_open_and_nothing_else", access);
    run("a_guests_overflow_comes_by_its_epochs_vector", guest_pmi);
    run("the_hosts_counters_become_samples", samples);
    run("an_nmi_exit_is_served_and_nmis_come_again", nmi_exit);
    run("an_nmi_during_a_switch_is_not_lost", late);
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
        same!(bench.get(RBX), 500, "turns of two instructions");
        pmu.exited().leave(&mut context);
        same!(context.value(counter()), 0, "value");
        same!(u64::from(context.status()), FIXED_0, "status");
    }
    Ok(())
}

/// The host samples every `period` instructions of ring 0.
fn sample(bench: &Bench, period: u64, watermark: u64) -> (CpuPmu<pmu::Port>, PmuContext) {
    let mut periods = [0; 12];
    periods[8] = period;
    pmu::set_periods(CPU, &periods);
    pmu::set_ring(CPU, Some(&bench.samples), watermark);
    (cpu(), context((1 << 48) - period, true))
}

pub(crate) fn start(pmu: &mut CpuPmu<pmu::Port>, context: &PmuContext) {
    let mut stopped = pmu.stop();
    stopped.take(context, LocalVector::Nmi);
    stopped.start_host(context);
}

fn header(bench: &Bench, index: usize) -> u64 {
    bench.samples.page(0).map_or(0, |page| page.word(index))
}

#[inline(never)]
fn spin(turns: u64) {
    for turn in 0..turns {
        core::hint::black_box(turn);
    }
}

fn samples(bench: &mut Bench) -> Outcome {
    bench.samples.reset(0, 1, &[]);
    let before = pmu::nmi_counts(CPU);
    let (mut pmu, mut context) = sample(bench, 20_000, 4);
    start(&mut pmu, &context);
    spin(100_000);
    let mut stopped = pmu.stop();
    let overflow = stopped.leave_host(&mut context);
    drop(stopped);
    same!(overflow.0.is_empty(), true, "nothing is late");
    let counts = pmu::nmi_counts(CPU);
    let taken = counts.host_pmis - before.host_pmis;
    let written = header(bench, SampleHeader::WRITTEN);
    same!(written, taken, "samples, one for each NMI");
    if !(5..100).contains(&taken) {
        return fail(format_args!(
            "{taken} samples of more than 100000 instructions"
        ));
    }
    same!(counts.throttled, before.throttled, "throttled");
    for i in 0..usize::try_from(written).unwrap_or(0) {
        let rip = header(bench, SAMPLE_HEADER_WORDS + 4 * i + 1);
        let flags = header(bench, SAMPLE_HEADER_WORDS + 4 * i + 3);
        same!(
            rip >> 31,
            (1 << 33) - 1,
            "sample {i}: an address of the kernel"
        );
        same!(flags, 0, "sample {i}: ring 0, not late");
    }
    // The watermark's interrupt has waited since: interrupts are off here, and a guest lets it through.
    bench.begin(waits());
    let told = RawExit::Interrupt(Interrupt::Samples);
    same!(bench.enter(QUIET), told, "the watermark");
    Ok(())
}

fn nmi_exit(bench: &mut Bench) -> Outcome {
    bench.samples.reset(0, 1, &[]);
    let before = pmu::nmi_counts(CPU);
    let (mut pmu, mut context) = sample(bench, 5000, 1000);
    bench.begin(waits());
    // The event includes guests: the host's counter runs on while the guest does.
    let mut stopped = pmu.stop();
    stopped.take(&context, LocalVector::Nmi);
    stopped.start_host(&context);
    let inside = PerfGlobalCtrl::from(FIXED_0);
    let counters = Counters::Host {
        inside,
        outside: inside,
    };
    for round in 1..=3 {
        same!(bench.enter(counters), RawExit::Nmi, "exit {round}");
        same!(host::global_control(), FIXED_0, "the host's GLOBAL_CTRL");
    }
    let mut stopped = pmu.stop();
    let overflow = stopped.leave_host(&mut context);
    drop(stopped);
    same!(overflow.0.is_empty(), true, "nothing is late");
    let taken = pmu::nmi_counts(CPU).host_pmis - before.host_pmis;
    // Making a new guest ready takes the host more instructions than a period has.
    same!(
        (3..6).contains(&taken),
        true,
        "{taken} NMIs, three of them exits"
    );
    same!(header(bench, SampleHeader::WRITTEN), taken, "samples");
    for i in 0..usize::try_from(taken).unwrap_or(0) {
        let rip = header(bench, SAMPLE_HEADER_WORDS + 4 * i + 1);
        same!(
            rip >> 31,
            (1 << 33) - 1,
            "sample {i}: no address of the guest"
        );
    }
    Ok(())
}

fn late(bench: &mut Bench) -> Outcome {
    // A guest runs until the timer; meanwhile nothing of the host counts, and afterwards it goes on.
    bench.samples.reset(0, 1, &[]);
    let (mut pmu, mut host) = sample(bench, 30_000, 1000);
    let before = pmu::nmi_counts(CPU);
    start(&mut pmu, &host);
    for round in 0..20_u64 {
        spin(500 + 97 * round);
        let mut stopped = pmu.stop();
        let overflow = stopped.leave_host(&mut host);
        pmu::record_late(
            CPU,
            overflow.0,
            &mut host,
            &pmu::layout().unwrap_or_else(|why| panic!("{why}")),
        );
        let mut guest = context(0, false);
        stopped.take(
            &guest,
            LocalVector::Fixed {
                vector: pmu::guest_vector(false),
                masked: true,
            },
        );
        let counters = Counters::Guest(stopped.start_guest(&guest));
        bench.begin(waits());
        timer::arm(CPU, Ticks(timer::now().0 + 3000));
        let exit = bench.enter(counters);
        same!(exit, RawExit::Interrupt(Interrupt::Timer), "exit");
        let mut stopped = pmu.exited();
        stopped.leave(&mut guest);
        // Two instructions a turn; the exit may fall between them.
        same!(
            guest.value(counter()) / 2,
            bench.get(RBX) - guest.value(counter()) % 2,
            "the guest's own"
        );
        stopped.take(&host, LocalVector::Nmi);
        stopped.start_host(&host);
    }
    let mut stopped = pmu.stop();
    let overflow = stopped.leave_host(&mut host);
    drop(stopped);
    let counts = pmu::nmi_counts(CPU);
    let overflows = counts.overflows[8] - before.overflows[8] + u64::from(overflow.0.len());
    // What was counted in all is whole periods plus what stands in the counter.
    if overflows == 0 {
        return fail(format_args!("no overflow in 20 rounds"));
    }
    same!(
        header(bench, SampleHeader::WRITTEN) + u64::from(overflow.0.len()),
        overflows,
        "a sample for each overflow"
    );
    Ok(())
}
