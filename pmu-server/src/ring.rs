//! The kernel's ring of samples, as its reader sees it.
//!
//! `sel4_sys::samples` says how it lies in its frame.

use pmu_drv::CounterSet;
use pmu_server_core::Record;
use sel4::Window;
use sel4_sys::samples::{SAMPLE_HEADER_WORDS, SAMPLE_WORDS, SampleHeader};

const WORD: u64 = 8;

/// The reader's end.
#[derive(Debug)]
pub(crate) struct Ring {
    window: Window,
    /// Records that fit.
    capacity: u64,
    read: u64,
    lost: u64,
}

impl Ring {
    /// The ring in a mapped frame. What an earlier life of this server did not read is lost.
    pub(crate) fn new(window: Window) -> Self {
        let words = window.len() / WORD;
        let records = words.saturating_sub(SAMPLE_HEADER_WORDS as u64) / SAMPLE_WORDS as u64;
        let mut ring = Self {
            window,
            capacity: records,
            read: 0,
            lost: 0,
        };
        ring.read = ring.header(SampleHeader::WRITTEN);
        ring.lost = ring.header(SampleHeader::LOST);
        ring.tell();
        ring
    }

    /// The oldest record that has not been read, if it was written by `until`.
    pub(crate) fn take_until(&mut self, until: u64) -> Option<Record> {
        if self.read == self.header(SampleHeader::WRITTEN) {
            return None;
        }
        // A frame has at least a page, and so room for a record.
        let place = self.read % self.capacity.max(1);
        let first = SAMPLE_HEADER_WORDS as u64 + place * SAMPLE_WORDS as u64;
        let [time, address, counters] = [0, 1, 2].map(|i| self.word(first + i));
        if time > until {
            return None;
        }
        self.read += 1;
        self.tell();
        Some(Record {
            time,
            address,
            counters: CounterSet::from_bits(counters),
        })
    }

    /// How many samples were lost since the last time.
    pub(crate) fn take_lost(&mut self) -> u64 {
        let lost = self.header(SampleHeader::LOST);
        lost.wrapping_sub(core::mem::replace(&mut self.lost, lost))
    }

    fn tell(&self) {
        let at = SampleHeader::READ as u64 * WORD;
        self.window
            .set_word(at, self.read)
            .expect("the header is in the frame");
    }

    fn header(&self, index: usize) -> u64 {
        self.word(index as u64)
    }

    fn word(&self, index: u64) -> u64 {
        self.window
            .word(index * WORD)
            .expect("the ring is in the frame")
    }
}
