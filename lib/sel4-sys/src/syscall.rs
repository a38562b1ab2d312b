//! System call numbers and their registers.
//!
//! | register | in | out |
//! |---|---|---|
//! | `rdx` | [`Syscall`] | kept |
//! | `rdi` | capability (`Call`, `Send`, `Recv`, …) | badge of the message received |
//! | `rsi` | [`MessageInfo`](crate::MessageInfo) | message info received, or [`Error`](crate::Error) as its label |
//! | `r10 r8 r9 r15` | message registers 0 to 3 | message registers 0 to 3 |
//! | `r12` | reply capability (`Recv`, `ReplyRecv`, `NBRecv`, `NBSendRecv`) | kept |
//! | `r13` | second capability (`NBSendRecv`, `NBSendWait`: the one to send to) | kept |
//! | `rcx`, `r11` | | destroyed (SYSCALL uses them) |
//!
//! Everything else is kept. The numbers are those of seL4 with MCS.

/// A system call number as a task passes it in `rdx`. Any value may arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Syscall(pub i64);

impl Syscall {
    /// Sends and waits for the reply.
    pub const CALL: Self = Self(-1);
    /// Answers through the reply object in `r12`, then receives.
    pub const REPLY_RECV: Self = Self(-2);
    /// Sends without blocking to `r13`, then receives from `rdi`.
    pub const NB_SEND_RECV: Self = Self(-3);
    /// Sends without blocking to `r13`, then waits on `rdi`, with no reply object.
    pub const NB_SEND_WAIT: Self = Self(-4);
    /// Sends; waits until somebody has received.
    pub const SEND: Self = Self(-5);
    /// Sends if somebody is waiting to receive; otherwise nothing happens.
    pub const NB_SEND: Self = Self(-6);
    /// Receives; the reply object in `r12` will answer a caller.
    pub const RECV: Self = Self(-7);
    /// Receives if a message or signal is there; otherwise badge 0, label 0, length 0.
    pub const NB_RECV: Self = Self(-8);
    /// Waits for a signal or a message that wants no reply.
    pub const WAIT: Self = Self(-9);
    /// [`Self::WAIT`] without blocking.
    pub const POLL: Self = Self(-10);
    /// Gives up the rest of the budget of this period.
    pub const YIELD: Self = Self(-11);
}
