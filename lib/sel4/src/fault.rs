//! What happened to a thread that faulted, as its handler reads it.

use sel4_sys::{CPtr, Error, FaultLabel, MessageInfo, UserException, VmFault, Word};

use crate::{IpcBuffer, RecvWithMRs, with_ipc_buffer};

/// A system call through a capability that cannot take it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CapFault {
    /// Address of the instruction after the SYSCALL, or of the SYSCALL itself: where it would go on.
    pub rip: Word,
    /// The slot.
    pub cptr: CPtr,
    /// Whether the receiving half of the system call failed.
    pub in_receive: bool,
    /// What is wrong, if the kernel gave a reason that this library knows.
    pub error: Option<Error>,
}

/// A system call number that does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownSyscall {
    /// Where it would go on.
    pub rip: Word,
    /// Stack pointer.
    pub rsp: Word,
    /// Flags.
    pub rflags: Word,
    /// The number, from `rdx`.
    pub number: Word,
    /// First argument.
    pub rdi: Word,
    /// Second argument.
    pub rsi: Word,
}

/// A scheduling context without budget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeout {
    /// What the scheduling context was configured with.
    pub data: Word,
    /// µs used.
    pub consumed: Word,
}

/// What happened to a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A system call through a capability that cannot take it.
    Cap(CapFault),
    /// A system call number that does not exist.
    UnknownSyscall(UnknownSyscall),
    /// The CPU raised an exception.
    UserException(UserException),
    /// Its time is used up.
    Timeout(Timeout),
    /// It touched memory that it may not.
    Vm(VmFault),
}

impl Fault {
    /// Words of the longest fault message.
    const WORDS: usize = 6;

    /// Reads a fault message that is in the IPC buffer. `None`: the label or the length is no fault's.
    #[must_use]
    pub fn new(buffer: &IpcBuffer, info: &MessageInfo) -> Option<Self> {
        let words = buffer.msg_regs().first_chunk()?;
        Self::from_words(*info, words)
    }

    /// Reads a fault message whose first words are still in registers.
    #[must_use]
    pub fn received(message: &RecvWithMRs) -> Option<Self> {
        let mut words = with_ipc_buffer(|buffer| buffer.msg_regs().first_chunk().copied())?;
        words
            .iter_mut()
            .zip(message.msg)
            .for_each(|(to, from)| *to = from);
        Self::from_words(message.info, &words)
    }

    fn from_words(info: MessageInfo, words: &[Word; Self::WORDS]) -> Option<Self> {
        let &[w0, w1, w2, w3, w4, w5] = words;
        let length = info.length();
        Some(match FaultLabel(info.label()) {
            FaultLabel::CAP if length == 4 => Self::Cap(CapFault {
                rip: w0,
                cptr: w1,
                in_receive: w2 != 0,
                error: Error::from_label(w3),
            }),
            FaultLabel::UNKNOWN_SYSCALL if length == 6 => Self::UnknownSyscall(UnknownSyscall {
                rip: w0,
                rsp: w1,
                rflags: w2,
                number: w3,
                rdi: w4,
                rsi: w5,
            }),
            FaultLabel::USER_EXCEPTION if length == 5 => Self::UserException(UserException {
                rip: w0,
                rsp: w1,
                rflags: w2,
                vector: w3,
                error_code: w4,
            }),
            FaultLabel::TIMEOUT if length == 2 => Self::Timeout(Timeout {
                data: w0,
                consumed: w1,
            }),
            FaultLabel::VM if length == 4 => Self::Vm(VmFault {
                rip: w0,
                address: w1,
                is_fetch: w2,
                error_code: w3,
            }),
            _ => return None,
        })
    }
}
