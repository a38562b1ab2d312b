//! System calls that cannot be.
//!
//! The task stops at its SYSCALL, or behind it when there is no such system call, and its handler hears why.

#![expect(unsafe_code, reason = "system calls that the library does not make")]

use sel4::cap::CNode;
use sel4::{Cap, CapRights, Error, MessageInfo, Word, init_slot};
use sel4_sys::Syscall;

use crate::caps;
use crate::expected::{Expected, Half};
use crate::faults::faults;

const CALL: Word = Syscall::CALL.0.cast_unsigned();
const SEND: Word = Syscall::SEND.0.cast_unsigned();
const NB_SEND: Word = Syscall::NB_SEND.0.cast_unsigned();
const RECV: Word = Syscall::RECV.0.cast_unsigned();
const NB_RECV: Word = Syscall::NB_RECV.0.cast_unsigned();
const WAIT: Word = Syscall::WAIT.0.cast_unsigned();
const REPLY_RECV: Word = Syscall::REPLY_RECV.0.cast_unsigned();
const NB_SEND_RECV: Word = Syscall::NB_SEND_RECV.0.cast_unsigned();

/// A slot far behind the CNode's end.
const BEYOND: u64 = 1 << 40;
const EMPTY: u64 = caps::made.bits();
const NO_WORDS: u64 = MessageInfo::new(0, 0, 0, 0).0;

/// A copy of a capability with fewer rights, in a slot of its own.
fn with_only(slot: u64, rights: CapRights) -> u64 {
    let cnode: CNode = Cap::from_bits(init_slot::CNODE);
    let copy = caps::made.bits();
    cnode
        .copy(copy, cnode, slot, rights)
        .expect("a capability can be copied");
    copy
}

fn send(slot: u64, error: Error) -> Expected {
    Expected::capability(slot, Half::Send, error)
}

fn receive(slot: u64, error: Error) -> Expected {
    Expected::capability(slot, Half::Receive, error)
}

faults! {
    system_call_0_does_not_exist:
        ["syscall"] [11, 12, 0] + 2 => Expected::unknown_system_call(0, 11, 12);
    system_call_minus_12_does_not_exist:
        ["syscall"] [1, 2, 12_u64.wrapping_neg()] + 2 => Expected::unknown_system_call(12_u64.wrapping_neg(), 1, 2);
    system_call_numbers_have_64_bits:
        ["syscall"] [1, 2, 0xffff_ffff] + 2 => Expected::unknown_system_call(0xffff_ffff, 1, 2);
    sending_through_an_empty_slot_is_a_fault:
        ["syscall"] [EMPTY, NO_WORDS, SEND] + 0 => send(EMPTY, Error::FailedLookup);
    calling_slot_0_is_a_fault:
        ["syscall"] [0, NO_WORDS, CALL] + 0 => send(0, Error::FailedLookup);
    calling_a_slot_beyond_the_cnode_is_a_fault:
        ["syscall"] [BEYOND, NO_WORDS, CALL] + 0 => send(BEYOND, Error::FailedLookup);
    sending_without_blocking_to_the_last_slot_number_is_a_fault:
        ["syscall"] [u64::MAX, NO_WORDS, NB_SEND] + 0 => send(u64::MAX, Error::FailedLookup);
    receiving_from_an_empty_slot_is_a_fault:
        ["mov r12, rcx", "syscall"] [EMPTY, NO_WORDS, RECV, init_slot::REPLY] + 3
            => receive(EMPTY, Error::FailedLookup);
    receiving_from_a_cnode_is_a_fault:
        ["mov r12, rcx", "syscall"] [init_slot::CNODE, NO_WORDS, NB_RECV, init_slot::REPLY] + 3
            => receive(init_slot::CNODE, Error::InvalidCapability);
    waiting_on_a_thread_is_a_fault:
        ["syscall"] [init_slot::THREAD, NO_WORDS, WAIT] + 0
            => receive(init_slot::THREAD, Error::InvalidCapability);
    receiving_with_a_reply_capability_of_the_wrong_kind_is_a_fault:
        ["mov r12, rcx", "syscall"] [caps::to_suite.bits(), NO_WORDS, RECV, init_slot::CNODE] + 3
            => receive(init_slot::CNODE, Error::InvalidCapability);
    replying_through_an_empty_slot_is_a_fault:
        ["mov r12, rcx", "syscall"] [caps::to_suite.bits(), NO_WORDS, REPLY_RECV, EMPTY] + 3
            => receive(EMPTY, Error::FailedLookup);
    the_first_half_of_a_send_and_receive_is_checked:
        ["mov r13, rcx", "syscall"] [caps::to_suite.bits(), NO_WORDS, NB_SEND_RECV, EMPTY] + 3
            => send(EMPTY, Error::FailedLookup);
    sending_without_the_right_is_a_fault:
        ["syscall"] [with_only(caps::to_suite.bits(), CapRights::READ), NO_WORDS, SEND] + 0
            => send(caps::made.bits(), Error::InvalidCapability);
    calling_without_the_right_to_an_answer_is_a_fault:
        ["syscall"] [with_only(caps::to_suite.bits(), CapRights::WRITE), NO_WORDS, CALL] + 0
            => send(caps::made.bits(), Error::InvalidCapability);
    receiving_without_the_right_is_a_fault:
        ["mov r12, rcx", "syscall"]
        [with_only(caps::to_suite.bits(), CapRights::WRITE), NO_WORDS, RECV, init_slot::REPLY] + 3
            => receive(caps::made.bits(), Error::InvalidCapability);
    signalling_without_the_right_is_a_fault:
        ["syscall"] [with_only(init_slot::NOTIFICATION, CapRights::READ), NO_WORDS, SEND] + 0
            => send(caps::made.bits(), Error::InvalidCapability);
    waiting_without_the_right_is_a_fault:
        ["syscall"] [with_only(init_slot::NOTIFICATION, CapRights::WRITE), NO_WORDS, WAIT] + 0
            => receive(caps::made.bits(), Error::InvalidCapability);
}
