//! Why a request of a host client or a VMM is refused.

use core::fmt;

/// A refusal. The request changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventError {
    /// Somebody who excludes the caller is there: try again later.
    Busy,
    /// This CPU or policy cannot do it, now or ever.
    NotSupported,
    /// No counter of this CPU can count the event, however many were free.
    NoCounter,
    /// All places for events are taken.
    TooMany,
    /// The field named makes no sense.
    Invalid(Field),
    /// There is no such event, or it is another client's.
    NoSuchEvent,
}

/// A field of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// Neither ring 0 nor ring 3 is to be counted.
    Rings,
    /// Raw selector bits that this project does not allow.
    Raw,
    /// A period of zero, or beyond the counter's width.
    Period,
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "somebody who excludes this holds the counters",
            Self::NotSupported => "this CPU or the system's policy cannot do it",
            Self::NoCounter => "no counter of this CPU counts that event",
            Self::TooMany => "no place for another event is left",
            Self::Invalid(Field::Rings) => "field rings: nothing is to be counted",
            Self::Invalid(Field::Raw) => "field raw: a selector bit is not allowed",
            Self::Invalid(Field::Period) => "field period: outside 1 to the counter's width",
            Self::NoSuchEvent => "there is no such event of this client",
        })
    }
}
