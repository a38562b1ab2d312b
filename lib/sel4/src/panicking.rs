//! A task that panics says so to its supervisor, and stops.
//!
//! A bug is a panic (design rule "three kinds of error"), and a panic in a task means restart. The
//! supervisor gets the text first: a call with label `PANICKED`, which it never answers.

use core::fmt::{self, Write as _};
use core::panic::PanicInfo;

use sel4_sys::{MSG_MAX_LENGTH, MessageInfo, Word, label, slot};

use crate::cap::Endpoint;
use crate::{Cap, IpcBuffer, arch, with_ipc_buffer_mut};

/// The longest text in bytes: a message without the word that holds the length.
pub const LONGEST_TEXT: usize = (MSG_MAX_LENGTH - 1) * 8;

/// "FILE:LINE: MESSAGE", cut where the room ends.
#[derive(Clone)]
pub struct PanicText {
    bytes: [u8; LONGEST_TEXT],
    length: usize,
}

impl PanicText {
    /// The text of a panic.
    #[must_use]
    pub fn of(info: &PanicInfo<'_>) -> Self {
        let mut text = Self::empty();
        if let Some(place) = info.location() {
            // Writing fails only when there is no room left; then the rest is cut.
            let _ = write!(text, "{}:{}: ", place.file(), place.line());
        }
        let _ = write!(text, "{}", info.message());
        text
    }

    /// The text that a panicked task sent, from the message in the IPC buffer.
    ///
    /// The first four words must be there, too.
    #[must_use]
    pub fn received(buffer: &IpcBuffer) -> Self {
        let mut text = Self::empty();
        let [length, words @ ..] = buffer.msg_regs();
        for (piece, word) in text.bytes.chunks_mut(8).zip(words) {
            piece.copy_from_slice(&word.to_le_bytes());
        }
        text.length =
            usize::try_from(*length).map_or(LONGEST_TEXT, |length| length.min(LONGEST_TEXT));
        text
    }

    /// The text; what is not UTF-8 is left out.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
    }

    const fn empty() -> Self {
        Self {
            bytes: [0; LONGEST_TEXT],
            length: 0,
        }
    }

    fn words(&self) -> [Word; MSG_MAX_LENGTH] {
        let mut words = [0; MSG_MAX_LENGTH];
        let [length, rest @ ..] = &mut words;
        *length = self.length as u64;
        for (word, piece) in rest.iter_mut().zip(self.bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*piece);
        }
        words
    }
}

impl fmt::Write for PanicText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            *self.bytes.get_mut(self.length).ok_or(fmt::Error)? = byte;
            self.length += 1;
        }
        Ok(())
    }
}

impl fmt::Debug for PanicText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Tells the supervisor, and stops for good. What [`task!`](crate::task) does with a panic.
pub fn report(info: &PanicInfo<'_>) -> ! {
    // Whoever panicked inside of a closure that had the buffer never comes back to it.
    arch::reclaim_ipc_buffer();
    let text = PanicText::of(info);
    with_ipc_buffer_mut(|buffer| *buffer.msg_regs_mut() = text.words());
    let length = 1 + text.length.div_ceil(8) as u64;
    let supervisor: Endpoint = Cap::from_bits(slot::SUPERVISOR);
    let _unanswered = supervisor.call(MessageInfo::new(label::PANICKED, 0, 0, length));
    stop()
}

/// Ends this life of the task with an invalid-opcode exception.
pub fn stop() -> ! {
    arch::die()
}

#[cfg(test)]
mod tests {
    use core::fmt::Write as _;

    use zerocopy::FromZeros as _;

    use super::{LONGEST_TEXT, PanicText};
    use crate::IpcBuffer;

    #[test]
    fn a_text_arrives_as_it_was_sent() {
        for text in [
            "",
            "a.rs:1: x",
            "eight by",
            "src/main.rs:17: assertion failed: ä",
        ] {
            let mut sent = PanicText::empty();
            sent.write_str(text).unwrap();
            let mut buffer = IpcBuffer::new_zeroed();
            *buffer.msg_regs_mut() = sent.words();
            assert_eq!(PanicText::received(&buffer).as_str(), text);
        }
    }

    #[test]
    fn a_text_without_end_is_cut_and_a_claimed_length_is_not_believed() {
        let mut text = PanicText::empty();
        assert!(text.write_str(&"x".repeat(LONGEST_TEXT + 1)).is_err());
        assert_eq!(text.as_str().len(), LONGEST_TEXT);
        let mut buffer = IpcBuffer::new_zeroed();
        *buffer.msg_regs_mut() = text.words();
        buffer.msg_regs_mut()[0] = u64::MAX;
        assert_eq!(PanicText::received(&buffer).as_str().len(), LONGEST_TEXT);
    }
}
