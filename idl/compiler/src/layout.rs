//! Where values lie in a message: sizes, alignments, gaps.
//!
//! The rules are those of `repr(C)` on x86_64, so the compiler can lay a message's record out before
//! rustc sees it, and fill its gaps with named padding.

use crate::model::{Interface, Shape};

/// The size of a message word, in bytes.
pub(crate) const WORD: usize = 8;

/// How a value lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// In bytes.
    pub(crate) size: usize,
    /// In bytes, a power of two.
    pub(crate) align: usize,
    /// Whether every pattern of bits is a value.
    pub(crate) any_bits: bool,
}

impl Layout {
    const EMPTY: Self = Self {
        size: 0,
        align: 1,
        any_bits: true,
    };

    /// This many bytes to the next address that is a multiple of `align`.
    pub(crate) fn gap_before(&self, align: usize) -> usize {
        self.size.next_multiple_of(align) - self.size
    }

    /// This layout with `field` laid behind it.
    fn and(self, field: Self) -> Self {
        Self {
            size: self.size + self.gap_before(field.align) + field.size,
            align: self.align.max(field.align),
            any_bits: self.any_bits && field.any_bits,
        }
    }
}

/// The layout of a value of this shape, as records hold it: of a byte string, its length.
///
/// `None` when the shape names a type that the file does not declare, or one that contains itself.
pub(crate) fn of(interface: &Interface, shape: &Shape) -> Option<Layout> {
    within(interface, shape, interface.records.len())
}

/// As [`of`], with at most `depth` structs inside each other: more than there are means a circle.
fn within(interface: &Interface, shape: &Shape, depth: usize) -> Option<Layout> {
    match shape {
        Shape::Scalar(name, size) => Some(Layout {
            size: *size,
            align: *size,
            any_bits: *name != "bool",
        }),
        Shape::Array(of, count) => {
            let of = within(interface, of, depth)?;
            // More than any message holds stays so; it only must not overflow.
            Some(Layout {
                size: of.size.saturating_mul(*count).min(1 << 32),
                ..of
            })
        }
        Shape::Bytes(_) => Some(Layout {
            size: 2,
            align: 2,
            any_bits: true,
        }),
        Shape::Cap(_) => Some(Layout::EMPTY),
        Shape::Named(name) => {
            if let Some(choice) = interface.choices.iter().find(|c| c.name == *name) {
                let (_, size) = choice.repr;
                return Some(Layout {
                    size,
                    align: size,
                    any_bits: false,
                });
            }
            let record = interface.records.iter().find(|r| r.name == *name)?;
            let depth = depth.checked_sub(1)?;
            let whole = record
                .fields
                .iter()
                .try_fold(Layout::EMPTY, |whole, field| {
                    Some(whole.and(within(interface, &field.kind.shape, depth)?))
                })?;
            Some(Layout {
                size: whole.size + whole.gap_before(whole.align),
                ..whole
            })
        }
    }
}

/// One entry of a message's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The value with this index.
    Value(usize),
    /// This many bytes of padding.
    Gap(usize),
}

/// The fixed part of a message.
#[derive(Debug)]
pub(crate) struct Fixed {
    pub(crate) entries: Vec<Entry>,
    /// Its size, in words.
    pub(crate) words: usize,
    /// Whether every pattern of bits is valid, gaps included.
    pub(crate) any_bits: bool,
}

/// Lays out the fixed part of a message that holds these values, if their types are known.
pub(crate) fn fixed<'a>(
    interface: &Interface,
    shapes: impl Iterator<Item = &'a Shape>,
) -> Option<Fixed> {
    let mut whole = Layout::EMPTY;
    let mut entries = Vec::new();
    for (index, shape) in shapes.enumerate() {
        if matches!(shape, Shape::Cap(_)) {
            continue;
        }
        let layout = of(interface, shape)?;
        let gap = whole.gap_before(layout.align);
        if gap > 0 {
            entries.push(Entry::Gap(gap));
        }
        entries.push(Entry::Value(index));
        whole = whole.and(layout);
    }
    let gap = whole.gap_before(WORD);
    if gap > 0 {
        entries.push(Entry::Gap(gap));
    }
    let has_gap = entries.iter().any(|entry| matches!(entry, Entry::Gap(_)));
    Some(Fixed {
        entries,
        words: (whole.size + gap) / WORD,
        any_bits: whole.any_bits && !has_gap,
    })
}

/// How many words the byte strings among these shapes fill at most.
pub(crate) fn tail_words<'a>(shapes: impl Iterator<Item = &'a Shape>) -> usize {
    let words = |shape: &Shape| match shape {
        Shape::Bytes(bound) => bound.div_ceil(WORD),
        _ => 0,
    };
    shapes.map(words).sum()
}
