//! I/O ports.

use crate::machine;

/// How many bytes an access moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// One.
    Byte,
    /// Two.
    Word,
    /// Four.
    Dword,
}

impl Width {
    /// The width of this many bytes, `None` unless 1, 2 or 4.
    #[must_use]
    pub fn of_bytes(bytes: u64) -> Option<Self> {
        match bytes {
            1 => Some(Self::Byte),
            2 => Some(Self::Word),
            4 => Some(Self::Dword),
            _ => None,
        }
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Word => 2,
            Self::Dword => 4,
        }
    }
}

/// Reads from `port`.
#[must_use]
pub fn read(port: u16, width: Width) -> u32 {
    machine::port_read(port, width)
}

/// Writes the low bytes of `value` to `port`.
pub fn write(port: u16, width: Width, value: u32) {
    machine::port_write(port, width, value);
}
