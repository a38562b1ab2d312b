//! Samples that clients have not taken yet.
//!
//! The kernel's ring is shared by all events of a CPU; here each sample finds its event. Nothing is overwritten before it was taken:
//! what finds no room is lost, and its event's client is told how many were.

use heapless::Vec;
use pmu_drv::CounterSet;

use crate::assign::MAX_EVENTS;
use crate::event::EventId;
use crate::table::CpuEvents;

/// Samples of one CPU that are kept.
pub const MAX_SAMPLES: usize = 512;
/// Samples that one call takes.
pub const AT_ONCE: usize = 16;

/// A record of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// When, in ticks of the time-stamp counter.
    pub time: u64,
    /// Which instruction was interrupted; 0 if that is not known.
    pub address: u64,
    /// The counters that had overflowed.
    pub counters: CounterSet,
}

/// A sample of one event.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Sample {
    /// When, in ticks of the time-stamp counter.
    pub time: u64,
    /// Which instruction was interrupted; 0 if that is not known.
    pub address: u64,
}

/// What [`SampleStore::take`] gives.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Taken {
    /// The oldest first.
    pub samples: Vec<Sample, AT_ONCE>,
    /// How many were lost since the last time.
    pub lost: u64,
}

/// The samples of one CPU's events.
#[derive(Debug)]
pub struct SampleStore {
    kept: Vec<(EventId, Sample), MAX_SAMPLES>,
    lost: [u64; MAX_EVENTS],
}

impl SampleStore {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            kept: Vec::new(),
            lost: [0; MAX_EVENTS],
        }
    }

    /// Gives a record to the events on its counters. Before events change counters: a record does not name its event.
    pub fn add(&mut self, record: Record, events: &CpuEvents) {
        for counter in record.counters.iter() {
            let Some((event, _, Some(_))) = events.on_counter(counter) else {
                continue;
            };
            let sample = Sample {
                time: record.time,
                address: record.address,
            };
            if self.kept.push((event, sample)).is_err() {
                self.lose(event, 1);
            }
        }
    }

    /// The kernel had no room for `count` samples, or was told to take fewer. It does not say of which event, so all that sample hear.
    pub fn add_lost(&mut self, count: u64, events: &CpuEvents) {
        for event in events.sampling() {
            self.lose(event, count);
        }
    }

    /// Takes the oldest samples of an event.
    pub fn take(&mut self, event: EventId) -> Taken {
        let mut taken = Taken::default();
        self.kept.retain(|&(of, sample)| {
            // What does not fit the answer stays for the next one.
            of != event || taken.samples.push(sample).is_err()
        });
        if let Some(lost) = self.lost.get_mut(usize::from(event.0)) {
            taken.lost = core::mem::take(lost);
        }
        taken
    }

    /// Forgets a closed event: its number may be another's soon.
    pub fn forget(&mut self, event: EventId) {
        self.kept.retain(|&(of, _)| of != event);
        if let Some(lost) = self.lost.get_mut(usize::from(event.0)) {
            *lost = 0;
        }
    }

    fn lose(&mut self, event: EventId, count: u64) {
        if let Some(lost) = self.lost.get_mut(usize::from(event.0)) {
            *lost += count;
        }
    }
}

impl Default for SampleStore {
    fn default() -> Self {
        Self::new()
    }
}
