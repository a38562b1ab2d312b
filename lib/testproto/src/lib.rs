//! Framed records that an image sends to the test runner.
//!
//! An image has one byte stream to the outside, and text that people read shares
//! it with records that the runner reads. A record is a frame:
//!
//! ```text
//! 0x1e  COBS(payload ++ CRC-16 of payload, low byte first)  0x00
//! ```
//!
//! Text never contains 0x1e (the ASCII record separator), a frame contains 0x00
//! only as its end, so either is found again after anything that went wrong: a
//! panic in the middle of a frame costs that frame and nothing behind it. (COBS,
//! consistent overhead byte stuffing, is the encoding by Cheshire and Baker that
//! removes one byte value from a message at the cost of one byte in 254.)
//!
//! ```
//! use testproto::{Decoder, Item, Record, send};
//!
//! let mut wire = b"hello\n".to_vec();
//! send(&Record::TestBegin { name: "reply_twice" }, |byte| wire.push(byte));
//!
//! let (mut text, mut names) = (Vec::new(), Vec::new());
//! let mut decoder = Decoder::new();
//! for byte in wire {
//!     decoder.push(byte, &mut |item| match item {
//!         Item::Text(byte) => text.push(byte),
//!         Item::Record(Record::TestBegin { name }) => names.push(name.to_owned()),
//!         other => panic!("{other:?}"),
//!     });
//! }
//! assert_eq!((text.as_slice(), names.as_slice()), (&b"hello\n"[..], &["reply_twice".to_owned()][..]));
//! ```
//!
//! The image ends by writing an [`End`] to a port of the emulator; that byte, not a
//! record, is the verdict of the whole run.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod decode;
mod encode;
mod end;
mod frame;
mod record;

pub use decode::{Cause, Decoder, Item};
pub use encode::send;
pub use end::{DEBUG_CONSOLE_PORT, DEBUG_EXIT_PORT, End};
pub use frame::{FRAME_END, FRAME_START, MAX_PAYLOAD, MAX_TEXT};
pub use record::{Record, Verdict};
