//! Takes a byte stream apart into text and records again.

use crate::frame::{CHECKSUM_BYTES, Checksum, FRAME_END, FRAME_START, MAX_ENCODED, MAX_PAYLOAD};
use crate::record::Record;

/// What the stream turned out to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A byte of text.
    Text(u8),
    /// A whole record.
    Record(Record<'a>),
    /// The start of a frame that did not become a record, and what followed it.
    Malformed {
        /// What is wrong with it.
        cause: Cause,
        /// The bytes behind the frame start, without the frame end. After a panic in
        /// the middle of a frame, the panic's text is among them.
        bytes: &'a [u8],
    },
}

/// Why a frame is not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The stream ended inside the frame.
    CutOff,
    /// More bytes than any frame has.
    TooLong,
    /// Bytes were lost or changed: the runs do not fit or the checksum is wrong.
    Damaged,
    /// The checksum is right, but this is no record that we know.
    Unknown,
}

/// Finds text and records in a stream, one byte at a time.
///
/// After a malformed frame it looks for frame starts among the bytes it swallowed, so
/// a good record behind a truncated one is not lost.
#[derive(Debug)]
pub struct Decoder {
    /// The bytes of the frame so far; meaningful up to `length`.
    frame: [u8; MAX_ENCODED],
    length: usize,
    is_inside: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            frame: [0; MAX_ENCODED],
            length: 0,
            is_inside: false,
        }
    }

    /// Takes one byte and hands over whatever it completes.
    pub fn push(&mut self, byte: u8, take: &mut impl FnMut(Item<'_>)) {
        match (self.is_inside, byte) {
            (false, FRAME_START) => self.is_inside = true,
            (false, text) => take(Item::Text(text)),
            (true, FRAME_END) => {
                self.is_inside = false;
                resolve(self.swallowed(), true, Cause::Damaged, take);
                self.length = 0;
            }
            (true, byte) => {
                if let Some(slot) = self.frame.get_mut(self.length) {
                    *slot = byte;
                    self.length += 1;
                } else {
                    self.give_up(byte, take);
                }
            }
        }
    }

    /// Says that the stream has ended, and hands over what was left.
    pub fn finish(&mut self, take: &mut impl FnMut(Item<'_>)) {
        if self.is_inside {
            resolve(self.swallowed(), false, Cause::CutOff, take);
        }
        self.is_inside = false;
        self.length = 0;
    }

    fn swallowed(&self) -> &[u8] {
        self.frame.get(..self.length).unwrap_or_default()
    }

    /// The frame is longer than any: goes on behind the next frame start in it, if any.
    fn give_up(&mut self, byte: u8, take: &mut impl FnMut(Item<'_>)) {
        let next = self
            .swallowed()
            .iter()
            .position(|&byte| byte == FRAME_START);
        let lost = next.unwrap_or(self.length);
        let bytes = self.frame.get(..lost).unwrap_or_default();
        take(Item::Malformed {
            cause: Cause::TooLong,
            bytes,
        });
        self.is_inside = next.is_some();
        let kept = next.map_or(0, |next| self.length - next - 1);
        self.frame.copy_within(self.length - kept..self.length, 0);
        self.length = kept;
        self.push(byte, take);
    }
}

/// Hands over the frame that ends here: the first start from which it is a record.
fn resolve(swallowed: &[u8], ended: bool, cause: Cause, take: &mut impl FnMut(Item<'_>)) {
    let mut payload = [0; MAX_PAYLOAD + CHECKSUM_BYTES];
    let starts = swallowed
        .iter()
        .enumerate()
        .filter(|&(_, &byte)| byte == FRAME_START);
    let candidates = core::iter::once(0).chain(starts.map(|(at, _)| at + 1));
    let mut cause = cause;
    if ended {
        for from in candidates {
            let frame = swallowed.get(from..).unwrap_or_default();
            match read_frame(frame, &mut payload) {
                Ok(record) => {
                    // What lies before the frame that is whole belonged to another.
                    if let Some(lost) = from.checked_sub(1).and_then(|end| swallowed.get(..end)) {
                        take(Item::Malformed {
                            cause: Cause::Damaged,
                            bytes: lost,
                        });
                    }
                    return take(Item::Record(record));
                }
                Err(Cause::Unknown) if from == 0 => cause = Cause::Unknown,
                Err(_) => {}
            }
        }
    }
    take(Item::Malformed {
        cause,
        bytes: swallowed,
    });
}

/// Reads one frame: unstuffs it, checks the sum, reads the record.
fn read_frame<'a>(
    frame: &[u8],
    buffer: &'a mut [u8; MAX_PAYLOAD + CHECKSUM_BYTES],
) -> Result<Record<'a>, Cause> {
    let length = unstuff(frame, buffer).ok_or(Cause::Damaged)?;
    let bytes: &'a [u8] = buffer.get(..length).unwrap_or_default();
    let (payload, sum) = bytes.split_last_chunk().ok_or(Cause::Damaged)?;
    let mut expected = Checksum::new();
    payload.iter().for_each(|&byte| expected.add(byte));
    if u16::from_le_bytes(*sum) != expected.value() {
        return Err(Cause::Damaged);
    }
    Record::read(payload).ok_or(Cause::Unknown)
}

/// Undoes COBS and says how many bytes there are, or that the runs do not fit.
fn unstuff(mut frame: &[u8], buffer: &mut [u8]) -> Option<usize> {
    let mut length = 0;
    while let Some((&code, rest)) = frame.split_first() {
        let (run, rest) = rest.split_at_checked(usize::from(code).checked_sub(1)?)?;
        buffer
            .get_mut(length..length + run.len())?
            .copy_from_slice(run);
        length += run.len();
        // A run of full length stands for itself; a shorter one ends with a zero,
        // but the one behind the last run is not part of the message.
        if code != u8::MAX && !rest.is_empty() {
            *buffer.get_mut(length)? = 0;
            length += 1;
        }
        frame = rest;
    }
    Some(length)
}

#[cfg(test)]
mod tests;
