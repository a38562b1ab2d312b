//! Which RDMSR and WRMSR exit: the layout of the MSR bitmap.
//! SDM vol. 3C, "MSR-Bitmap Address".

use crate::msr::MsrAddr;

/// Bytes of an MSR bitmap. A one exits; an MSR outside its two ranges always exits.
pub const MSR_BITMAP_BYTES: usize = 4096;

/// The place of an MSR's bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BitmapBit {
    /// Byte of the bitmap for reads; add [`BitmapBit::WRITES`] for writes.
    pub byte: usize,
    /// Bit of that byte.
    pub mask: u8,
}

impl BitmapBit {
    /// Distance from the bit for reads to that for writes, in bytes.
    pub const WRITES: usize = 2048;

    /// Where `address` has its bits; `None` when it lies outside both ranges.
    #[must_use]
    pub fn of(address: MsrAddr) -> Option<Self> {
        let (start, number) = match address.0 {
            low @ 0..=0x1fff => (0, low),
            high @ 0xc000_0000..=0xc000_1fff => (1024, high - 0xc000_0000),
            _ => return None,
        };
        Some(Self {
            byte: start + usize::try_from(number / 8).ok()?,
            mask: 1 << (number % 8),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_lie_in_four_quarters() {
        let at = |address| BitmapBit::of(MsrAddr(address));
        assert_eq!(at(0), Some(BitmapBit { byte: 0, mask: 1 }));
        assert_eq!(
            at(0x38f),
            Some(BitmapBit {
                byte: 0x71,
                mask: 0x80
            })
        );
        assert_eq!(
            at(0x1fff),
            Some(BitmapBit {
                byte: 1023,
                mask: 0x80
            })
        );
        assert_eq!(
            at(0xc000_0080),
            Some(BitmapBit {
                byte: 1024 + 16,
                mask: 1
            })
        );
        assert_eq!(at(0x2000), None);
        assert_eq!(at(0xc000_2000), None);
    }
}
