//! The image's checksum: Fletcher's two running sums, over 64-bit words.
//!
//! It guards against truncated and damaged files, not against forgery, and has to be cheap: the
//! kernel runs it over the whole image within its boot budget, about half an instruction a byte.
//! J. Fletcher, "An Arithmetic Checksum for Serial Transmissions", 1982; here modulo 2^64.

/// The checksum of `bytes`; a last incomplete word is filled up with zero bytes.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let (mut sum, mut sum_of_sums) = (0_u64, 0_u64);
    let mut add = |word: [u8; 8]| {
        sum = sum.wrapping_add(u64::from_le_bytes(word));
        sum_of_sums = sum_of_sums.wrapping_add(sum);
    };
    words.iter().for_each(|&word| add(word));
    if !rest.is_empty() {
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, &from)| *to = from);
        add(last);
    }
    sum_of_sums.rotate_left(32) ^ sum
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn three_words_give_the_sum_worked_out_by_hand() {
        // words 1, 2, 3: sums 1, 3, 6; sum of sums 10. 10 << 32 ^ 6.
        let bytes: Vec<u8> = [1_u64, 2, 3].iter().flat_map(|w| w.to_le_bytes()).collect();
        assert_eq!(checksum(&bytes), 10 << 32 ^ 6);
    }

    #[test]
    fn swapped_words_and_a_changed_byte_are_noticed() {
        let good = checksum(b"abcdefghABCDEFGH");
        assert_ne!(good, checksum(b"ABCDEFGHabcdefgh"));
        assert_ne!(good, checksum(b"abcdefghABCDEFGh"));
    }
}
