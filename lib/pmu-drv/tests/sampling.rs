//! What NMIs do with the host's counters, in every phase of a change of owner.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "machine/port.rs"]
mod machine;

use machine::{ModelPort, config, in_kernel, layout};
use pmu_drv::{
    Counter, CounterSet, Interrupted, LocalVector, NmiOrigin, Phase, PhaseSet, PmuContext, PmuPort,
    RateLimit, Sample, Sampling,
};
use pmu_model::Pmu;
use x86_regs::msr::{MsrBank, MsrReg};
use x86_regs::pmu::{
    FixedCounter, FixedCtrCtrl, FullWidthCounter, GlobalStatus, PerfEvtSel, PerfGlobalCtrl,
};

/// Counter 0 and fixed counter 0, both of which count instructions and interrupt.
const BOTH: u64 = 1 << 32 | 1;
const SELECTOR: u64 = 0xc0 | 1 << 16 | 1 << 17 | 1 << 20 | 1 << 22;
const FIXED: u64 = 0b1011;
const WIDTH: u64 = 1 << 48;
const PERIOD: u64 = 1000;

const LIMIT: RateLimit = RateLimit {
    ticks: 100,
    share: 4,
    burst: 2,
};

/// The host's counters run; both overflow after `left` instructions.
struct Host {
    sampling: Sampling,
    port: ModelPort,
}

fn host(left: u64) -> Host {
    let mut port = ModelPort {
        pmu: Pmu::new(config()).unwrap(),
        vector: LocalVector::Nmi,
        // What the port asks of the driver, that registers change in other phases only, is not asked of the NMI handler.
        phase: Phase::Switching,
    };
    port.write_msr(PerfGlobalCtrl::ADDR, 0);
    port.write_msr(PerfEvtSel::addr(0).unwrap(), SELECTOR);
    port.write_msr(FixedCtrCtrl::ADDR, FIXED);
    port.write_msr(FullWidthCounter::addr(0).unwrap(), WIDTH - left);
    port.write_msr(FixedCounter::addr(0).unwrap(), WIDTH - left);
    port.write_msr(PerfGlobalCtrl::ADDR, BOTH);
    let sampling = Sampling::new();
    let mut periods = [0; 12];
    (periods[0], periods[8]) = (PERIOD, PERIOD);
    sampling.set_periods(&periods);
    Host { sampling, port }
}

impl Host {
    fn run(&mut self, instructions: u64) -> bool {
        self.port.pmu.advance(&in_kernel(instructions, 0));
        let raised = self.port.pmu.take_pmi();
        if raised {
            self.port.vector = LocalVector::Masked;
        }
        raised
    }

    fn nmi(&mut self, now: u64) -> NmiOrigin {
        self.sampling
            .nmi(&mut self.port, &layout(), &LIMIT, at(now))
    }

    fn set_phase(&mut self, phase: Phase) -> PhaseSet {
        self.sampling.set_phase(&mut self.port, phase)
    }

    fn read<R: MsrReg>(&mut self) -> u64 {
        self.port.read_msr(R::ADDR)
    }

    fn counter(&mut self) -> u64 {
        self.port.read_msr(FullWidthCounter::addr(0).unwrap())
    }
}

fn at(now: u64) -> Interrupted {
    Interrupted {
        rip: 0x1234,
        is_user: false,
        now,
    }
}

fn sample(now: u64) -> NmiOrigin {
    NmiOrigin::Pmi(Some(Sample {
        at: at(now),
        counters: CounterSet::from_bits(BOTH),
        is_late: false,
    }))
}

#[test]
fn an_overflow_becomes_one_sample_and_the_next_period_begins_where_the_last_one_ended() {
    let mut host = host(10);
    // Three instructions pass until the NMI is taken: they belong to the next period.
    assert!(host.run(13));
    assert_eq!(host.nmi(0), sample(0));
    assert_eq!(host.counter(), WIDTH - PERIOD + 3);
    assert_eq!(host.read::<GlobalStatus>(), 0, "acknowledged");
    assert_eq!(host.read::<PerfGlobalCtrl>(), BOTH, "the resting value");
    assert_eq!(host.port.vector, LocalVector::Nmi, "unmasked again");
    assert!(!host.run(PERIOD - 4));
    assert!(host.run(1));
    assert_eq!(host.nmi(5000), sample(5000));
    let counts = host.sampling.counts();
    assert_eq!(counts.host_pmis, 2);
    assert_eq!(counts.overflows[0], 2);
    assert_eq!(counts.overflows[8], 2);
    // Status and GLOBAL_CTRL are read; stop, two counters, acknowledge and start are written; LVTPC; two RDPMC.
    assert_eq!(counts.operations.triple(), (4, 12, 4));
}

#[test]
fn an_nmi_of_somebody_else_is_counted_and_touches_nothing_but_the_status() {
    let mut host = host(1000);
    assert_eq!(host.nmi(0), NmiOrigin::Other);
    assert_eq!(host.sampling.counts().others, 1);
    assert_eq!(host.sampling.counts().operations.triple(), (1, 0, 0));
}

#[test]
fn in_a_guests_phase_no_register_is_touched() {
    let mut host = host(10);
    assert_eq!(host.set_phase(Phase::Switching), PhaseSet::Quiet);
    assert_eq!(host.set_phase(Phase::Guest), PhaseSet::Quiet);
    // The status is full of what is the guest's now.
    host.run(20);
    assert_eq!(host.nmi(0), NmiOrigin::Other);
    assert_eq!(host.sampling.counts().operations.triple(), (0, 0, 0));
    assert_eq!(host.read::<GlobalStatus>(), BOTH);
}

#[test]
fn an_nmi_during_a_switch_is_held_and_served_when_the_host_is_back() {
    let mut host = host(10);
    assert!(host.run(10));
    assert_eq!(host.set_phase(Phase::Switching), PhaseSet::Quiet);
    assert_eq!(host.nmi(0), NmiOrigin::Held);
    assert_eq!(host.sampling.counts().operations.triple(), (0, 0, 0));
    assert_eq!(host.set_phase(Phase::Host), PhaseSet::NmiWaits);
    let served = host
        .sampling
        .serve_held(&mut host.port, &layout(), &LIMIT, at(7));
    assert_eq!(served, sample(7));
    assert_eq!(host.set_phase(Phase::Host), PhaseSet::Quiet);
}

#[test]
fn an_overflow_that_a_load_has_seen_is_recorded_once_and_its_nmi_swallowed_once() {
    let layout = layout();
    // The NMI comes before the load says that it expects it, or after, or after the guest is loaded.
    for order in 0..3 {
        let mut host = host(10);
        assert!(host.run(10));
        assert_eq!(host.set_phase(Phase::Switching), PhaseSet::Quiet);
        if order == 0 {
            assert_eq!(host.nmi(0), NmiOrigin::Held);
        }
        let mut saved = PmuContext::new();
        for counter in CounterSet::from_bits(BOTH).iter() {
            saved.set_value(counter, 0);
        }
        let overflowed = CounterSet::from_bits(BOTH);
        let recorded = host.sampling.expect(overflowed, &mut saved, &layout, 3);
        let late = Sample {
            at: Interrupted {
                rip: 0,
                is_user: false,
                now: 3,
            },
            counters: overflowed,
            is_late: true,
        };
        assert_eq!(recorded, Some(late));
        assert_eq!(saved.value(Counter::gp(0).unwrap()), WIDTH - PERIOD);
        if order == 1 {
            assert_eq!(host.nmi(0), NmiOrigin::Held);
        }
        assert_eq!(host.set_phase(Phase::Guest), PhaseSet::Quiet);
        if order == 2 {
            assert_eq!(host.nmi(0), NmiOrigin::Expected);
        }
        // Another one is somebody's, however the first came.
        let wanted = if order == 1 {
            // Held, it has not been looked at yet: the first one to be looked at is the one expected.
            NmiOrigin::Expected
        } else {
            NmiOrigin::Other
        };
        assert_eq!(host.nmi(0), wanted, "order {order}");
        assert_eq!(host.sampling.counts().swallowed, 1, "order {order}");
    }
}

#[test]
fn counters_that_interrupt_too_often_are_slowed_down_until_the_next_switch() {
    let mut host = host(PERIOD);
    // All at the same moment: a burst of two and the one that began it are paid for, the fourth is not.
    for _ in 0..3 {
        assert!(host.run(PERIOD));
        assert_eq!(host.nmi(50), sample(50));
    }
    assert!(host.run(PERIOD));
    assert_eq!(host.nmi(50), NmiOrigin::Pmi(None));
    assert_eq!(host.sampling.counts().throttled, 1);
    assert!(host.sampling.is_silenced());
    let before = host.counter();
    assert!(!host.run(10 * PERIOD), "silent");
    assert_eq!(host.counter(), before);
    assert_eq!(host.read::<PerfGlobalCtrl>(), BOTH, "the resting value");
    // Before a switch the selectors are what the driver believes; with the host back all goes on.
    assert_eq!(host.set_phase(Phase::Switching), PhaseSet::Quiet);
    assert!(!host.sampling.is_silenced());
    let selector = host.port.read_msr(PerfEvtSel::addr(0).unwrap());
    assert_eq!(selector, SELECTOR);
    assert_eq!(host.read::<FixedCtrCtrl>(), FIXED);
    assert_eq!(host.set_phase(Phase::Host), PhaseSet::Quiet);
    assert!(host.run(PERIOD));
    assert_eq!(host.nmi(1_000), sample(1_000));
}

#[test]
fn a_sample_that_took_long_makes_the_next_one_wait() {
    let mut host = host(PERIOD);
    assert!(host.run(PERIOD));
    assert_eq!(host.nmi(0), sample(0));
    // It may use a quarter of the time: 200 ticks of work are paid for after 800.
    host.sampling.charge(&LIMIT, 0, 200);
    assert!(host.run(PERIOD));
    assert_eq!(
        host.nmi(599),
        NmiOrigin::Pmi(None),
        "the burst of 200 does not reach"
    );
    assert_eq!(host.set_phase(Phase::Switching), PhaseSet::Quiet);
    assert_eq!(host.set_phase(Phase::Host), PhaseSet::Quiet);
    assert!(host.run(PERIOD));
    assert_eq!(host.nmi(600), sample(600));
}

#[test]
fn a_counter_that_only_counts_is_acknowledged_and_goes_on() {
    let mut host = host(10);
    let mut periods = [0; 12];
    periods[8] = PERIOD;
    host.sampling.set_periods(&periods);
    assert!(host.run(10));
    let only_fixed = NmiOrigin::Pmi(Some(Sample {
        at: at(0),
        counters: CounterSet::from_bits(1 << 32),
        is_late: false,
    }));
    assert_eq!(host.nmi(0), only_fixed);
    assert_eq!(host.counter(), 0, "not set back");
    assert_eq!(host.sampling.counts().overflows[0], 1);
}
