//! What messages may say and hold.

use assist::Command;
use sel4::cap::Endpoint;
use sel4::{
    Cap, CapRights, MSG_MAX_LENGTH, MessageInfo, init_slot, label, with_ipc_buffer,
    with_ipc_buffer_mut,
};

use crate::caps;
use crate::harness::tests;
use crate::partner::{ask, let_it_run, pass};

tests! {
    a_message_of_120_words_arrives_whole
    every_length_from_5_words_on_arrives_and_no_word_more
    a_length_above_120_is_cut
    a_label_of_51_bits_arrives
    the_kernels_label_bit_cannot_be_sent
    a_badge_tells_the_receiver_which_capability_was_used
    a_badge_comes_with_a_message_that_waited
    unwrapped_bits_cannot_be_forged
}

/// Fills the message in the IPC buffer with words that tell their place.
fn fill(salt: u64) {
    with_ipc_buffer_mut(|buffer| {
        let words = buffer.msg_regs_mut().iter_mut().zip(0..);
        words.for_each(|(word, i): (_, u64)| *word = i << 32 | salt);
    });
}

fn describe(endpoint: Endpoint, info: MessageInfo) -> [u64; 4] {
    let answer = endpoint.call_with_mrs(info, [0; 4]);
    assert_eq!(answer.info, MessageInfo::new(0, 0, 0, 4));
    answer.msg
}

fn a_message_of_120_words_arrives_whole() {
    fill(0xab);
    let [first, ..] = ask(Command::ANSWER_LONG, [3, 0, 0, 0]);
    assert_eq!(first, 0);
    with_ipc_buffer(|buffer| {
        let words = buffer.msg_regs().iter().zip(0..).skip(4);
        words.for_each(|(word, i): (_, u64)| assert_eq!(*word, i * 3, "word {i}"));
    });
}

fn every_length_from_5_words_on_arrives_and_no_word_more() {
    for words in 5..=MSG_MAX_LENGTH {
        let length = words as u64;
        fill(length);
        let info = MessageInfo::new(Command::ECHO.0, 0, 0, length);
        let answer = caps::to_assist.call(info);
        assert_eq!(answer, MessageInfo::new(0, 0, 0, length));
        with_ipc_buffer(|buffer| {
            let arrived = buffer.msg_regs().iter().zip(0..).take(words);
            arrived.for_each(|(word, i): (_, u64)| assert_eq!(*word, i << 32 | length, "word {i}"));
        });
    }
}

fn a_length_above_120_is_cut() {
    let info = MessageInfo::new(Command::DESCRIBE.0, 0, 0, 127);
    let [_, _, length, _] = describe(caps::to_assist, info);
    assert_eq!(length, MSG_MAX_LENGTH as u64);
}

fn a_label_of_51_bits_arrives() {
    // The partner does not know this label, and answers it with nothing.
    let info = MessageInfo::new((1 << 51) - 1, 0, 0, 0);
    assert_eq!(
        caps::to_assist.call_with_mrs(info, []).info,
        MessageInfo::default()
    );
}

fn the_kernels_label_bit_cannot_be_sent() {
    let forged = MessageInfo::new(label::KERNEL_BASE | Command::DESCRIBE.0, 0, 0, 0);
    let [_, heard, ..] = describe(caps::to_assist, forged);
    assert_eq!(heard, Command::DESCRIBE.0);
}

/// A capability with a badge, in slot `made`.
fn badged(endpoint: Endpoint, badge: u64) -> Endpoint {
    let cnode = crate::tests::cnodes::own();
    let slot = caps::made.bits();
    assert_eq!(cnode.delete(slot), Ok(()));
    let minted = cnode.mint(slot, cnode, endpoint.bits(), CapRights::all(), badge);
    assert_eq!(minted, Ok(()));
    caps::made.cast()
}

fn a_badge_tells_the_receiver_which_capability_was_used() {
    for badge in [1, 0xdead_beef, u64::MAX] {
        let endpoint = badged(caps::to_assist, badge);
        // Short messages go another way through the kernel than long ones.
        for length in [0, 5] {
            let info = MessageInfo::new(Command::DESCRIBE.0, 0, 0, length);
            let [heard, ..] = describe(endpoint, info);
            assert_eq!(heard, badge, "{length} words");
        }
    }
}

fn a_badge_comes_with_a_message_that_waited() {
    let endpoint = badged(caps::to_suite, 55);
    pass(Command::ECHO, &[endpoint.bits()]);
    ask(Command::CALL_GIVEN, [78, 1, 5, 0]);
    let_it_run();
    let state = caps::assist
        .read_state()
        .expect("the thread is there")
        .state;
    assert_eq!(state, sel4::ThreadState::SENDING);
    let message = caps::to_suite.recv_with_mrs(Cap::from_bits(init_slot::REPLY));
    assert_eq!((message.badge, message.msg[0]), (55, 5));
}

fn unwrapped_bits_cannot_be_forged() {
    let info = MessageInfo::new(Command::DESCRIBE.0, 0b111, 0, 0);
    let [_, _, _, caps] = describe(caps::to_assist, info);
    assert_eq!(caps, 0);
}
