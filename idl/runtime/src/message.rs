//! A message on its way out and on its way in.
//!
//! The first four words travel in registers, the others in the thread's IPC buffer. A message of at
//! most four words never touches the buffer, here as in the kernel's fast path.

use sel4::{Cap, CapType};
use sel4_sys::{MESSAGE_REGISTERS, MSG_MAX_CAPS, MSG_MAX_LENGTH, MessageInfo};
use zerocopy::IntoBytes;

use crate::{Refusal, label};

/// Where the words of long messages are.
///
/// A closure, not a reference, because on the target the buffer belongs to the thread and is only
/// borrowed: a server may make calls of its own between reading its arguments and writing results.
pub trait Buffer {
    /// Gives `f` the message words. The first [`MESSAGE_REGISTERS`] of them are scratch space.
    fn with<R>(&mut self, f: impl FnOnce(&mut [u64; MSG_MAX_LENGTH]) -> R) -> R;
}

/// A message to send. Words after the fourth are in the [`Buffer`] it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a message does nothing until it is sent"]
pub struct Outgoing {
    /// The operation, or how the call ended.
    pub label: u64,
    /// How many words, at most [`MSG_MAX_LENGTH`].
    pub length: usize,
    /// The first four words.
    pub registers: [u64; MESSAGE_REGISTERS],
    /// The addresses of the capabilities to pass, of which the first `cap_count` count.
    pub caps: [u64; MSG_MAX_CAPS],
    /// How many capabilities, at most [`MSG_MAX_CAPS`].
    pub cap_count: usize,
}

impl Outgoing {
    /// A message without words.
    #[inline]
    pub const fn bare(label: u64) -> Self {
        Self {
            label,
            length: 0,
            registers: [0; MESSAGE_REGISTERS],
            caps: [0; MSG_MAX_CAPS],
            cap_count: 0,
        }
    }

    /// The reply that refuses a request.
    #[inline]
    pub const fn refusal(why: Refusal) -> Self {
        Self::bare(why.label())
    }

    /// A message whose first `N` words are `words`.
    #[inline]
    pub fn new<const N: usize>(buffer: &mut impl Buffer, label: u64, words: [u64; N]) -> Self {
        const {
            assert!(N <= MSG_MAX_LENGTH, "a message holds at most 120 words");
        };
        let mut message = Self {
            length: N,
            ..Self::bare(label)
        };
        for (register, word) in message.registers.iter_mut().zip(words) {
            *register = word;
        }
        if let Some(after) = words.get(MESSAGE_REGISTERS..)
            && !after.is_empty()
        {
            buffer.with(|all| {
                if let Some(place) = all.get_mut(MESSAGE_REGISTERS..N) {
                    place.copy_from_slice(after);
                }
            });
        }
        message
    }

    /// The word that describes this message to the kernel.
    #[inline]
    #[must_use]
    pub const fn info(&self) -> MessageInfo {
        MessageInfo::new(self.label, 0, self.cap_count as u64, self.length as u64)
    }

    /// Adds a byte string behind the words: as many words as it fills, the last filled up with zeros.
    ///
    /// The IDL's compiler has proven that the longest strings of an operation fit its message; bytes
    /// beyond the message's end would be lost.
    #[inline]
    pub fn push_bytes(&mut self, buffer: &mut impl Buffer, bytes: &[u8]) {
        let first = self.length;
        let end = first + bytes.len().div_ceil(8);
        debug_assert!(
            end <= MSG_MAX_LENGTH,
            "the compiler checks that strings fit"
        );
        buffer.with(|all| {
            // The string may begin in the registers and end in the buffer, so it is laid down in
            // the buffer as a whole, and its first words are taken up again.
            if let Some(front) = all.first_chunk_mut() {
                *front = self.registers;
            }
            if let Some((last, before)) = all.get_mut(first..end).and_then(<[u64]>::split_last_mut)
                && let Some((whole, rest)) = bytes.split_at_checked(before.len() * 8)
            {
                before.as_mut_bytes().copy_from_slice(whole);
                *last = 0;
                last.as_mut_bytes()
                    .iter_mut()
                    .zip(rest)
                    .for_each(|(to, from)| *to = *from);
            }
            if let Some(front) = all.first_chunk() {
                self.registers = *front;
            }
        });
        self.length = end;
    }

    /// Adds a capability to pass. The IDL's compiler has proven that there are at most [`MSG_MAX_CAPS`].
    #[inline]
    pub fn push_cap<K: CapType>(&mut self, cap: Cap<K>) {
        if let Some(slot) = self.caps.get_mut(self.cap_count) {
            *slot = cap.bits();
            self.cap_count += 1;
        }
    }
}

/// A message received. Words after the fourth are in the receiver's [`Buffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The badge of the capability that the sender used; 0 in replies.
    pub badge: u64,
    /// The operation, or how the call ended.
    pub label: u64,
    /// How many words the message info alleges: not to be trusted before [`Incoming::words`].
    pub length: usize,
    /// The first four words.
    pub registers: [u64; MESSAGE_REGISTERS],
    /// The slots that capabilities were put into, of which the first `cap_count` count.
    pub caps: [u64; MSG_MAX_CAPS],
    /// How many capabilities came.
    pub cap_count: usize,
    /// Bit `i` is set when the kernel handed over the badge of capability `i` instead.
    pub unwrapped: u64,
}

impl Incoming {
    /// A message without capabilities.
    #[inline]
    #[must_use]
    pub const fn new(
        badge: u64,
        label: u64,
        length: usize,
        registers: [u64; MESSAGE_REGISTERS],
    ) -> Self {
        Self {
            badge,
            label,
            length,
            registers,
            caps: [0; MSG_MAX_CAPS],
            cap_count: 0,
            unwrapped: 0,
        }
    }

    /// The message that `info` describes. If it has capabilities, the kernel put them into the slots
    /// from `first_slot` on.
    #[inline]
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fields have 7 and 2 bits"
    )]
    pub const fn from_info(
        badge: u64,
        info: MessageInfo,
        registers: [u64; MESSAGE_REGISTERS],
        first_slot: u64,
    ) -> Self {
        Self {
            badge,
            label: info.label(),
            length: info.length() as usize,
            registers,
            caps: [
                first_slot,
                first_slot.wrapping_add(1),
                first_slot.wrapping_add(2),
            ],
            cap_count: info.extra_caps() as usize,
            unwrapped: info.caps_unwrapped(),
        }
    }

    /// The message's words, if there are exactly `N`.
    #[inline]
    pub fn words<const N: usize>(&self, buffer: &mut impl Buffer) -> Result<[u64; N], Refusal> {
        if self.length == N {
            self.first_words(buffer)
        } else {
            Err(Refusal::WrongLength)
        }
    }

    /// The message's first `N` words, if there are as many.
    #[inline]
    pub fn first_words<const N: usize>(
        &self,
        buffer: &mut impl Buffer,
    ) -> Result<[u64; N], Refusal> {
        const {
            assert!(N <= MSG_MAX_LENGTH, "a message holds at most 120 words");
        };
        if self.length < N || self.length > MSG_MAX_LENGTH {
            return Err(Refusal::WrongLength);
        }
        let mut words = [0; N];
        for (word, register) in words.iter_mut().zip(self.registers) {
            *word = register;
        }
        if let Some(after) = words.get_mut(MESSAGE_REGISTERS..)
            && !after.is_empty()
        {
            buffer.with(|all| {
                if let Some(place) = all.get(MESSAGE_REGISTERS..N) {
                    after.copy_from_slice(place);
                }
            });
        }
        Ok(words)
    }

    /// The slots of the message's capabilities, if there are exactly `N` and none was unwrapped.
    #[inline]
    pub fn caps<const N: usize>(&self) -> Result<[u64; N], Refusal> {
        const {
            assert!(N <= MSG_MAX_CAPS, "a message holds at most 3 capabilities");
        };
        if self.cap_count != N || self.unwrapped != 0 {
            return Err(Refusal::WrongCapabilities);
        }
        self.caps
            .first_chunk()
            .copied()
            .ok_or(Refusal::WrongCapabilities)
    }

    /// Whether the label says that the results are in the words.
    #[inline]
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.label == label::OK
    }
}
