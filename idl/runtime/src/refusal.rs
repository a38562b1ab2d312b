//! Why a call came to nothing before, or instead of, an answer.
//!
//! A refusal is never the answer to a well-formed message of a well-behaved client to a
//! well-behaved server; it says which of the two is not.

use core::fmt;

use crate::label;

/// Why a stub refused a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The label is no operation of this interface.
    UnknownOperation,
    /// The message has more or fewer words than the operation's arguments take.
    WrongLength,
    /// A word is no value of its type: a `bool` of 2, an unknown enum value, a string longer than
    /// its bound, padding that is not zero.
    InvalidValue,
    /// The message has more or fewer capabilities than the operation takes, or the kernel handed
    /// over a badge in a capability's place.
    WrongCapabilities,
    /// The server could not ask a server of its own.
    Upstream,
    /// The answer was none that this operation has. Made by the client's stub.
    BadReply,
    /// An idempotent operation was repeated, and each time the server died. Made by the client's stub.
    ServerKeepsDying,
}

impl Refusal {
    /// The number of this refusal on the wire, 1 to 7.
    #[must_use]
    pub const fn code(self) -> u64 {
        match self {
            Self::UnknownOperation => 1,
            Self::WrongLength => 2,
            Self::InvalidValue => 3,
            Self::WrongCapabilities => 4,
            Self::Upstream => 5,
            Self::BadReply => 6,
            Self::ServerKeepsDying => 7,
        }
    }

    /// The reply's label for this refusal.
    #[must_use]
    pub const fn label(self) -> u64 {
        label::REFUSED + self.code()
    }

    /// The refusal that a server expresses with `label`, if it is one that servers make.
    #[must_use]
    pub const fn from_label(label: u64) -> Option<Self> {
        const FIRST: u64 = label::REFUSED + 1;
        match label {
            FIRST => Some(Self::UnknownOperation),
            l if l == FIRST + 1 => Some(Self::WrongLength),
            l if l == FIRST + 2 => Some(Self::InvalidValue),
            l if l == FIRST + 3 => Some(Self::WrongCapabilities),
            l if l == FIRST + 4 => Some(Self::Upstream),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownOperation => "the server has no such operation",
            Self::WrongLength => "the message has the wrong number of words",
            Self::InvalidValue => "a word of the message is no value of its type",
            Self::WrongCapabilities => "the message has the wrong capabilities",
            Self::Upstream => "the server could not ask a server of its own",
            Self::BadReply => "the answer was none that the operation has",
            Self::ServerKeepsDying => "the server died each time the call was repeated",
        })
    }
}

impl core::error::Error for Refusal {}
