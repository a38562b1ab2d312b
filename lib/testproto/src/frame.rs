//! What both sides agree on: the frame's bytes, its limits and its checksum.

/// Starts a frame. Text must not contain it.
pub const FRAME_START: u8 = 0x1e;

/// Ends a frame.
pub const FRAME_END: u8 = 0x00;

/// The longest text in a record, in bytes; [`crate::send`] cuts what is longer.
pub const MAX_TEXT: usize = 1024;

/// The longest payload, in bytes: three texts and the numbers around them.
pub const MAX_PAYLOAD: usize = 4096;

/// The bytes of a checksum.
pub(crate) const CHECKSUM_BYTES: usize = 2;

/// The most bytes between start and end: COBS adds one byte in 254 and one.
pub(crate) const MAX_ENCODED: usize =
    MAX_PAYLOAD + CHECKSUM_BYTES + (MAX_PAYLOAD + CHECKSUM_BYTES) / COBS_RUN + 1;

/// The longest run of bytes without a zero that one COBS code can announce.
pub(crate) const COBS_RUN: usize = 254;

/// The checksum of a payload: CRC-16 with polynomial 0x1021, starting from 0xffff.
///
/// Known as CRC-16/IBM-3740 or "CCITT-FALSE". Bit by bit, without a table: records
/// are rare and the image is small.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checksum(u16);

impl Checksum {
    pub(crate) const fn new() -> Self {
        Self(0xffff)
    }

    pub(crate) fn add(&mut self, byte: u8) {
        self.0 ^= u16::from(byte) << 8;
        for _ in 0..8 {
            let carry = self.0 & 0x8000 != 0;
            self.0 <<= 1;
            if carry {
                self.0 ^= 0x1021;
            }
        }
    }

    pub(crate) const fn value(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_the_catalogue_s_check_string_is_29b1() {
        let mut sum = Checksum::new();
        b"123456789".iter().for_each(|&byte| sum.add(byte));
        assert_eq!(sum.value(), 0x29b1);
    }
}
