//! A set of interrupt vectors: what IRR and ISR are.

/// One bit for each of 256 vectors.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct VectorSet([u32; 8]);

impl VectorSet {
    pub(super) fn insert(&mut self, vector: u8) {
        if let Some(word) = self.0.get_mut(usize::from(vector / 32)) {
            *word |= 1 << (vector % 32);
        }
    }

    pub(super) fn remove(&mut self, vector: u8) {
        if let Some(word) = self.0.get_mut(usize::from(vector / 32)) {
            *word &= !(1 << (vector % 32));
        }
    }

    /// The most urgent one.
    pub(super) fn highest(self) -> Option<u8> {
        (0..8_u8).zip(self.0).rev().find_map(|(i, word)| {
            let bit = u8::try_from(word.checked_ilog2()?).ok()?;
            Some(32 * i + bit)
        })
    }

    /// Register `index` of the row that shows this set.
    pub(super) fn word(self, index: u8) -> u32 {
        self.0.get(usize::from(index)).copied().unwrap_or(0)
    }
}

/// Urgency of a vector: its high four bits.
pub(super) const fn class(vector: u8) -> u8 {
    vector & 0xf0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_vector_is_the_most_urgent() {
        let mut set = VectorSet::default();
        assert_eq!(set.highest(), None);
        for vector in [0x20, 0xff, 0x3f] {
            set.insert(vector);
        }
        assert_eq!(set.highest(), Some(0xff));
        set.remove(0xff);
        assert_eq!(set.highest(), Some(0x3f));
        assert_eq!((set.word(1), set.word(7)), (0x8000_0001, 0));
    }
}
