//! Samples find their event, and what finds no room is counted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use pmu_drv::{Counter, CounterSet, Layout};
use pmu_server_core::{
    AT_ONCE, ClientId, CounterReading, CpuEvents, EventId, EventSpec, Guests, MAX_SAMPLES, Record,
    Rings, Sample, SampleStore, What,
};

const ME: ClientId = ClientId(1);

fn events(periods: &[Option<u64>]) -> (CpuEvents, Vec<EventId>) {
    let mut events = CpuEvents::new(Layout {
        counters: CounterSet::from_bits(0x7_0000_00ff),
        gp_width: 48,
        fixed_width: 48,
        version: 5,
    });
    let open = |&period: &Option<u64>| {
        let spec = EventSpec {
            what: What::Branches,
            rings: Rings {
                kernel: true,
                user: true,
            },
            guests: Guests::Exclude,
            period,
        };
        let id = events.open(ME, spec).unwrap();
        events.enable(ME, id, &CounterReading::default()).unwrap();
        id
    };
    let ids = periods.iter().map(open).collect();
    (events, ids)
}

/// A record of general-purpose counters 0, 1, … as bits.
fn record(time: u64, counters: u64) -> Record {
    Record {
        time,
        address: 0x1000 + time,
        counters: CounterSet::from_bits(counters),
    }
}

fn sample(time: u64) -> Sample {
    Sample {
        time,
        address: 0x1000 + time,
    }
}

#[test]
fn a_record_of_two_counters_is_a_sample_of_both_events_and_of_no_third() {
    let (events, ids) = events(&[Some(100), Some(200), Some(300)]);
    assert_eq!(events.counter(ids[1]), Counter::gp(1));
    let mut store = SampleStore::new();
    store.add(record(5, 0b011), &events);
    store.add(record(6, 0b010), &events);
    assert_eq!(store.take(ids[1]).samples, [sample(5), sample(6)]);
    assert_eq!(store.take(ids[0]).samples, [sample(5)]);
    assert_eq!(store.take(ids[2]).samples, []);
    assert_eq!(store.take(ids[1]).samples, [], "taken once");
}

#[test]
fn an_event_that_only_counts_has_no_samples() {
    let (events, ids) = events(&[None]);
    let mut store = SampleStore::new();
    store.add(record(5, 1), &events);
    store.add_lost(7, &events);
    assert_eq!(store.take(ids[0]), pmu_server_core::Taken::default());
}

#[test]
fn more_samples_than_an_answer_holds_come_in_order_over_several() {
    let (events, ids) = events(&[Some(1)]);
    let mut store = SampleStore::new();
    for time in 0..AT_ONCE as u64 + 3 {
        store.add(record(time, 1), &events);
    }
    let first = store.take(ids[0]).samples;
    assert_eq!(
        (first.len(), first[0], first[15]),
        (16, sample(0), sample(15))
    );
    assert_eq!(
        store.take(ids[0]).samples,
        [sample(16), sample(17), sample(18)]
    );
}

#[test]
fn what_finds_no_room_is_counted_for_its_event_and_told_once() {
    let (events, ids) = events(&[Some(1), Some(1)]);
    let mut store = SampleStore::new();
    for time in 0..MAX_SAMPLES as u64 + 5 {
        store.add(record(time, 1), &events);
    }
    store.add_lost(2, &events);
    assert_eq!(store.take(ids[0]).lost, 7);
    assert_eq!(store.take(ids[0]).lost, 0);
    assert_eq!(store.take(ids[1]).lost, 2);
}

#[test]
fn a_closed_events_samples_are_not_the_next_ones() {
    let (events, ids) = events(&[Some(1)]);
    let mut store = SampleStore::new();
    store.add(record(1, 1), &events);
    store.add_lost(2, &events);
    store.forget(ids[0]);
    assert_eq!(store.take(ids[0]), pmu_server_core::Taken::default());
}
