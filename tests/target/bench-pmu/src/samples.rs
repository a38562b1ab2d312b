//! The smallest, the middle and the largest of many small numbers.

use idl::supervisor::{Measurement, SupervisorClient, Unit};
use idl_runtime::{BytesRef, Connection};

/// Numbers from this one on count as this one less one.
const MOST: usize = 128;

/// How often each number was seen.
#[derive(Debug)]
pub struct Samples {
    seen: [u64; MOST],
}

impl Samples {
    /// None so far.
    #[must_use]
    pub const fn new() -> Self {
        Self { seen: [0; MOST] }
    }

    /// Adds a number of register operations.
    pub fn add(&mut self, number: u64) {
        let place = usize::try_from(number).unwrap_or(MOST).min(MOST - 1);
        if let Some(count) = self.seen.get_mut(place) {
            *count += 1;
        }
    }

    /// Reports them under a name.
    pub fn tell(&self, supervisor: &mut SupervisorClient<Connection>, name: &str) {
        let (name, _) = BytesRef::cut(name.as_bytes());
        // Refused only by a supervisor that is not this system's; the metric is missing then.
        let _ = supervisor.measured(self.measurement(), name);
    }

    fn measurement(&self) -> Measurement {
        let count: u64 = self.seen.iter().sum();
        Measurement {
            min: self.at(0),
            median: self.at(count / 2),
            max: self.at(count.saturating_sub(1)),
            count,
            unit: Unit::Operations,
            reserved: [0; 7],
        }
    }

    /// The number at a place in the order of size.
    fn at(&self, place: u64) -> u64 {
        let mut before = 0;
        let found = self.seen.iter().position(|&times| {
            before += times;
            before > place
        });
        found.unwrap_or(0) as u64
    }
}

impl Default for Samples {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::Samples;

    #[test]
    fn the_middle_and_the_ends_are_those_of_the_sorted_numbers() {
        let mut samples = Samples::new();
        [7, 3, 3, 9, 500]
            .into_iter()
            .for_each(|number| samples.add(number));
        let values = samples.measurement();
        assert_eq!(
            (values.min, values.median, values.max, values.count),
            (3, 7, 127, 5)
        );
    }
}
