//! Sends a record, byte by byte, without memory of its own beyond one COBS run.

use crate::frame::{COBS_RUN, Checksum, FRAME_END, FRAME_START, MAX_TEXT};
use crate::record::Record;

/// Sends one record as a frame.
///
/// Texts longer than [`MAX_TEXT`] bytes are cut at a character. `out` gets every byte
/// in order; nothing is sent between a frame's first and last byte, so a lock around
/// this call keeps frames whole.
pub fn send(record: &Record<'_>, mut out: impl FnMut(u8)) {
    out(FRAME_START);
    let mut encoder = Encoder {
        out: &mut out,
        run: [0; COBS_RUN],
        length: 0,
        sum: Checksum::new(),
    };
    record.write(&mut encoder);
    encoder.finish();
    out(FRAME_END);
}

/// A frame on its way out.
pub(crate) struct Encoder<'a, Out> {
    out: &'a mut Out,
    /// The bytes since the last zero, held back until their number is known.
    run: [u8; COBS_RUN],
    length: u8,
    sum: Checksum,
}

impl<Out: FnMut(u8)> Encoder<'_, Out> {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.sum.add(byte);
        self.stuff(byte);
    }

    pub(crate) fn short(&mut self, value: u16) {
        value
            .to_le_bytes()
            .into_iter()
            .for_each(|byte| self.byte(byte));
    }

    pub(crate) fn word(&mut self, value: u64) {
        value
            .to_le_bytes()
            .into_iter()
            .for_each(|byte| self.byte(byte));
    }

    pub(crate) fn text(&mut self, text: &str) {
        let mut length = text.len().min(MAX_TEXT);
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        let text = text.get(..length).unwrap_or_default();
        self.short(u16::try_from(length).unwrap_or(u16::MAX));
        text.bytes().for_each(|byte| self.byte(byte));
    }

    fn finish(mut self) {
        let sum = self.sum.value();
        sum.to_le_bytes()
            .into_iter()
            .for_each(|byte| self.stuff(byte));
        self.flush();
    }

    /// One byte through COBS: a zero ends the run, and so does its longest length.
    fn stuff(&mut self, byte: u8) {
        if byte == 0 {
            self.flush();
            return;
        }
        if let Some(slot) = self.run.get_mut(usize::from(self.length)) {
            *slot = byte;
            self.length += 1;
        }
        if usize::from(self.length) == COBS_RUN {
            self.flush();
        }
    }

    fn flush(&mut self) {
        (self.out)(self.length + 1);
        self.run
            .iter()
            .take(usize::from(self.length))
            .for_each(|&byte| (self.out)(byte));
        self.length = 0;
    }
}
