//! The system calls of endpoints, notifications and reply objects.
//!
//! Methods without `_with_mrs` take their message from the IPC buffer and leave it there, as in seL4's
//! bindings; those with it move up to four words in registers and never touch memory.

use sel4_sys::{Badge, MESSAGE_REGISTERS, MessageInfo, Syscall, Word};

use crate::arch::{self, Received, Registers};
use crate::cap::{Endpoint, Notification, Reply};
use crate::{Cap, CapType, with_ipc_buffer, with_ipc_buffer_mut};

/// Up to four words, as a message in registers.
pub trait FastMessages {
    /// The words; missing ones are 0.
    fn registers(self) -> [Word; MESSAGE_REGISTERS];
}

macro_rules! fast_messages {
    ($($length:literal: $($word:ident)* | $($zero:literal)*;)*) => { $(
        impl FastMessages for [Word; $length] {
            #[inline(always)]
            fn registers(self) -> [Word; MESSAGE_REGISTERS] {
                let [$($word),*] = self;
                [$($word,)* $($zero),*]
            }
        }
    )* };
}

fast_messages! {
    0: | 0 0 0 0;
    1: a | 0 0 0;
    2: a b | 0 0;
    3: a b c | 0;
    4: a b c d |;
}

/// What a call with words in registers gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallWithMRs {
    /// Label and length of the answer.
    pub info: MessageInfo,
    /// Its first four words.
    pub msg: [Word; MESSAGE_REGISTERS],
}

/// What receiving with words in registers gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecvWithMRs {
    /// Label and length of the message.
    pub info: MessageInfo,
    /// Badge of the capability it was sent through; of a signal, its bits.
    pub badge: Badge,
    /// Its first four words.
    pub msg: [Word; MESSAGE_REGISTERS],
}

impl From<Received> for RecvWithMRs {
    #[inline(always)]
    fn from(received: Received) -> Self {
        Self {
            info: received.info,
            badge: received.badge,
            msg: received.registers,
        }
    }
}

/// Gives up the rest of this period's budget, and the CPU to the next thread of the same priority.
#[inline(always)]
pub fn r#yield() {
    arch::yields();
}

/// The first words of the message in the IPC buffer; none are read when they do not count.
#[inline]
fn load(info: MessageInfo) -> Registers {
    if info.length() == 0 {
        return [0; MESSAGE_REGISTERS];
    }
    with_ipc_buffer(|buffer| *buffer.msg_regs().first_chunk().unwrap_or(&[0; 4]))
}

#[inline]
fn store(registers: Registers) {
    with_ipc_buffer_mut(|buffer| {
        if let Some(place) = buffer.msg_regs_mut().first_chunk_mut() {
            *place = registers;
        }
    });
}

#[inline]
fn stored(received: Received) -> (MessageInfo, Badge) {
    store(received.registers);
    (received.info, received.badge)
}

/// System calls that any capability can be given to. What the kernel does depends on the object.
impl<T: CapType> Cap<T> {
    /// Sends words in registers, and waits for the answer.
    #[inline(always)]
    pub fn call_with_mrs(self, info: MessageInfo, words: impl FastMessages) -> CallWithMRs {
        let (info, msg) = arch::call(self.bits(), info, words.registers());
        CallWithMRs { info, msg }
    }

    /// Sends words in registers; waits until somebody has received them.
    #[inline(always)]
    pub fn send_with_mrs(self, info: MessageInfo, words: impl FastMessages) {
        arch::send(Syscall::SEND, self.bits(), info, words.registers());
    }

    /// Sends words in registers, if somebody is waiting to receive.
    #[inline(always)]
    pub fn nb_send_with_mrs(self, info: MessageInfo, words: impl FastMessages) {
        arch::send(Syscall::NB_SEND, self.bits(), info, words.registers());
    }

    /// Receives; `reply` will answer the caller.
    #[inline(always)]
    pub fn recv_with_mrs(self, reply: Reply) -> RecvWithMRs {
        arch::receive(Syscall::RECV, self.bits(), reply.bits()).into()
    }

    /// Receives if a message or a signal is there; otherwise badge, label and length are 0.
    #[inline(always)]
    pub fn nb_recv_with_mrs(self, reply: Reply) -> RecvWithMRs {
        arch::receive(Syscall::NB_RECV, self.bits(), reply.bits()).into()
    }

    /// Answers the caller of `reply` with words in registers, then receives.
    #[inline(always)]
    pub fn reply_recv_with_mrs(
        self,
        info: MessageInfo,
        words: impl FastMessages,
        reply: Reply,
    ) -> RecvWithMRs {
        arch::reply_receive(self.bits(), info, words.registers(), reply.bits()).into()
    }

    /// Sends to `to` if somebody is waiting there, then receives from `self`.
    #[inline(always)]
    pub fn nb_send_recv_with_mrs<U: CapType>(
        self,
        to: Cap<U>,
        info: MessageInfo,
        words: impl FastMessages,
        reply: Reply,
    ) -> RecvWithMRs {
        arch::nb_send_recv(
            to.bits(),
            info,
            words.registers(),
            self.bits(),
            reply.bits(),
        )
        .into()
    }

    /// Sends to `to` if somebody is waiting there, then waits on `self`, without a reply object.
    #[inline(always)]
    pub fn nb_send_wait_with_mrs<U: CapType>(
        self,
        to: Cap<U>,
        info: MessageInfo,
        words: impl FastMessages,
    ) -> RecvWithMRs {
        arch::nb_send_wait(to.bits(), info, words.registers(), self.bits()).into()
    }

    /// Waits for a signal, or a message that wants no reply.
    #[inline(always)]
    pub fn wait_with_mrs(self) -> RecvWithMRs {
        arch::wait(Syscall::WAIT, self.bits()).into()
    }

    /// [`Self::wait_with_mrs`] without waiting.
    #[inline(always)]
    pub fn poll_with_mrs(self) -> RecvWithMRs {
        arch::wait(Syscall::POLL, self.bits()).into()
    }
}

impl Endpoint {
    /// Sends the message in the IPC buffer, and waits for the answer, which is there then.
    #[inline]
    #[must_use = "the label says how it went"]
    pub fn call(self, info: MessageInfo) -> MessageInfo {
        let (info, registers) = arch::call(self.bits(), info, load(info));
        store(registers);
        info
    }

    /// Sends the message in the IPC buffer; waits until somebody has received it.
    #[inline]
    pub fn send(self, info: MessageInfo) {
        arch::send(Syscall::SEND, self.bits(), info, load(info));
    }

    /// Sends the message in the IPC buffer if somebody is waiting to receive.
    #[inline]
    pub fn nb_send(self, info: MessageInfo) {
        arch::send(Syscall::NB_SEND, self.bits(), info, load(info));
    }

    /// Receives into the IPC buffer; `reply` will answer the caller.
    #[inline]
    pub fn recv(self, reply: Reply) -> (MessageInfo, Badge) {
        stored(arch::receive(Syscall::RECV, self.bits(), reply.bits()))
    }

    /// [`Self::recv`] without waiting; badge, label and length are 0 when nothing was there.
    #[inline]
    pub fn nb_recv(self, reply: Reply) -> (MessageInfo, Badge) {
        stored(arch::receive(Syscall::NB_RECV, self.bits(), reply.bits()))
    }

    /// Answers the caller of `reply` with the message in the IPC buffer, then receives into it.
    #[inline]
    pub fn reply_recv(self, info: MessageInfo, reply: Reply) -> (MessageInfo, Badge) {
        stored(arch::reply_receive(
            self.bits(),
            info,
            load(info),
            reply.bits(),
        ))
    }
}

impl Notification {
    /// Sets the bits of this capability's badge.
    #[inline(always)]
    pub fn signal(self) {
        arch::send(
            Syscall::SEND,
            self.bits(),
            MessageInfo::new(0, 0, 0, 0),
            [0; 4],
        );
    }

    /// Waits until a bit is set; gives all of them and clears them.
    #[inline(always)]
    #[must_use = "the bits are gone from the notification"]
    pub fn wait(self) -> ((), Badge) {
        ((), arch::wait(Syscall::WAIT, self.bits()).badge)
    }

    /// Gives the bits that are set, 0 if none is, and clears them.
    #[inline(always)]
    #[must_use = "the bits are gone from the notification"]
    pub fn poll(self) -> ((), Badge) {
        ((), arch::wait(Syscall::POLL, self.bits()).badge)
    }
}

impl Reply {
    /// Answers the caller with the message in the IPC buffer.
    #[inline]
    pub fn send(self, info: MessageInfo) {
        arch::send(Syscall::SEND, self.bits(), info, load(info));
    }
}
