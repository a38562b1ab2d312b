//! The byte that fills gaps in records, and that must be zero.
//!
//! A record with a non-zero gap is refused like any other invalid value, so every value has exactly
//! one encoding and no stub sends bytes of its stack by accident.

use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

/// One byte of padding. Zero is its only valid value.
#[derive(
    TryFromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy, Debug, Default, PartialEq, Eq,
)]
#[repr(u8)]
pub enum Pad {
    /// The byte is zero.
    #[default]
    Zero = 0,
}
