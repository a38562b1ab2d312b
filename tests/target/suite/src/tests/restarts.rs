//! Tasks that die, and come back.
//!
//! The partner dies; the runner, which is its supervisor, hears why, and gives it a new life at once.

use assist::{COUNT_STARTS_AT, Command};
use sel4::cap::{Endpoint, Notification, Reply};
use sel4::{Cap, CapRights, Error, MessageInfo, ThreadState, init_slot, label};

use crate::caps;
use crate::expected::Expected;
use crate::harness::tests;
use crate::partner::{ask, let_it_run, pass, tell};

tests! {
    a_caller_hears_that_its_server_died_and_in_which_generation
    the_next_call_reaches_the_next_generation
    a_restarted_task_has_its_memory_as_in_its_image
    a_restarted_task_has_lost_what_it_was_given
    a_restarted_task_has_its_priority_again
    a_restarted_task_has_its_notification_again
    a_restarted_task_has_its_time_again
    a_message_that_waited_goes_with_its_sender
    a_receiver_that_is_reset_waits_no_more
    an_answer_to_a_caller_that_was_reset_reaches_nobody
    an_answer_to_a_caller_that_was_stopped_reaches_nobody
    who_waits_for_an_answer_hears_that_the_reply_object_was_used_for_another
    who_waits_for_an_answer_hears_that_the_reply_object_is_gone
    ten_deaths_are_ten_generations
}

/// SDM vol. 3A, "Exception and Interrupt Vectors".
const INVALID_OPCODE: u64 = 6;

/// The partner dies of an invalid opcode while this task calls it. Gives the generation that died.
fn kill() -> u64 {
    let reason = Expected::exception(INVALID_OPCODE, 0);
    reason.of_assist().announce();
    let answer = tell(Command::DIE, [0; 4]);
    assert_eq!(answer.info, MessageInfo::new(label::SERVER_DIED, 0, 0, 1));
    let [generation, ..] = answer.msg;
    generation
}

/// The partner's generation and count, as it says itself.
fn count() -> [u64; 2] {
    let [generation, count, ..] = ask(Command::COUNT, [0; 4]);
    [generation, count]
}

fn reply() -> Reply {
    Cap::from_bits(init_slot::REPLY)
}

fn state() -> ThreadState {
    caps::assist
        .read_state()
        .expect("the thread is there")
        .state
}

fn a_caller_hears_that_its_server_died_and_in_which_generation() {
    let [generation, _] = count();
    assert_eq!(kill(), generation);
}

fn the_next_call_reaches_the_next_generation() {
    let died = kill();
    assert_eq!(count(), [died + 1, COUNT_STARTS_AT]);
    let description = caps::assist.read_state().expect("the thread is there");
    assert_eq!(description.generation, died + 1);
}

fn a_restarted_task_has_its_memory_as_in_its_image() {
    let [_, first] = count();
    let [generation, second] = count();
    assert_eq!([first, second], [COUNT_STARTS_AT, COUNT_STARTS_AT + 1]);
    kill();
    assert_eq!(count(), [generation + 1, COUNT_STARTS_AT]);
}

fn a_restarted_task_has_lost_what_it_was_given() {
    assert_eq!(
        pass(Command::USE_CAPS, &[init_slot::NOTIFICATION])[..2],
        [1, 1]
    );
    kill();
    assert_eq!(ask(Command::USE_CAPS, [0; 4])[..2], [0, 0]);
}

fn a_restarted_task_has_its_priority_again() {
    let priority = || {
        caps::assist
            .read_state()
            .map(|description| description.priority)
    };
    assert_eq!(caps::assist.set_priority(caps::assist, 90), Ok(()));
    assert_eq!(priority(), Ok(90));
    kill();
    assert_eq!(priority(), Ok(100));
}

fn a_restarted_task_has_its_notification_again() {
    assert_eq!(caps::assist.unbind_notification(), Ok(()));
    kill();
    let own: Notification = Cap::from_bits(init_slot::NOTIFICATION);
    let thread: sel4::cap::Thread = Cap::from_bits(init_slot::THREAD);
    // This task's own would be free, so it is the partner that is bound.
    assert_eq!(thread.unbind_notification(), Ok(()));
    assert_eq!(
        caps::assist.bind_notification(own),
        Err(Error::IllegalOperation)
    );
}

fn a_restarted_task_has_its_time_again() {
    let_it_run();
    assert_eq!(caps::assist_time.unbind(), Ok(()));
    kill();
    assert_eq!(
        caps::assist_time.bind(caps::assist),
        Err(Error::IllegalOperation)
    );
}

fn a_message_that_waited_goes_with_its_sender() {
    ask(Command::SEND_BACK, [77, 1, 5, 0]);
    let_it_run();
    assert_eq!(state(), ThreadState::SENDING);
    assert!(caps::assist.reset().is_ok());
    let message = caps::to_suite.nb_recv_with_mrs(reply());
    assert_eq!((message.badge, message.info), (0, MessageInfo::default()));
}

fn a_receiver_that_is_reset_waits_no_more() {
    let_it_run();
    assert_eq!(state(), ThreadState::RECEIVING);
    assert!(caps::assist.reset().is_ok());
    assert_eq!(state(), ThreadState::STOPPED);
    // Nobody is there to take it.
    caps::to_assist.nb_send_with_mrs(MessageInfo::new(Command::COUNT.0, 0, 0, 0), []);
    assert_eq!(caps::assist.resume(), Ok(()));
    assert_eq!(count()[1], COUNT_STARTS_AT);
}

/// The partner calls this task, which holds the call.
fn hold_a_call() {
    ask(Command::CALL_BACK, [77, 1, 5, 0]);
    let message = caps::to_suite.recv_with_mrs(reply());
    assert_eq!(message.info.label(), 77);
    assert_eq!(state(), ThreadState::CALLING);
}

fn an_answer_to_a_caller_that_was_reset_reaches_nobody() {
    hold_a_call();
    assert!(caps::assist.reset().is_ok());
    reply().send_with_mrs(MessageInfo::new(9, 0, 0, 1), [9]);
    assert_eq!(state(), ThreadState::STOPPED);
    assert_eq!(caps::assist.resume(), Ok(()));
    assert_eq!(ask(Command::LAST_ANSWER, [0; 4]), [0; 4]);
}

fn an_answer_to_a_caller_that_was_stopped_reaches_nobody() {
    hold_a_call();
    assert_eq!(caps::assist.suspend(), Ok(()));
    reply().send_with_mrs(MessageInfo::new(9, 0, 0, 1), [9]);
    assert_eq!(state(), ThreadState::STOPPED);
    // It makes its call again, since nothing came of the first.
    assert_eq!(caps::assist.resume(), Ok(()));
    let message = caps::to_suite.recv_with_mrs(reply());
    assert_eq!((message.info.label(), message.msg[0]), (77, 5));
    reply().send_with_mrs(MessageInfo::new(12, 0, 0, 1), [34]);
    assert_eq!(ask(Command::LAST_ANSWER, [0; 4]), [12, 1, 34, 1]);
}

fn who_waits_for_an_answer_hears_that_the_reply_object_was_used_for_another() {
    hold_a_call();
    // Receiving with the same reply object: the call that it held cannot be answered any more.
    let message = caps::to_suite.nb_recv_with_mrs(reply());
    assert_eq!(message.badge, 0);
    let [answer, ..] = ask(Command::LAST_ANSWER, [0; 4]);
    assert_eq!(answer, label::SERVER_DIED);
}

fn who_waits_for_an_answer_hears_that_the_reply_object_is_gone() {
    let cnode = crate::tests::cnodes::own();
    let copied = cnode.copy(
        caps::made.bits(),
        cnode,
        caps::reply.bits(),
        CapRights::all(),
    );
    assert_eq!(copied, Ok(()));
    ask(Command::CALL_BACK, [77, 1, 5, 0]);
    let _call = caps::to_suite.recv_with_mrs(caps::made.cast());
    assert_eq!(cnode.delete(caps::made.bits()), Ok(()));
    assert_eq!(state(), ThreadState::RUNNABLE, "it was told at once");
    let [answer, ..] = ask(Command::LAST_ANSWER, [0; 4]);
    assert_eq!(answer, label::SERVER_DIED);
}

fn ten_deaths_are_ten_generations() {
    let first = kill();
    for i in 1..10 {
        assert_eq!(kill(), first + i);
    }
    let again: Endpoint = caps::to_assist;
    let info = MessageInfo::new(Command::ECHO.0, 0, 0, 1);
    assert_eq!(again.call_with_mrs(info, [5]).msg[0], 5);
}
