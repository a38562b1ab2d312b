//! The host's counters: samples, and NMIs in every phase of a change of owner.

use arch_x86_64::pmu;
use arch_x86_64::timer::{self, Ticks};
use arch_x86_64::trap::Interrupt;
use arch_x86_64::vcpu::{Counters, RawExit};
use pmu_drv::{CpuPmu, LocalVector, PmuContext};
use sel4_sys::samples::{SAMPLE_HEADER_WORDS, SampleFlags, SampleHeader};
use x86_regs::pmu::PerfGlobalCtrl;

use crate::bench::{Bench, CPU, QUIET, RBX};
use crate::checks::waits;
use crate::counters::{FIXED_0, context, counter, cpu, load, start};
use crate::host;
use crate::report::{Outcome, fail, same};

/// Runs all of them.
pub(crate) fn all(run: &mut impl FnMut(&str, fn(&mut Bench) -> Outcome)) {
    run("the_hosts_counters_become_samples", samples);
    run("an_nmi_exit_is_served_and_nmis_come_again", nmi_exit);
    run("an_nmi_during_a_switch_is_not_lost", late);
    run("an_overflow_before_its_nmi_is_recorded_once", overtaken);
    run("a_real_nmi_is_told_apart_in_every_phase", real_nmis);
}

/// The host samples every `period` instructions of ring 0.
fn sample(bench: &Bench, period: u64, watermark: u64) -> (CpuPmu<pmu::Port>, PmuContext) {
    let mut periods = [0; 12];
    periods[8] = period;
    pmu::set_periods(CPU, &periods);
    pmu::set_ring(CPU, Some(&bench.samples), watermark);
    (cpu(), context((1 << 48) - period, true))
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

fn real_nmis(bench: &mut Bench) -> Outcome {
    let (mut pmu, host) = sample(bench, 1 << 40, 1000);
    start(&mut pmu, &host);
    let others = || pmu::nmi_counts(CPU).others;
    let before = others();
    host::send_nmi();
    same!(others(), before + 1, "while the host's counters run");
    // Held while registers change, and looked at as soon as the host is back.
    let mut stopped = pmu.stop();
    host::send_nmi();
    same!(others(), before + 1, "during a switch");
    stopped.take(&host, LocalVector::Nmi);
    stopped.start_host(&host);
    same!(others(), before + 2, "after the switch");
    let guest = context(0, false);
    let counters = load(&mut pmu, &guest, false);
    host::send_nmi();
    same!(others(), before + 3, "while a guest is resident");
    bench.begin(waits());
    timer::arm(CPU, Ticks(timer::now().0 + 3000));
    let exit = bench.enter(counters);
    same!(exit, RawExit::Interrupt(Interrupt::Timer), "exit");
    same!(others(), before + 3, "NMIs while the guest ran");
    Ok(())
}

fn overtaken(bench: &mut Bench) -> Outcome {
    // The counter overflows with the first instruction; the switch stops it some instructions later. On a machine whose NMI
    // takes longer than that, the load finds the overflow first.
    let is_late = bench.delay >= 100;
    let layout = pmu::layout().unwrap_or_else(|why| panic!("{why}"));
    for round in 1..=5_u64 {
        bench.samples.reset(0, 1, &[]);
        let (mut pmu, mut host) = sample(bench, 1 << 40, 1000);
        host.set_value(counter(), (1 << 48) - 1);
        let before = pmu::nmi_counts(CPU);
        start(&mut pmu, &host);
        let mut stopped = pmu.stop();
        let overflow = stopped.leave_host(&mut host);
        same!(
            overflow.0.is_empty(),
            !is_late,
            "round {round}: found by the load"
        );
        pmu::record_late(CPU, overflow.0, &mut host, &layout);
        let guest = context(0, false);
        let vector = LocalVector::Fixed {
            vector: pmu::guest_vector(false),
            masked: true,
        };
        stopped.take(&guest, vector);
        let counters = Counters::Guest(stopped.start_guest(&guest));
        bench.begin(waits());
        timer::arm(CPU, Ticks(timer::now().0 + 3000));
        let exit = bench.enter(counters);
        same!(exit, RawExit::Interrupt(Interrupt::Timer), "exit");
        let mut stopped = pmu.exited();
        stopped.take(&host, LocalVector::Nmi);
        stopped.start_host(&host);
        let _ = pmu.stop();
        let counts = pmu::nmi_counts(CPU);
        same!(
            header(bench, SampleHeader::WRITTEN),
            1,
            "round {round}: samples"
        );
        let late = header(bench, SAMPLE_HEADER_WORDS + 3) & SampleFlags::LATE.bits();
        same!(late != 0, is_late, "round {round}: marked late");
        same!(counts.overflows[8], before.overflows[8] + 1, "overflows");
        same!(
            counts.swallowed - before.swallowed,
            u64::from(is_late),
            "swallowed"
        );
        same!(counts.others, before.others, "NMIs of others");
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
