//! What an invocation of a kernel object brings, and what it answers.

use sel4_sys::{Error, IpcBuffer, MESSAGE_REGISTERS, MSG_MAX_CAPS, MSG_MAX_LENGTH, MessageInfo};

use crate::Kernel;
use crate::arch::mm::PageRef;
use crate::cap::{Capability, SlotId};
use crate::object::{CNode, ThreadId};

/// The message of an invocation. Its numbers are only what a task says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args {
    info: MessageInfo,
    words: [u64; MESSAGE_REGISTERS],
    buffer: Option<PageRef>,
    cspace: CNode,
    /// Who invokes.
    pub(crate) caller: ThreadId,
    /// The invoked capability.
    pub(crate) capability: Capability,
    /// Where it is.
    pub(crate) slot: SlotId,
}

impl Args {
    pub(crate) fn of(k: &Kernel, caller: ThreadId, slot: SlotId, capability: Capability) -> Self {
        let thread = &k.threads[caller];
        Self {
            caller,
            slot,
            info: thread.context.system_call().info.of_task(),
            words: thread.context.message(),
            buffer: thread.buffer,
            cspace: thread.cspace,
            capability,
        }
    }

    /// The operation.
    pub(crate) fn label(&self) -> u64 {
        self.info.label()
    }

    /// Message word `i`.
    pub(crate) fn word(&self, i: usize) -> Result<u64, Refusal> {
        let short = Refusal::new(Error::TruncatedMessage);
        if i as u64 >= self.info.length() || i >= MSG_MAX_LENGTH {
            return Err(short);
        }
        match (self.words.get(i), self.buffer) {
            (Some(word), _) => Ok(*word),
            (None, Some(buffer)) => Ok(buffer.word(IpcBuffer::MSG_WORD + i)),
            (None, None) => Err(short),
        }
    }

    /// Message word `i`, as a number of at most `most`.
    pub(crate) fn word_up_to(&self, i: usize, most: u32) -> Result<u32, Refusal> {
        let word = self.word(i)?;
        let small = u32::try_from(word).ok().filter(|&word| word <= most);
        small.ok_or(Refusal::range(0, u64::from(most)))
    }

    /// Whether there is an extra capability `i`.
    pub(crate) fn has_extra(&self, i: usize) -> bool {
        (i as u64) < self.info.extra_caps()
    }

    /// Extra capability `i` and its slot.
    pub(crate) fn extra(&self, k: &Kernel, i: usize) -> Result<(SlotId, Capability), Refusal> {
        let buffer = self
            .buffer
            .filter(|_| self.has_extra(i) && i < MSG_MAX_CAPS);
        let buffer = buffer.ok_or(Refusal::new(Error::TruncatedMessage))?;
        let pointer = buffer.word(IpcBuffer::CAPS_WORD + i);
        k.look_up(self.cspace, pointer)
            .ok_or(Refusal::capability(i + 1))
    }
}

/// Why an invocation was refused. Nothing changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Refusal {
    error: Error,
    details: [u64; 2],
    length: u64,
}

impl Refusal {
    pub(crate) const fn new(error: Error) -> Self {
        Self {
            error,
            details: [0; 2],
            length: 0,
        }
    }

    /// Argument `i` makes no sense.
    pub(crate) const fn argument(i: u64) -> Self {
        Self {
            error: Error::InvalidArgument,
            details: [i, 0],
            length: 1,
        }
    }

    /// Capability `i` is of the wrong kind or lacks a right; 0 is the invoked one.
    pub(crate) const fn capability(i: usize) -> Self {
        Self {
            error: Error::InvalidCapability,
            details: [i as u64, 0],
            length: 1,
        }
    }

    /// An argument must lie between `least` and `most`.
    pub(crate) const fn range(least: u64, most: u64) -> Self {
        Self {
            error: Error::RangeError,
            details: [least, most],
            length: 2,
        }
    }

    /// The address space has none of its `declared` page tables left.
    pub(crate) const fn no_table(declared: u64) -> Self {
        Self {
            error: Error::NotEnoughMemory,
            details: [declared, 0],
            length: 1,
        }
    }
}

/// What the caller of an invocation finds in its registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    /// Label and length.
    pub(crate) info: MessageInfo,
    /// The message registers.
    pub(crate) words: [u64; MESSAGE_REGISTERS],
}

impl Answer {
    /// Done, nothing to tell.
    pub(crate) fn done() -> Self {
        Self::of([])
    }

    /// Done; these are the answer's words.
    pub(crate) fn of<const N: usize>(words: [u64; N]) -> Self {
        const { assert!(N <= MESSAGE_REGISTERS) };
        let mut registers = [0; MESSAGE_REGISTERS];
        registers
            .iter_mut()
            .zip(words)
            .for_each(|(register, word)| *register = word);
        Self::with_length(registers, N as u64)
    }

    /// Done; these are the answer's words, of which a caller without an IPC buffer gets as many as fit the registers.
    pub(crate) fn long(args: &Args, words: &[u64]) -> Self {
        let mut registers = [0; MESSAGE_REGISTERS];
        let mut length = 0;
        for (i, &word) in words.iter().enumerate() {
            match (registers.get_mut(i), args.buffer) {
                (Some(register), _) => *register = word,
                (None, Some(buffer)) => buffer.set_word(IpcBuffer::MSG_WORD + i, word),
                (None, None) => break,
            }
            length += 1;
        }
        Self::with_length(registers, length)
    }

    /// Done; `length` words, of which the first are these and the others in the IPC buffer.
    fn with_length(words: [u64; MESSAGE_REGISTERS], length: u64) -> Self {
        Self {
            info: MessageInfo::new(0, 0, 0, length),
            words,
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let [first, second] = refusal.details;
        Self {
            info: MessageInfo::new(refusal.error.label(), 0, 0, refusal.length),
            words: [first, second, 0, 0],
        }
    }
}
