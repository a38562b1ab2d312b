//! Operations of I/O ports and interrupts.

use sel4_sys::{Error, InterruptOp, MSG_MAX_LENGTH, PortOp, Word};

use super::{invoke, invoke_long, invoke_with_cap};
use crate::Result;
use crate::cap::{Interrupt, Notification, Port};

/// Bytes that one [`Port::out_bytes`] takes at most.
pub const PORT_BYTES_AT_ONCE: usize = (MSG_MAX_LENGTH - 2) * 8;

impl Port {
    /// Reads a byte.
    ///
    /// # Errors
    /// `RangeError`: the port is not in the range.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the kernel answers one byte"
    )]
    pub fn in8(self, port: u16) -> Result<u8> {
        let [value, ..] = invoke(self.bits(), PortOp::IN.0, 2, [u64::from(port), 1, 0, 0])?;
        Ok(value as u8)
    }

    /// Writes a byte.
    ///
    /// # Errors
    /// `RangeError`: the port is not in the range.
    pub fn out8(self, port: u16, value: u8) -> Result<()> {
        let words = [u64::from(port), 1, u64::from(value), 0];
        invoke(self.bits(), PortOp::OUT.0, 3, words).map(drop)
    }

    /// Writes bytes one by one to the same port, at most [`PORT_BYTES_AT_ONCE`].
    ///
    /// # Errors
    /// `RangeError`: the port is not in the range, or there are too many bytes.
    pub fn out_bytes(self, port: u16, bytes: &[u8]) -> Result<()> {
        let mut words: [Word; MSG_MAX_LENGTH - 2] = [0; _];
        let used = words
            .get_mut(..bytes.len().div_ceil(8))
            .ok_or(Error::RangeError)?;
        for (word, piece) in used.iter_mut().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole
                .iter_mut()
                .zip(piece)
                .for_each(|(to, &from)| *to = from);
            *word = u64::from_le_bytes(whole);
        }
        let front = [u64::from(port), bytes.len() as u64];
        invoke_long(self.bits(), PortOp::OUT_BYTES.0, front, used).map(drop)
    }
}

impl Interrupt {
    /// From now on the line signals `notification`, and stays masked after that until [`Self::ack`].
    ///
    /// # Errors
    /// `InvalidCapability`: the notification cannot be signalled.
    pub fn set_notification(self, notification: Notification) -> Result<()> {
        let label = InterruptOp::SET_NOTIFICATION.0;
        invoke_with_cap(self.bits(), label, 0, [0; 4], notification.bits()).map(drop)
    }

    /// Unmasks the line.
    ///
    /// # Errors
    /// The kernel's.
    pub fn ack(self) -> Result<()> {
        invoke(self.bits(), InterruptOp::ACK.0, 0, [0; 4]).map(drop)
    }

    /// Masks the line and forgets the notification.
    ///
    /// # Errors
    /// The kernel's.
    pub fn clear(self) -> Result<()> {
        invoke(self.bits(), InterruptOp::CLEAR.0, 0, [0; 4]).map(drop)
    }
}
