//! The 8254 timer, which is used once: to measure other clocks against.
//!
//! "8254 Programmable Interval Timer", "Mode 0". Channel 2 is the one that no interrupt hangs on.

/// Ticks a second.
pub(crate) const HZ: u64 = 1_193_182;

/// A clock that was read at both ends of a stretch of PIT time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stretch {
    /// PIT ticks.
    pub(crate) pit: u64,
    /// Ticks of the other clock in the same time.
    pub(crate) other: u64,
}

impl Stretch {
    /// Frequency of the other clock; 0 for a stretch of nothing.
    pub(crate) fn hz(self) -> u64 {
        u64::try_from(u128::from(self.other) * u128::from(HZ) / u128::from(self.pit.max(1)))
            .unwrap_or(u64::MAX)
    }
}

/// Measures with longer and longer stretches until two neighbours agree to one in a thousand, and gives the last.
///
/// Most of a short measurement's error is waiting for the PIT's slow port, which does not grow with the stretch; so where
/// ports are fast, as in an emulator that counts instructions, half a millisecond is enough.
pub(crate) fn settle(mut measure: impl FnMut(u64) -> Stretch) -> u64 {
    /// 0.2 ms.
    const FIRST: u64 = HZ / 5000;
    /// Longest stretch: 27 ms, within the counter's 16 bits.
    const LAST: u64 = FIRST << 7;
    let mut length = FIRST;
    let mut before = measure(length).hz();
    loop {
        length *= 2;
        let now = measure(length).hz();
        if now.abs_diff(before) <= now / 1000 || length >= LAST {
            return now;
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use super::{HZ, Stretch, settle};

    #[test]
    fn a_clock_without_noise_settles_after_two_measurements() {
        let mut stretches = Vec::new();
        let hz = settle(|pit| {
            stretches.push(pit);
            Stretch {
                pit,
                other: pit * 3_000_000_000 / HZ,
            }
        });
        assert!(hz.abs_diff(3_000_000_000) < 3_000_000, "{hz}");
        assert_eq!(stretches, [238, 476]);
    }

    #[test]
    fn noise_of_ten_microseconds_is_beaten_by_longer_stretches() {
        let mut sign = 1;
        let hz = settle(|pit| {
            sign = -sign;
            let true_ticks = (pit * 3_000_000_000 / HZ) as i64;
            Stretch {
                pit,
                other: (true_ticks + sign * 30_000) as u64,
            }
        });
        assert!(hz.abs_diff(3_000_000_000) < 6_000_000, "{hz}");
    }

    #[test]
    fn a_clock_that_never_agrees_ends_too() {
        let mut calls = 0;
        settle(|pit| {
            calls += 1;
            Stretch {
                pit,
                other: pit * (calls % 2 + 1),
            }
        });
        assert_eq!(calls, 8);
        assert_eq!(
            Stretch { pit: 0, other: 5 }.hz(),
            5 * HZ,
            "no division by zero"
        );
    }
}
