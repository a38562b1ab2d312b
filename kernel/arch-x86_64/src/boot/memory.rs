//! Which physical memory there is, and taking pieces of it.

use super::{LoaderError, OutOfMemory};
use crate::mm::PAGE;

/// Physical memory from `start` to before `end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Span {
    /// Bytes.
    pub(crate) const fn length(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether any byte lies in both.
    pub(crate) const fn meets(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether all of `other` lies in this one.
    pub(crate) const fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// Spans of memory, in the order the machine reports them.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryMap {
    spans: heapless::Vec<Span, 64>,
}

impl MemoryMap {
    /// Adds the whole pages of `start..start + length`. Nothing is added when there are none.
    ///
    /// # Errors
    /// [`LoaderError::TooManySpans`].
    pub(crate) fn add(&mut self, start: u64, length: u64) -> Result<(), LoaderError> {
        let Some(start) = start.checked_next_multiple_of(PAGE) else {
            return Ok(());
        };
        let end = start.max(start.saturating_add(length) & !(PAGE - 1));
        self.push(Span { start, end })
    }

    /// Takes out every page that `hole` touches.
    ///
    /// # Errors
    /// [`LoaderError::TooManySpans`].
    pub(crate) fn remove(&mut self, hole: Span) -> Result<(), LoaderError> {
        let hole = Span {
            start: hole.start & !(PAGE - 1),
            end: hole.end.saturating_add(PAGE - 1) & !(PAGE - 1),
        };
        let before = core::mem::take(self);
        for span in before.spans() {
            if span.meets(hole) {
                self.push(Span {
                    start: span.start,
                    end: hole.start,
                })?;
                self.push(Span {
                    start: hole.end,
                    end: span.end,
                })?;
            } else {
                self.push(span)?;
            }
        }
        Ok(())
    }

    /// Takes `bytes` bytes, rounded up to pages, from the lowest place that has them in one piece and aligned to
    /// `align`, a power of two. What alignment skips stays usable only in front of it.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub(crate) fn take(&mut self, bytes: u64, align: u64) -> Result<u64, OutOfMemory> {
        let bytes = bytes.checked_next_multiple_of(PAGE).ok_or(OutOfMemory)?;
        let fits = |span: &Span| {
            let start = span.start.checked_next_multiple_of(align)?;
            let end = start.checked_add(bytes)?;
            (end <= span.end).then_some(Span { start, end })
        };
        let hit = self
            .spans
            .iter()
            .filter_map(fits)
            .min_by_key(|hit| hit.start)
            .ok_or(OutOfMemory)?;
        self.remove(hit).map_err(|_| OutOfMemory)?;
        Ok(hit.start)
    }

    /// The spans.
    pub(crate) fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        self.spans.iter().copied()
    }

    /// Bytes of all spans.
    pub(crate) fn bytes(&self) -> u64 {
        self.spans().map(Span::length).sum()
    }

    /// Whether any byte of `span` is memory.
    pub(crate) fn meets(&self, span: Span) -> bool {
        self.spans().any(|s| s.meets(span))
    }

    /// Whether all of `span` is memory, in one piece.
    pub(crate) fn contains(&self, span: Span) -> bool {
        self.spans().any(|s| s.contains(span))
    }

    fn push(&mut self, span: Span) -> Result<(), LoaderError> {
        if span.start >= span.end {
            return Ok(());
        }
        self.spans.push(span).map_err(|_| LoaderError::TooManySpans)
    }
}

#[cfg(test)]
mod tests {
    use super::{MemoryMap, OutOfMemory, Span};

    fn map(spans: &[(u64, u64)]) -> MemoryMap {
        let mut map = MemoryMap::default();
        for &(start, end) in spans {
            map.add(start, end - start).unwrap();
        }
        map
    }

    fn spans(map: &MemoryMap) -> Vec<(u64, u64)> {
        map.spans().map(|s| (s.start, s.end)).collect()
    }

    #[test]
    fn only_whole_pages_are_memory() {
        // A PC's first span ends at 0x9fc00 and is not whole; the second is too short for a page.
        assert_eq!(
            spans(&map(&[(0, 0x9_fc00), (0x10_0800, 0x10_1700)])),
            [(0, 0x9_f000)]
        );
        assert_eq!(spans(&map(&[(u64::MAX - 5, u64::MAX)])), []);
    }

    #[test]
    fn a_hole_splits_a_span_and_takes_every_page_it_touches() {
        let mut memory = map(&[(0x1000, 0x9000), (0x10000, 0x12000)]);
        memory
            .remove(Span {
                start: 0x3800,
                end: 0x4001,
            })
            .unwrap();
        assert_eq!(
            spans(&memory),
            [(0x1000, 0x3000), (0x5000, 0x9000), (0x10000, 0x12000)]
        );
        memory
            .remove(Span {
                start: 0,
                end: 0x11000,
            })
            .unwrap();
        assert_eq!(spans(&memory), [(0x11000, 0x12000)]);
    }

    #[test]
    fn pieces_come_from_the_bottom_aligned_and_never_twice() {
        let mut memory = map(&[(0x20000, 0x23000), (0x1000, 0x3000)]);
        assert_eq!(memory.take(1, 0x1000), Ok(0x1000));
        assert_eq!(
            memory.take(0x1001, 0x1000),
            Ok(0x20000),
            "two pages do not fit below"
        );
        assert_eq!(memory.take(0x1000, 0x1000), Ok(0x2000));
        assert_eq!(
            memory.take(0x1000, 0x4000),
            Err(OutOfMemory),
            "0x22000 is not aligned to 16 KiB"
        );
        assert_eq!(memory.take(0x1000, 0x1000), Ok(0x22000));
        assert_eq!(memory.take(1, 0x1000), Err(OutOfMemory));
        assert_eq!(memory.take(u64::MAX, 0x1000), Err(OutOfMemory));
    }

    #[test]
    fn what_is_taken_is_gone_from_the_count() {
        let mut memory = map(&[(0x1000, 0x9000)]);
        assert_eq!(memory.bytes(), 0x8000);
        memory.take(0x2000, 0x1000).unwrap();
        assert_eq!(memory.bytes(), 0x6000);
        assert!(memory.meets(Span {
            start: 0x8fff,
            end: 0x20000
        }));
        assert!(!memory.contains(Span {
            start: 0x8fff,
            end: 0x20000
        }));
    }
}
