//! Channel 2 of the 8254 timer: reads another clock at two of its ticks.

use super::pit::Stretch;
use crate::port::{self, Width};

const CHANNEL_2: u16 = 0x42;
const COMMAND: u16 = 0x43;
/// Bit 0 gates channel 2, bit 1 the loudspeaker.
const GATE: u16 = 0x61;
const START: u16 = u16::MAX;

/// Reads `clock` at two ticks of the PIT that lie `ticks`, less than 60000, or a few more apart.
pub(crate) fn measure(ticks: u64, clock: impl Fn() -> u64) -> Stretch {
    let gate = port::read(GATE, Width::Byte) & !3;
    port::write(GATE, Width::Byte, gate | 1);
    port::write(COMMAND, Width::Byte, 0xb0); // channel 2, low then high byte, mode 0, binary
    port::write(CHANNEL_2, Width::Byte, u32::from(START) & 0xff);
    port::write(CHANNEL_2, Width::Byte, u32::from(START) >> 8);
    let (begin, clock_at_begin) = next_tick(count(), &clock);
    let mut now = begin;
    while u64::from(begin.wrapping_sub(now)) + 1 < ticks {
        now = count();
    }
    let (end, clock_at_end) = next_tick(now, &clock);
    port::write(GATE, Width::Byte, gate);
    Stretch {
        pit: begin.wrapping_sub(end).into(),
        other: clock_at_end.wrapping_sub(clock_at_begin),
    }
}

/// Waits until the count differs from `before`; the new count and the clock's value then.
fn next_tick(before: u16, clock: &impl Fn() -> u64) -> (u16, u64) {
    /// A machine without a PIT must boot too, if with a wrong clock: about a second.
    const PATIENCE: u32 = 1_000_000;
    for _ in 0..PATIENCE {
        let now = count();
        if now != before {
            return (now, clock());
        }
    }
    (before, clock())
}

fn count() -> u16 {
    port::write(COMMAND, Width::Byte, 0x80); // latch channel 2
    let low = port::read(CHANNEL_2, Width::Byte);
    let high = port::read(CHANNEL_2, Width::Byte);
    u16::try_from(high << 8 | low).unwrap_or(0)
}
