//! The smallest, the middle and the largest of many small numbers.

use idl::supervisor::{Measurement, SupervisorClient, Unit};
use idl_runtime::{BytesRef, Connection};

/// Register operations of one change of owner are fewer than this.
const MOST: usize = 128;

/// How often each number of operations was seen: writes, RDPMC, RDMSR.
#[derive(Debug)]
pub(crate) struct Samples {
    seen: [[u64; MOST]; 3],
}

impl Samples {
    pub(crate) const fn new() -> Self {
        Self {
            seen: [[0; MOST]; 3],
        }
    }

    /// Adds one change of owner: RDMSR, WRMSR, RDPMC, LVTPC writes.
    pub(crate) fn add(&mut self, operations: [u64; 4]) {
        let [reads, writes, counter_reads, vector_writes] = operations;
        let numbers = [writes + vector_writes, counter_reads, reads];
        for (seen, number) in self.seen.iter_mut().zip(numbers) {
            let place = usize::try_from(number).unwrap_or(MOST).min(MOST - 1);
            if let Some(count) = seen.get_mut(place) {
                *count += 1;
            }
        }
    }

    /// Reports them under these names.
    pub(crate) fn tell(&self, supervisor: &mut SupervisorClient<Connection>, names: [&str; 3]) {
        for (seen, name) in self.seen.iter().zip(names) {
            let (name, _) = BytesRef::cut(name.as_bytes());
            // Refused only by a supervisor that is not this system's; the metric is missing then.
            let _ = supervisor.measured(measurement(seen), name);
        }
    }
}

fn measurement(seen: &[u64; MOST]) -> Measurement {
    let count: u64 = seen.iter().sum();
    // The number at a place in the order of size.
    let at = |place: u64| {
        let mut before = 0;
        let found = seen.iter().position(|&times| {
            before += times;
            before > place
        });
        found.unwrap_or(0) as u64
    };
    Measurement {
        min: at(0),
        median: at(count / 2),
        max: at(count.saturating_sub(1)),
        count,
        unit: Unit::Operations,
        reserved: [0; 7],
    }
}
