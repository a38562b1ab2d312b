//! Which branches are mispredicted: a rule simple enough to count by hand.
//!
//! A real predictor cannot be predicted. This one remembers, for each of 4096 slots, which
//! way the last conditional branch there went, and expects the next one to do the same. Only
//! conditional branches can be mispredicted: jumps, calls, returns and far transfers never are.

/// How many branches are told apart.
const SLOTS: u64 = 4096;
/// How many of them one word holds.
const WORD: u64 = 64;

/// Whether the predictor was right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Prediction {
    /// The branch went where it was expected to go.
    Right,
    /// It did not: [`crate::Batch::branch_misses`] counts it.
    Wrong,
}

/// One logical processor's branch predictor.
///
/// The slot of a branch is its address modulo 4096; an empty slot expects "not taken".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Predictor {
    taken: [u64; 64],
}

const _: () = assert!(SLOTS / WORD == 64);

impl Predictor {
    /// A predictor that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { taken: [0; 64] }
    }

    /// The conditional branch at linear address `address` was taken, or was not.
    pub fn conditional_branch(&mut self, address: u64, taken: bool) -> Prediction {
        let slot = address % SLOTS;
        let bit = 1 << (slot % WORD);
        let Some(word) = usize::try_from(slot / WORD)
            .ok()
            .and_then(|i| self.taken.get_mut(i))
        else {
            return Prediction::Right;
        };
        let expected = *word & bit != 0;
        if expected == taken {
            return Prediction::Right;
        }
        *word ^= bit;
        Prediction::Wrong
    }
}

impl Default for Predictor {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_of_ten_rounds_is_mispredicted_at_its_first_and_its_last_round() {
        let mut predictor = Predictor::new();
        let wrong: Vec<usize> = (0..20)
            .filter(|round| {
                let taken = round % 10 != 9;
                predictor.conditional_branch(0x40_1000, taken) == Prediction::Wrong
            })
            .collect();
        assert_eq!(wrong, [0, 9, 10, 19]);
    }

    #[test]
    fn branches_4096_bytes_apart_share_a_slot_and_others_do_not() {
        let mut predictor = Predictor::new();
        assert_eq!(predictor.conditional_branch(5, true), Prediction::Wrong);
        assert_eq!(
            predictor.conditional_branch(5 + 4096, true),
            Prediction::Right
        );
        assert_eq!(predictor.conditional_branch(6, true), Prediction::Wrong);
        assert_eq!(
            predictor.conditional_branch(u64::MAX, false),
            Prediction::Right
        );
    }
}
