//! Reads the byte strings behind a message's record, one after the other.

use sel4_sys::MSG_MAX_LENGTH;
use zerocopy::IntoBytes;

use crate::message::{Buffer, Incoming};
use crate::{Bytes, Refusal};

/// What is left of a message when its record and perhaps some strings were read.
///
/// The message is alleged to be well formed; each step proves a part of that, and [`Tail::end`] proves
/// that nothing was left over.
#[derive(Debug)]
#[must_use = "words that nobody reads must be refused: call `end`"]
pub struct Tail<'a> {
    message: &'a Incoming,
    next: usize,
}

impl<'a> Tail<'a> {
    /// What follows the first `words` words of `message`.
    #[inline]
    pub const fn after(message: &'a Incoming, words: usize) -> Self {
        Self {
            message,
            next: words,
        }
    }

    /// The next string, of `length` bytes.
    ///
    /// Refuses a length above the bound, one that the message's words do not cover, and bytes other
    /// than zero behind the string's end.
    #[inline]
    pub fn bytes<const N: usize>(
        &mut self,
        buffer: &mut impl Buffer,
        length: u16,
    ) -> Result<Bytes<N>, Refusal> {
        let length = usize::from(length);
        if length > N {
            return Err(Refusal::InvalidValue);
        }
        let end = self.next + length.div_ceil(8);
        if end > self.message.length || end > MSG_MAX_LENGTH {
            return Err(Refusal::WrongLength);
        }
        let string = buffer.with(|all| {
            if let Some(front) = all.first_chunk_mut() {
                *front = self.message.registers;
            }
            let place = all.get(self.next..end).ok_or(Refusal::WrongLength)?;
            let (string, rest) = place
                .as_bytes()
                .split_at_checked(length)
                .ok_or(Refusal::WrongLength)?;
            if rest.iter().any(|byte| *byte != 0) {
                return Err(Refusal::InvalidValue);
            }
            Bytes::copy_of(string).map_err(|_| Refusal::InvalidValue)
        })?;
        self.next = end;
        Ok(string)
    }

    /// Refuses a message that goes on.
    #[inline]
    pub const fn end(self) -> Result<(), Refusal> {
        if self.next == self.message.length {
            Ok(())
        } else {
            Err(Refusal::WrongLength)
        }
    }
}
