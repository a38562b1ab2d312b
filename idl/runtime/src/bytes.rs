//! Byte strings with a bound: `Bytes<N>` owned, `BytesRef<N>` borrowed.
//!
//! A client passes a borrowed one, so the bytes are copied once, into the message. A server gets an
//! owned one: the message's buffer is reused by the server's own calls.

use core::fmt;
use core::ops::Deref;

/// The longest string that fits a message: all words but the one that holds the length, in bytes.
const LONGEST: usize = (sel4_sys::MSG_MAX_LENGTH - 1) * 8;

/// The bytes are more than the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// How many bytes there were.
    pub length: usize,
    /// How many there may be.
    pub limit: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes where at most {} fit", self.length, self.limit)
    }
}

impl core::error::Error for TooLong {}

/// At most `N` bytes, owned.
#[derive(Clone, Copy)]
pub struct Bytes<const N: usize> {
    /// At most `N`; the bytes after it are zero.
    length: usize,
    bytes: [u8; N],
}

impl<const N: usize> Bytes<N> {
    /// No bytes.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        const {
            assert!(
                N <= LONGEST,
                "a message holds at most 952 bytes of a string"
            );
        };
        Self {
            length: 0,
            bytes: [0; N],
        }
    }

    /// A copy of `bytes`, if there are at most `N`.
    #[inline]
    pub fn copy_of(bytes: &[u8]) -> Result<Self, TooLong> {
        let mut copy = Self::new();
        let too_long = TooLong {
            length: bytes.len(),
            limit: N,
        };
        copy.bytes
            .get_mut(..bytes.len())
            .ok_or(too_long)?
            .copy_from_slice(bytes);
        copy.length = bytes.len();
        Ok(copy)
    }

    /// How many bytes, as records hold it.
    #[inline]
    #[must_use]
    pub fn wire_length(&self) -> u16 {
        self.borrow().wire_length()
    }

    /// The same bytes, borrowed, as client stubs take them.
    #[inline]
    #[must_use]
    pub fn borrow(&self) -> BytesRef<'_, N> {
        BytesRef(self)
    }
}

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Deref for Bytes<N> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl<const N: usize> PartialEq for Bytes<N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<const N: usize> Eq for Bytes<N> {}

impl<const N: usize> fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

/// At most `N` bytes, borrowed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BytesRef<'a, const N: usize>(&'a [u8]);

impl<'a, const N: usize> BytesRef<'a, N> {
    /// `bytes`, if there are at most `N`.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Result<Self, TooLong> {
        const {
            assert!(
                N <= LONGEST,
                "a message holds at most 952 bytes of a string"
            );
        };
        if bytes.len() <= N {
            Ok(Self(bytes))
        } else {
            Err(TooLong {
                length: bytes.len(),
                limit: N,
            })
        }
    }

    /// As many of `bytes` as fit, and the rest: for text that is sent in several messages.
    #[inline]
    #[must_use]
    pub fn cut(bytes: &'a [u8]) -> (Self, &'a [u8]) {
        const {
            assert!(
                N <= LONGEST,
                "a message holds at most 952 bytes of a string"
            );
        };
        match bytes.split_at_checked(N) {
            Some((fits, rest)) => (Self(fits), rest),
            None => (Self(bytes), &[]),
        }
    }

    /// How many bytes, as records hold it.
    #[inline]
    #[must_use]
    pub fn wire_length(self) -> u16 {
        // Every constructor proves the length to be at most `LONGEST`.
        u16::try_from(self.0.len()).unwrap_or(u16::MAX)
    }
}

/// An array is short enough or does not compile.
impl<'a, const N: usize, const M: usize> From<&'a [u8; M]> for BytesRef<'a, N> {
    #[inline]
    fn from(bytes: &'a [u8; M]) -> Self {
        const {
            assert!(
                M <= N && N <= LONGEST,
                "the array is longer than the string's bound"
            );
        };
        Self(bytes)
    }
}

impl<const N: usize> Deref for BytesRef<'_, N> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl<const N: usize> fmt::Debug for BytesRef<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, BytesRef, TooLong};

    #[test]
    fn a_string_holds_up_to_its_bound_and_refuses_one_byte_more() {
        assert_eq!(&*Bytes::<3>::copy_of(b"abc").unwrap(), b"abc");
        assert_eq!(
            Bytes::<3>::copy_of(b"abcd"),
            Err(TooLong {
                length: 4,
                limit: 3
            })
        );
        assert_eq!(
            BytesRef::<3>::new(b"abcd"),
            Err(TooLong {
                length: 4,
                limit: 3
            })
        );
    }

    #[test]
    fn cutting_loses_no_byte() {
        let text = b"seven words are longer than eight bytes";
        let (mut rest, mut whole) = (&text[..], Vec::new());
        while !rest.is_empty() {
            let (piece, after) = BytesRef::<8>::cut(rest);
            whole.extend_from_slice(&piece);
            rest = after;
        }
        assert_eq!(whole, text);
    }
}
