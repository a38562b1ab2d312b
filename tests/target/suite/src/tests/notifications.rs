//! Signals.

use assist::Command;
use sel4::cap::{CNode, Notification, Reply};
use sel4::{Cap, CapRights, init_slot};

use crate::harness::tests;
use crate::partner::{ask, let_it_run};
use crate::{caps, notes};

tests! {
    a_signal_that_nobody_waits_for_is_kept
    bits_of_several_signals_are_gathered
    polling_takes_the_bits_away
    a_signal_wakes_a_waiting_task
    a_signal_from_another_task_ends_a_wait
    a_signal_ends_the_receiving_of_the_thread_that_its_notification_is_bound_to
    a_signal_that_came_before_ends_receiving_at_once
    an_unbound_notification_does_not_end_receiving
    a_thread_has_one_bound_notification
}

fn own() -> Notification {
    Cap::from_bits(init_slot::NOTIFICATION)
}

/// A capability that signals this task's own notification with a bit.
fn signaller(slot: u64, bit: u64) -> Notification {
    let cnode: CNode = crate::tests::cnodes::own();
    let minted = cnode.mint(slot, cnode, own().bits(), CapRights::WRITE, bit);
    assert_eq!(minted, Ok(()));
    Cap::from_bits(slot)
}

fn a_signal_that_nobody_waits_for_is_kept() {
    signaller(caps::made.bits(), notes::own).signal();
    assert_eq!(own().wait().1, notes::own);
}

fn bits_of_several_signals_are_gathered() {
    let (a, b) = (
        signaller(caps::made.bits(), notes::own),
        signaller(caps::made2.bits(), notes::own2),
    );
    a.signal();
    b.signal();
    a.signal();
    assert_eq!(own().wait().1, notes::own | notes::own2);
}

fn polling_takes_the_bits_away() {
    signaller(caps::made.bits(), notes::own).signal();
    assert_eq!([own().poll().1, own().poll().1], [notes::own, 0]);
}

fn a_signal_wakes_a_waiting_task() {
    ask(Command::WAIT, [0; 4]);
    let_it_run();
    let state = caps::assist
        .read_state()
        .expect("the thread is there")
        .state;
    assert_eq!(state, sel4::ThreadState::WAITING);
    caps::ring_assist.signal();
    let [bits, ..] = ask(Command::LAST_BITS, [0; 4]);
    assert_eq!(bits, 1 << 4);
}

fn a_signal_from_another_task_ends_a_wait() {
    ask(Command::SIGNAL_BACK, [0; 4]);
    assert_eq!(own().wait().1, notes::heard);
}

fn receive_badge() -> u64 {
    let reply: Reply = Cap::from_bits(init_slot::REPLY);
    let message = caps::to_suite.recv_with_mrs(reply);
    assert_eq!((message.info.label(), message.info.length()), (0, 0));
    message.badge
}

fn a_signal_ends_the_receiving_of_the_thread_that_its_notification_is_bound_to() {
    ask(Command::SIGNAL_BACK, [0; 4]);
    assert_eq!(receive_badge(), notes::heard);
}

fn a_signal_that_came_before_ends_receiving_at_once() {
    signaller(caps::made.bits(), notes::own).signal();
    assert_eq!(receive_badge(), notes::own);
    assert_eq!(own().poll().1, 0, "it was taken");
}

fn an_unbound_notification_does_not_end_receiving() {
    let thread: sel4::cap::Thread = Cap::from_bits(init_slot::THREAD);
    assert_eq!(thread.unbind_notification(), Ok(()));
    signaller(caps::made.bits(), notes::own).signal();
    let reply: Reply = Cap::from_bits(init_slot::REPLY);
    assert_eq!(caps::to_suite.nb_recv_with_mrs(reply).badge, 0);
    assert_eq!(own().poll().1, notes::own);
}

fn a_thread_has_one_bound_notification() {
    let thread: sel4::cap::Thread = Cap::from_bits(init_slot::THREAD);
    let again = thread.bind_notification(own());
    assert_eq!(again, Err(sel4::Error::IllegalOperation));
}
