//! Calls, sends and receives between two tasks.

use assist::Command;
use sel4::cap::Reply;
use sel4::{Cap, MessageInfo, init_slot};

use crate::caps;
use crate::harness::tests;
use crate::partner::{ask, let_it_run, tell};

tests! {
    a_call_brings_four_words_there_and_an_answer_back
    the_registers_carry_every_length_up_to_four
    a_server_answers_many_calls
    a_receiver_hears_label_length_and_badge_of_a_call
    a_receiver_answers_through_its_reply_object
    answering_twice_answers_once
    answering_and_receiving_is_one_system_call
    a_send_waits_until_somebody_receives
    an_answer_to_a_send_goes_nowhere
    a_nonblocking_send_to_nobody_is_lost
    a_nonblocking_send_to_a_receiver_arrives
    a_nonblocking_receive_without_a_sender_gives_nothing
    a_nonblocking_receive_takes_a_waiting_message
    sending_and_receiving_is_one_system_call
    sending_and_waiting_is_one_system_call
    waiting_on_an_endpoint_takes_a_message_that_wants_no_answer
    a_caller_that_is_received_without_a_reply_object_hears_that_nobody_will_answer
}

fn reply() -> Reply {
    Cap::from_bits(init_slot::REPLY)
}

/// Has the partner do something to this task's endpoint: label 77, one word.
fn back(command: Command, word: u64) {
    ask(command, [77, 1, word, 0]);
}

fn a_call_brings_four_words_there_and_an_answer_back() {
    assert_eq!(ask(Command::ECHO, [1, 2, 3, u64::MAX]), [1, 2, 3, u64::MAX]);
}

fn the_registers_carry_every_length_up_to_four() {
    for length in 0..=4 {
        let info = MessageInfo::new(Command::ECHO.0, 0, 0, length as u64);
        let answer = caps::to_assist.call_with_mrs(info, [9, 8, 7, 6]);
        assert_eq!(answer.info, MessageInfo::new(0, 0, 0, length as u64));
        let counted = answer.msg.iter().take(length);
        assert!(counted.eq([9, 8, 7, 6].iter().take(length)), "{answer:?}");
    }
}

fn a_server_answers_many_calls() {
    for i in 0..1000 {
        assert_eq!(ask(Command::ECHO, [i, 0, 0, 0]), [i, 0, 0, 0]);
    }
}

fn a_receiver_hears_label_length_and_badge_of_a_call() {
    back(Command::CALL_BACK, 5);
    let message = caps::to_suite.recv_with_mrs(reply());
    let [first, ..] = message.msg;
    assert_eq!(
        (message.info, message.badge, first),
        (MessageInfo::new(77, 0, 0, 1), 0, 5)
    );
}

fn a_receiver_answers_through_its_reply_object() {
    back(Command::CALL_BACK, 5);
    let _call = caps::to_suite.recv_with_mrs(reply());
    reply().send_with_mrs(MessageInfo::new(12, 0, 0, 2), [34, 0]);
    assert_eq!(ask(Command::LAST_ANSWER, [0; 4]), [12, 2, 34, 1]);
}

fn answering_twice_answers_once() {
    back(Command::CALL_BACK, 5);
    let _call = caps::to_suite.recv_with_mrs(reply());
    reply().send_with_mrs(MessageInfo::new(1, 0, 0, 1), [1]);
    reply().send_with_mrs(MessageInfo::new(2, 0, 0, 1), [2]);
    assert_eq!(ask(Command::LAST_ANSWER, [0; 4]), [1, 1, 1, 1]);
}

fn answering_and_receiving_is_one_system_call() {
    back(Command::CALL_BACK, 1);
    let first = caps::to_suite.recv_with_mrs(reply());
    // The partner goes back to its own endpoint, so what comes next is what this task sent itself.
    let notification: sel4::cap::Notification = Cap::from_bits(init_slot::NOTIFICATION);
    notification.signal();
    let answer = MessageInfo::new(3, 0, 0, 1);
    let next = caps::to_suite.reply_recv_with_mrs(answer, [first.msg[0] + 1], reply());
    assert_eq!((next.info.label(), next.info.length()), (0, 0));
    assert_eq!(ask(Command::LAST_ANSWER, [0; 4]), [3, 1, 2, 1]);
}

fn a_send_waits_until_somebody_receives() {
    back(Command::SEND_BACK, 6);
    let_it_run();
    let state = caps::assist
        .read_state()
        .expect("the thread is there")
        .state;
    assert_eq!(state, sel4::ThreadState::SENDING);
    let message = caps::to_suite.recv_with_mrs(reply());
    assert_eq!((message.info.label(), message.msg[0]), (77, 6));
    // It goes on: it answers again.
    assert_eq!(ask(Command::ECHO, [1; 4]), [1; 4]);
}

fn an_answer_to_a_send_goes_nowhere() {
    back(Command::SEND_BACK, 6);
    let _message = caps::to_suite.recv_with_mrs(reply());
    reply().send_with_mrs(MessageInfo::new(9, 0, 0, 1), [9]);
    assert_eq!(ask(Command::LAST_ANSWER, [0; 4])[3], 0, "it never called");
}

fn a_nonblocking_send_to_nobody_is_lost() {
    back(Command::NB_SEND_BACK, 6);
    assert_eq!(ask(Command::ECHO, [1; 4]), [1; 4]);
    let message = caps::to_suite.nb_recv_with_mrs(reply());
    assert_eq!((message.badge, message.info.label()), (0, 0));
}

fn a_nonblocking_send_to_a_receiver_arrives() {
    let_it_run();
    // Told and received in one system call, so that this task receives by the time the partner sends.
    let info = MessageInfo::new(Command::NB_SEND_BACK.0, 0, 0, 3);
    let message = caps::to_suite.nb_send_recv_with_mrs(caps::to_assist, info, [77, 1, 8], reply());
    assert_eq!((message.info.label(), message.msg[0]), (77, 8));
}

fn a_nonblocking_receive_without_a_sender_gives_nothing() {
    let message = caps::to_suite.nb_recv_with_mrs(reply());
    assert_eq!((message.badge, message.info), (0, MessageInfo::default()));
}

fn a_nonblocking_receive_takes_a_waiting_message() {
    back(Command::SEND_BACK, 4);
    let_it_run();
    let message = caps::to_suite.nb_recv_with_mrs(reply());
    assert_eq!((message.info.label(), message.msg[0]), (77, 4));
}

fn sending_and_receiving_is_one_system_call() {
    let_it_run();
    let info = MessageInfo::new(Command::SEND_BACK.0, 0, 0, 3);
    let message = caps::to_suite.nb_send_recv_with_mrs(caps::to_assist, info, [77, 1, 3], reply());
    assert_eq!((message.info.label(), message.msg[0]), (77, 3));
}

fn sending_and_waiting_is_one_system_call() {
    let_it_run();
    let notification: sel4::cap::Notification = Cap::from_bits(init_slot::NOTIFICATION);
    let info = MessageInfo::new(Command::SIGNAL_BACK.0, 0, 0, 0);
    let signal = notification.nb_send_wait_with_mrs(caps::to_assist, info, []);
    assert_eq!(signal.badge, crate::notes::heard);
}

fn waiting_on_an_endpoint_takes_a_message_that_wants_no_answer() {
    back(Command::SEND_BACK, 2);
    let message = caps::to_suite.wait_with_mrs();
    assert_eq!((message.info.label(), message.msg[0]), (77, 2));
}

fn a_caller_that_is_received_without_a_reply_object_hears_that_nobody_will_answer() {
    back(Command::CALL_BACK, 2);
    let message = caps::to_suite.wait_with_mrs();
    assert_eq!(message.info.label(), 77);
    let [label, ..] = tell(Command::LAST_ANSWER, [0; 4]).msg;
    assert_eq!(label, sel4::label::SERVER_DIED);
}
