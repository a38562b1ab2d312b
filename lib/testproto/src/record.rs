//! The records, and how their payloads are laid out.
//!
//! A payload is one byte that says which record, then its fields in order: numbers
//! little-endian, texts as a 16-bit length and UTF-8.

use crate::encode::Encoder;

/// What an image tells the runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// The system is up. Sent once, first.
    Hello {
        /// The board the image was built for.
        board: &'a str,
        /// The system description's name.
        system: &'a str,
    },
    /// A test starts; its `TestEnd` follows, or it hung.
    TestBegin {
        /// The test's name: a promise, written as a sentence.
        name: &'a str,
    },
    /// A test ended.
    TestEnd {
        /// The name it began with.
        name: &'a str,
        /// How it ended.
        verdict: Verdict,
        /// Why it failed or was skipped; empty when it passed.
        note: &'a str,
    },
    /// Something was measured `count` times.
    Metric {
        /// What was measured.
        name: &'a str,
        /// The unit of the three values.
        unit: &'a str,
        /// The smallest value.
        min: u64,
        /// The value in the middle.
        median: u64,
        /// The largest value.
        max: u64,
        /// How many values there were.
        count: u64,
    },
    /// A trace event. The runner shows the last ones when a run hangs.
    Trace {
        /// The time stamp counter when it happened.
        time: u64,
        /// The CPU it happened on.
        cpu: u16,
        /// The event's name, written as a fact.
        name: &'a str,
        /// What the event's own documentation says they are.
        arguments: [u64; 3],
    },
    /// The kernel panicked. A line `backtrace: 0x… 0x…` in it is symbolised.
    Panic {
        /// The message and the backtrace.
        text: &'a str,
    },
    /// Everything has been sent; the debug-exit port is written next.
    Done,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It showed what its name promises.
    Passed,
    /// It did not.
    Failed,
    /// It could not run on this board, for the reason in the note.
    Skipped,
}

const HELLO: u8 = 1;
const TEST_BEGIN: u8 = 2;
const TEST_END: u8 = 3;
const METRIC: u8 = 4;
const TRACE: u8 = 5;
const PANIC: u8 = 6;
const DONE: u8 = 7;

impl Verdict {
    const ALL: [Self; 3] = [Self::Passed, Self::Failed, Self::Skipped];

    const fn number(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Skipped => 2,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|verdict| verdict.number() == number)
    }
}

impl<'a> Record<'a> {
    /// Writes the payload.
    pub(crate) fn write(&self, out: &mut Encoder<'_, impl FnMut(u8)>) {
        match *self {
            Self::Hello { board, system } => {
                out.byte(HELLO);
                out.text(board);
                out.text(system);
            }
            Self::TestBegin { name } => {
                out.byte(TEST_BEGIN);
                out.text(name);
            }
            Self::TestEnd {
                name,
                verdict,
                note,
            } => {
                out.byte(TEST_END);
                out.text(name);
                out.byte(verdict.number());
                out.text(note);
            }
            Self::Metric {
                name,
                unit,
                min,
                median,
                max,
                count,
            } => {
                out.byte(METRIC);
                out.text(name);
                out.text(unit);
                [min, median, max, count]
                    .into_iter()
                    .for_each(|value| out.word(value));
            }
            Self::Trace {
                time,
                cpu,
                name,
                arguments,
            } => {
                out.byte(TRACE);
                out.word(time);
                out.short(cpu);
                out.text(name);
                arguments.into_iter().for_each(|value| out.word(value));
            }
            Self::Panic { text } => {
                out.byte(PANIC);
                out.text(text);
            }
            Self::Done => out.byte(DONE),
        }
    }

    /// Reads a payload: every byte of it, or it is not a record.
    pub(crate) fn read(payload: &'a [u8]) -> Option<Self> {
        let mut rest = Fields(payload);
        let record = match rest.byte()? {
            HELLO => Self::Hello {
                board: rest.text()?,
                system: rest.text()?,
            },
            TEST_BEGIN => Self::TestBegin { name: rest.text()? },
            TEST_END => Self::TestEnd {
                name: rest.text()?,
                verdict: Verdict::from_number(rest.byte()?)?,
                note: rest.text()?,
            },
            METRIC => Self::Metric {
                name: rest.text()?,
                unit: rest.text()?,
                min: rest.word()?,
                median: rest.word()?,
                max: rest.word()?,
                count: rest.word()?,
            },
            TRACE => Self::Trace {
                time: rest.word()?,
                cpu: rest.short()?,
                name: rest.text()?,
                arguments: [rest.word()?, rest.word()?, rest.word()?],
            },
            PANIC => Self::Panic { text: rest.text()? },
            DONE => Self::Done,
            _ => return None,
        };
        rest.0.is_empty().then_some(record)
    }
}

/// The bytes of a payload that have not been read yet.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes().map(u8::from_le_bytes)
    }

    fn short(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_le_bytes)
    }

    fn word(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.short()?;
        let (bytes, rest) = self.0.split_at_checked(usize::from(length))?;
        self.0 = rest;
        core::str::from_utf8(bytes).ok()
    }
}
