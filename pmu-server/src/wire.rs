//! Requests and answers between the interface's words and the policy's.

use idl::pmu::{Description, EventSpec, Guests, PmuError, Reading, Samples, What};
use pmu_drv::Layout;
use pmu_server_core as core;
use pmu_server_core::{EventError, EventId, EventReading, Field, Rings, Taken};

/// Bits of an event's number that stand for its place in the table; the others say in which life of the server it was opened.
const PLACE_BITS: u32 = 8;

/// A request to open, as the policy takes it.
pub(crate) fn spec(asked: &EventSpec) -> Result<core::EventSpec, PmuError> {
    let what = match asked.what {
        What::Raw => core::What::Raw(asked.raw),
        _ if asked.raw != 0 => return Err(PmuError::InvalidRaw),
        What::Instructions => core::What::Instructions,
        What::Cycles => core::What::Cycles,
        What::ReferenceCycles => core::What::ReferenceCycles,
        What::Branches => core::What::Branches,
    };
    Ok(core::EventSpec {
        what,
        rings: Rings {
            kernel: asked.kernel,
            user: asked.user,
        },
        guests: match asked.guests {
            Guests::Exclude => core::Guests::Exclude,
            Guests::Include => core::Guests::Include,
            Guests::IncludeWhenPossible => core::Guests::IncludeWhenPossible,
        },
        period: Some(asked.period).filter(|&period| period != 0),
    })
}

/// A refusal of the policy.
pub(crate) const fn error(error: EventError) -> PmuError {
    match error {
        EventError::Busy => PmuError::Busy,
        EventError::NotSupported => PmuError::NotSupported,
        EventError::NoCounter => PmuError::NoCounter,
        EventError::TooMany => PmuError::TooMany,
        EventError::Invalid(Field::Rings) => PmuError::InvalidRings,
        EventError::Invalid(Field::Raw) => PmuError::InvalidRaw,
        EventError::Invalid(Field::Period) => PmuError::InvalidPeriod,
        EventError::NoSuchEvent => PmuError::NoSuchEvent,
    }
}

/// The number by which a client names its event. A number of an earlier life of the server names nothing.
pub(crate) const fn number(generation: u64, id: EventId) -> u32 {
    life(generation) | id.0 as u32
}

/// The event with a number, if it was opened in this life.
pub(crate) fn event(generation: u64, number: u32) -> Result<EventId, PmuError> {
    let [place, ..] = number.to_le_bytes();
    if number == life(generation) | u32::from(place) {
        Ok(EventId(place))
    } else {
        Err(PmuError::NoSuchEvent)
    }
}

/// The generation in the upper bits of a number. It comes again after 2^24 lives.
const fn life(generation: u64) -> u32 {
    let [a, b, c, ..] = generation.to_le_bytes();
    u32::from_le_bytes([a, b, c, 0]) << PLACE_BITS
}

/// What the counters are; none at all without a layout.
pub(crate) fn description(layout: Option<Layout>, tsc_hz: u64) -> Description {
    let (counters, version, gp_width, fixed_width) = layout.map_or((0, 0, 0, 0), |layout| {
        (
            layout.counters.bits(),
            layout.version,
            layout.gp_width,
            layout.fixed_width,
        )
    });
    Description {
        counters,
        tsc_hz,
        version: version.into(),
        gp_width: gp_width.into(),
        fixed_width: fixed_width.into(),
    }
}

/// An event at one moment.
pub(crate) const fn reading(reading: EventReading) -> Reading {
    Reading {
        value: reading.value,
        time_enabled: reading.time_enabled,
        time_running: reading.time_running,
        time_blind: reading.time_blind,
    }
}

/// Samples as they travel.
pub(crate) fn samples(taken: &Taken) -> Samples {
    let mut samples = Samples {
        lost: taken.lost,
        count: taken.samples.len() as u64,
        addresses: [0; 16],
        times: [0; 16],
    };
    let places = samples.addresses.iter_mut().zip(&mut samples.times);
    for ((address, time), sample) in places.zip(&taken.samples) {
        (*address, *time) = (sample.address, sample.time);
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_another_life_names_no_event() {
        let number = number(3, EventId(7));
        assert_eq!(number, 0x307);
        assert_eq!(event(3, number), Ok(EventId(7)));
        for other in [2, 4, 0, 0x1_0003] {
            assert_eq!(event(other, number), Err(PmuError::NoSuchEvent));
        }
    }

    #[test]
    fn raw_bits_without_a_raw_event_are_refused() {
        let mut asked = EventSpec {
            period: 0,
            raw: 0xc4,
            what: What::Branches,
            guests: Guests::Exclude,
            kernel: true,
            user: false,
        };
        assert_eq!(spec(&asked), Err(PmuError::InvalidRaw));
        asked.what = What::Raw;
        let read = spec(&asked).map(|spec| (spec.what, spec.period));
        assert_eq!(read, Ok((core::What::Raw(0xc4), None)));
    }
}
