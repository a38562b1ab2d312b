//! The word that describes a message, and the labels the kernel itself uses.

use core::fmt;

/// Message words that travel in registers (`r10 r8 r9 r15`).
pub const MESSAGE_REGISTERS: usize = 4;
/// Message words at most; those after [`MESSAGE_REGISTERS`] lie in the IPC buffer.
pub const MSG_MAX_LENGTH: usize = 120;
/// Capabilities at most that one message carries.
pub const MSG_MAX_CAPS: usize = 3;

/// Label (52 bits), unwrapped capabilities (3), extra capabilities (2), length in words (7).
///
/// Layout as seL4's `seL4_MessageInfo_t` on 64-bit machines: length in bits 6:0, extra capabilities in
/// 8:7, unwrapped in 11:9, label in 63:12.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct MessageInfo(pub u64);

impl MessageInfo {
    const LENGTH_BITS: u32 = 7;
    const EXTRA_BITS: u32 = 2;
    const UNWRAPPED_BITS: u32 = 3;
    const EXTRA_SHIFT: u32 = Self::LENGTH_BITS;
    const UNWRAPPED_SHIFT: u32 = Self::EXTRA_SHIFT + Self::EXTRA_BITS;
    const LABEL_SHIFT: u32 = Self::UNWRAPPED_SHIFT + Self::UNWRAPPED_BITS;

    /// Builds the word; bits of an argument that do not fit its field are dropped.
    #[must_use]
    #[inline]
    pub const fn new(label: u64, caps_unwrapped: u64, extra_caps: u64, length: u64) -> Self {
        Self(
            label << Self::LABEL_SHIFT
                | (caps_unwrapped & ((1 << Self::UNWRAPPED_BITS) - 1)) << Self::UNWRAPPED_SHIFT
                | (extra_caps & ((1 << Self::EXTRA_BITS) - 1)) << Self::EXTRA_SHIFT
                | length & ((1 << Self::LENGTH_BITS) - 1),
        )
    }

    /// What of the word a task may say: the label without the bit that marks the kernel's own
    /// ([`label::KERNEL_BASE`]), the capabilities and the length, but not which were unwrapped.
    #[must_use]
    #[inline]
    pub const fn of_task(self) -> Self {
        const KERNELS: u64 = label::KERNEL_BASE << MessageInfo::LABEL_SHIFT
            | ((1 << MessageInfo::UNWRAPPED_BITS) - 1) << MessageInfo::UNWRAPPED_SHIFT;
        Self(self.0 & !KERNELS)
    }

    /// Whether all of the message travels in registers: no capabilities, and at most
    /// [`MESSAGE_REGISTERS`] words.
    #[must_use]
    #[inline]
    pub const fn fits_registers(self) -> bool {
        const BELOW: u64 = (1 << MessageInfo::UNWRAPPED_SHIFT) - 1;
        self.0 & BELOW <= MESSAGE_REGISTERS as u64
    }

    /// What the message is about; see [`label`] for the values the kernel makes.
    #[must_use]
    #[inline]
    pub const fn label(self) -> u64 {
        self.0 >> Self::LABEL_SHIFT
    }

    /// Bit `i` set: capability `i` was sent through the very endpoint it names, so the receiver got its badge instead.
    #[must_use]
    #[inline]
    pub const fn caps_unwrapped(self) -> u64 {
        self.0 >> Self::UNWRAPPED_SHIFT & ((1 << Self::UNWRAPPED_BITS) - 1)
    }

    /// Capabilities in the message, 0 to [`MSG_MAX_CAPS`].
    #[must_use]
    #[inline]
    pub const fn extra_caps(self) -> u64 {
        self.0 >> Self::EXTRA_SHIFT & ((1 << Self::EXTRA_BITS) - 1)
    }

    /// Words in the message as the sender claims: 0 to 127, of which the kernel moves at most [`MSG_MAX_LENGTH`].
    #[must_use]
    #[inline]
    pub const fn length(self) -> u64 {
        self.0 & ((1 << Self::LENGTH_BITS) - 1)
    }
}

impl fmt::Debug for MessageInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageInfo")
            .field("label", &self.label())
            .field("caps_unwrapped", &self.caps_unwrapped())
            .field("extra_caps", &self.extra_caps())
            .field("length", &self.length())
            .finish()
    }
}

/// Labels with a meaning that the kernel gives.
pub mod label {
    /// Lowest label that only the kernel makes. In what a task sends, the kernel clears this bit.
    pub const KERNEL_BASE: u64 = 1 << 51;
    /// The server died before it replied; message register 0 holds the generation that died.
    ///
    /// An extension of seL4, where such a caller would wait for ever. After Hubris's dead codes.
    pub const SERVER_DIED: u64 = KERNEL_BASE;
    /// A task tells its supervisor that it panicked, and wants no answer. Word 0: bytes of text; then the
    /// text, eight bytes to a word, lowest first. Above all labels of interfaces.
    pub const PANICKED: u64 = 0x2000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_where_sel4_has_them() {
        // 3 words, 1 capability, unwrapped mask 0b101, label 0xab: worked out by hand.
        let info = MessageInfo::new(0xab, 0b101, 1, 3);
        assert_eq!(info.0, 0xab << 12 | 0b101 << 9 | 1 << 7 | 3);
        assert_eq!(
            (
                info.label(),
                info.caps_unwrapped(),
                info.extra_caps(),
                info.length()
            ),
            (0xab, 5, 1, 3)
        );
    }

    #[test]
    fn a_task_cannot_speak_as_the_kernel() {
        let info = MessageInfo::new(label::SERVER_DIED | 7, 0b111, 2, 5).of_task();
        assert_eq!(info, MessageInfo::new(7, 0, 2, 5));
    }

    #[test]
    fn only_short_messages_without_capabilities_fit_registers() {
        assert!(MessageInfo::new(u64::MAX, 0b111, 0, 4).fits_registers());
        assert!(!MessageInfo::new(0, 0, 0, 5).fits_registers());
        assert!(!MessageInfo::new(0, 0, 1, 0).fits_registers());
    }

    #[test]
    fn a_label_of_52_bits_survives() {
        let top = (1 << 52) - 1;
        assert_eq!(MessageInfo::new(top, 0, 0, 0).label(), top);
    }
}
