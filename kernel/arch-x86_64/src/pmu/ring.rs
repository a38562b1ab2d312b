//! The ring of samples: written by the NMI handler, read by whoever has the frame.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::Release};

use pmu_drv::{NmiOrigin, Sample};
use sel4_sys::samples::{SAMPLE_HEADER_WORDS, SAMPLE_WORDS, SampleFlags, SampleHeader};

use crate::mm::Frame;
use crate::mm::direct::{self, Page};
use crate::mm::layout::{ENTRIES, to_usize};

/// What recording led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(super) enum Recorded {
    /// Nothing that anybody waits for.
    Quiet,
    /// The reader asked to be told after so many samples.
    Watermark,
}

/// Where samples go. An NMI may come between any two stores: `pages` is 0 while the others change.
#[derive(Debug)]
pub(super) struct Ring {
    physical: AtomicU64,
    pages: AtomicU64,
    watermark: AtomicU64,
}

impl Ring {
    /// Nowhere.
    pub(super) const fn new() -> Self {
        Self {
            physical: AtomicU64::new(0),
            pages: AtomicU64::new(0),
            watermark: AtomicU64::new(0),
        }
    }

    /// From now on. A frame of a device is none.
    pub(super) fn set(&self, frame: Option<&Frame>, watermark: u64) {
        self.pages.store(0, Release);
        let memory = frame.and_then(|frame| Some((frame.memory_address()?, frame.pages())));
        if let Some((physical, pages)) = memory {
            self.physical.store(physical, Relaxed);
            self.watermark.store(watermark, Relaxed);
            self.pages.store(u64::from(pages), Release);
        }
    }

    /// Writes the sample that an NMI led to, if there is one.
    pub(super) fn record(&self, origin: NmiOrigin) -> Recorded {
        match origin {
            NmiOrigin::Pmi(Some(sample)) => self.write(sample),
            NmiOrigin::Pmi(None) | NmiOrigin::Expected | NmiOrigin::Held | NmiOrigin::Other => {
                Recorded::Quiet
            }
        }
    }

    /// Writes `sample`, or counts it as lost when the reader is too slow.
    pub(super) fn write(&self, sample: Sample) -> Recorded {
        let words = self.pages().as_flattened();
        let word = |index: usize| words.get(index);
        let read = |index| word(index).map_or(0, |word| word.load(Relaxed));
        let add = |index: usize| {
            if let Some(word) = word(index) {
                word.store(word.load(Relaxed).wrapping_add(1), Release);
            }
        };
        let room = words.len().saturating_sub(SAMPLE_HEADER_WORDS) / SAMPLE_WORDS;
        // The reader's word is a claim: whatever it says, what is written lies in the ring.
        let written = read(SampleHeader::WRITTEN);
        let unread = written.wrapping_sub(read(SampleHeader::READ));
        let Some(slot) = written.checked_rem(room as u64) else {
            return Recorded::Quiet;
        };
        if unread >= room as u64 {
            add(SampleHeader::LOST);
            return Recorded::Quiet;
        }
        let mut flags = SampleFlags::empty();
        flags.set(SampleFlags::USER, sample.at.is_user);
        flags.set(SampleFlags::LATE, sample.is_late);
        let record = [
            sample.at.now,
            sample.at.rip,
            sample.counters.bits(),
            flags.bits(),
        ];
        let first = SAMPLE_HEADER_WORDS + to_usize(slot) * SAMPLE_WORDS;
        for (to, value) in words.iter().skip(first).zip(record) {
            to.store(value, Relaxed);
        }
        add(SampleHeader::WRITTEN);
        if unread + 1 == self.watermark.load(Relaxed) {
            Recorded::Watermark
        } else {
            Recorded::Quiet
        }
    }

    fn pages(&self) -> &'static [Page] {
        let pages = to_usize(self.pages.load(Relaxed));
        // SAFETY: 1. A frame's address and number of pages (`set`), or 0 pages; a frame's pages are owned by it for ever.
        // 2. They are words to everybody: `PageRef` and ring 3 see them the same way.
        unsafe { direct::pages(self.physical.load(Relaxed), pages) }
    }
}

const _: () = assert!(size_of::<Page>() == ENTRIES * 8);
