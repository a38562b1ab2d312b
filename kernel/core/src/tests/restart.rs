//! Dying servers, stopped threads, capabilities that vanish under their waiters.

use sel4_sys::{Error, FaultLabel, ObjectKind, label, slot};

use super::invariants;
use super::ipc::{CLIENT, EP, FREE, OTHER, SERVER, client_runs, trio};
use super::machine::{Machine, message, received};
use super::system::{BUFFER, ENTRY};
use crate::object::State;

#[test]
fn the_caller_of_a_dead_server_hears_which_generation_died() {
    for passive in [false, true] {
        let mut m = client_runs(&trio(passive));
        m.call(CLIENT, EP, &message(1, &[]));
        m.reset(SERVER);
        assert_eq!(m.running(), Some(CLIENT));
        assert_eq!(m.got(CLIENT), received(0, label::SERVER_DIED, &[0]));
        assert_eq!(m.thread(CLIENT).sched_context, m.thread(CLIENT).home);
        assert_eq!(m.state(SERVER), State::Stopped);
        invariants::check(&m.k);
    }
}

#[test]
fn who_was_not_received_yet_is_served_by_the_next_generation() {
    let mut m = client_runs(&trio(false));
    m.call(CLIENT, EP, &message(1, &[]));
    m.signal(OTHER);
    m.wait(SERVER, slot::NOTIFICATION);
    m.call(OTHER, EP, &message(2, &[]));
    m.reset(SERVER);
    assert_eq!(m.state(OTHER), State::Sending);
    m.resume(SERVER);
    m.recv(SERVER, EP, slot::REPLY);
    assert_eq!(m.got(SERVER).label, 2);
}

#[test]
fn a_thread_that_was_reset_starts_like_the_first_time_but_for_its_generation() {
    let mut m = client_runs(&trio(false));
    let registers = *m.registers(CLIENT);
    assert_eq!((registers.rdi, registers.rdx), (BUFFER, 0));
    assert_eq!(
        registers.rsi,
        sel4_sys::layout::BOOT_INFO,
        "the first thread is the root"
    );
    assert_eq!(m.registers(OTHER).rsi, 0);
    m.registers(CLIENT).rbx = 99;
    m.reset(CLIENT);
    let registers = *m.registers(CLIENT);
    assert_eq!(
        (registers.rip, registers.rdi, registers.rdx, registers.rbx),
        (ENTRY, BUFFER, 1, 0)
    );
    m.resume(CLIENT);
    assert_eq!(m.running(), Some(CLIENT));
}

#[test]
fn a_thread_can_reset_and_stop_itself() {
    let mut m = client_runs(&trio(false));
    m.call(CLIENT, slot::THREAD, &message(39, &[]));
    assert_eq!(m.state(CLIENT), State::Stopped);
    assert_eq!(
        m.registers(CLIENT).rdi,
        BUFFER,
        "the answer did not spoil its registers"
    );
    m.resume(CLIENT);
    m.call(CLIENT, slot::THREAD, &message(32, &[]));
    assert_eq!(m.state(CLIENT), State::Stopped);
    m.resume(CLIENT);
    assert_eq!(
        m.got(CLIENT),
        received(0, 0, &[]),
        "the call is done and not made again"
    );
}

#[test]
fn a_stopped_thread_makes_its_call_again_when_it_is_resumed() {
    // Each way to wait: what the thread does, and the state that it is in then.
    type Wait = fn(&mut Machine);
    let waits: [(State, Wait); 5] = [
        (State::Sending, |m| {
            m.signal_bits(SERVER, 1);
            m.wait(SERVER, slot::NOTIFICATION);
            m.call(CLIENT, EP, &message(1, &[]));
        }),
        (State::Calling, |m| {
            m.call(CLIENT, EP, &message(1, &[]));
            m.wait(SERVER, slot::NOTIFICATION);
        }),
        (State::Waiting, |m| m.wait(CLIENT, slot::NOTIFICATION)),
        (State::Receiving, |m| m.recv(CLIENT, EP, slot::REPLY)),
        (State::Runnable, |m| m.yield_now(CLIENT)),
    ];
    for (state, wait) in waits {
        let mut m = client_runs(&trio(false));
        let before = m.registers(CLIENT).rip;
        wait(&mut m);
        assert_eq!(m.state(CLIENT), state);
        m.stop(CLIENT);
        invariants::check(&m.k);
        assert_eq!(m.state(CLIENT), State::Stopped);
        let again = if state == State::Runnable {
            before + 2
        } else {
            before
        };
        assert_eq!(m.registers(CLIENT).rip, again, "{state:?}");
        m.resume(CLIENT);
        assert_eq!(m.running(), Some(CLIENT));
        invariants::check(&m.k);
    }
}

#[test]
fn answering_a_caller_that_was_stopped_reaches_nobody() {
    let mut m = client_runs(&trio(true));
    m.call(CLIENT, EP, &message(1, &[]));
    m.stop(CLIENT);
    assert_eq!(m.running(), Some(SERVER), "it goes on with the time it has");
    let before = *m.registers(CLIENT);
    m.reply_recv(SERVER, EP, slot::REPLY, &message(9, &[1]));
    assert_eq!(*m.registers(CLIENT), before);
    assert_eq!(
        m.thread(CLIENT).sched_context,
        m.thread(CLIENT).home,
        "the time is back"
    );
    invariants::check(&m.k);
}

#[test]
fn deleting_the_capability_through_which_a_thread_waits_makes_it_find_the_slot_empty() {
    let mut system = trio(false);
    system.give(OTHER, 40, ObjectKind::CNode, SERVER);
    system.give(OTHER, 41, ObjectKind::CNode, CLIENT);
    for (cnode, victim, gone) in [
        (40, SERVER, EP),
        (40, SERVER, slot::REPLY),
        (41, CLIENT, EP),
        (41, CLIENT, slot::NOTIFICATION),
    ] {
        let mut m = client_runs(&system);
        let before = m.registers(victim).rip;
        if gone == slot::NOTIFICATION {
            m.wait(CLIENT, slot::NOTIFICATION);
        } else if victim == CLIENT {
            m.signal(SERVER);
            m.wait(SERVER, slot::NOTIFICATION);
            m.call(CLIENT, EP, &message(1, &[]));
        }
        m.signal(OTHER);
        m.invoke_quietly(OTHER, cnode, 19, &[gone]);
        assert_eq!(m.state(victim), State::Runnable, "{victim} {gone}");
        let expected = if victim == CLIENT { before } else { before - 2 };
        assert_eq!(m.registers(victim).rip, expected);
        invariants::check(&m.k);
    }
}

#[test]
fn revoking_reaches_callers_that_wait_through_a_derived_capability() {
    let mut system = trio(false);
    system.threads[usize::from(CLIENT)].fault_endpoint = 0;
    let mut m = client_runs(&system);
    m.signal(SERVER);
    m.wait(SERVER, slot::NOTIFICATION);
    m.call(CLIENT, EP, &message(1, &[]));
    m.signal(SERVER);
    m.invoke(SERVER, slot::CNODE, 20, &[EP], &[]);
    assert_eq!(m.state(CLIENT), State::Runnable);
    m.recv(SERVER, EP, slot::REPLY);
    m.call(CLIENT, EP, &message(1, &[]));
    let got = m.got(SERVER);
    assert_eq!(
        (got.label, got.words[3]),
        (FaultLabel::CAP.0, Error::FailedLookup.label())
    );
}

#[test]
fn a_server_that_throws_its_reply_object_away_lets_its_caller_down() {
    let mut m = client_runs(&trio(false));
    m.call(CLIENT, EP, &message(1, &[]));
    m.invoke(SERVER, slot::CNODE, 19, &[slot::REPLY], &[]);
    assert_eq!(m.got(CLIENT).label, label::SERVER_DIED);
    // Moving it is different: whoever holds it can still answer.
    let mut m = client_runs(&trio(false));
    m.call(CLIENT, EP, &message(1, &[]));
    m.invoke(
        SERVER,
        slot::CNODE,
        18,
        &[FREE, slot::REPLY],
        &[slot::CNODE],
    );
    assert_eq!(m.state(CLIENT), State::Calling);
    m.send(SERVER, FREE, &message(6, &[]));
    assert_eq!(m.got(CLIENT).label, 6);
}

#[test]
fn receiving_with_a_reply_object_in_use_lets_the_old_caller_down() {
    let mut m = client_runs(&trio(false));
    m.call(CLIENT, EP, &message(1, &[]));
    m.recv(SERVER, EP, slot::REPLY);
    assert_eq!(m.got(CLIENT).label, label::SERVER_DIED);
    assert_eq!(m.state(SERVER), State::Receiving);
    invariants::check(&m.k);
}

#[test]
fn two_threads_cannot_receive_with_one_reply_object() {
    let mut system = trio(false);
    system.give(CLIENT, 40, ObjectKind::Reply, SERVER);
    let mut m = client_runs(&system);
    m.recv(CLIENT, EP, 40);
    assert_eq!(
        m.state(CLIENT),
        State::Stopped,
        "a fault that nobody handles"
    );
    assert_eq!(m.state(SERVER), State::Receiving);
    invariants::check(&m.k);
}

#[test]
fn a_reset_cnode_holds_what_the_image_declares_but_nothing_that_was_revoked() {
    let mut m = client_runs(&trio(false));
    m.invoke(
        CLIENT,
        slot::CNODE,
        16,
        &[FREE, slot::THREAD, 15],
        &[slot::CNODE],
    );
    m.invoke(CLIENT, slot::CNODE, 19, &[slot::REPLY], &[]);
    let badge = m.slot(CLIENT, EP).capability.unwrap().badge;
    assert_eq!(m.invoke(CLIENT, slot::CNODE, 21, &[], &[]).0, 0);
    assert_eq!(m.slot(CLIENT, FREE).capability, None);
    assert!(m.slot(CLIENT, slot::REPLY).capability.is_some());
    assert_eq!(m.slot(CLIENT, EP).capability.unwrap().badge, badge);
    let parent = m.slot_id(SERVER, EP).unwrap();
    m.k.delete(parent);
    m.invoke(CLIENT, slot::CNODE, 21, &[], &[]);
    assert_eq!(
        m.slot(CLIENT, EP).capability,
        None,
        "what it came from is gone"
    );
    invariants::check(&m.k);
}

impl Machine {
    /// Invokes without looking at the answer: somebody more urgent may run by then.
    fn invoke_quietly(&mut self, task: u16, object: u64, operation: u64, words: &[u64]) {
        self.call(task, object, &message(operation, words));
    }
}

#[test]
fn who_calls_a_server_that_retired_hears_so_at_once_until_it_begins_anew() {
    let mut system = trio(false);
    system.give(SERVER, slot::SERVICE, ObjectKind::Endpoint, 0);
    system.give(OTHER, 42, ObjectKind::Thread, SERVER);
    let mut m = client_runs(&system);
    m.call(CLIENT, EP, &message(1, &[]));
    m.wait(SERVER, slot::NOTIFICATION);
    m.signal(OTHER);
    assert_eq!(
        m.invoke(OTHER, 42, sel4_sys::ThreadOp::RETIRE.0, &[], &[]),
        (0, vec![1])
    );
    invariants::check(&m.k);
    assert_eq!(m.got(CLIENT), received(0, label::SERVER_DIED, &[0]));
    m.call(OTHER, EP, &message(2, &[]));
    assert_eq!(m.got(OTHER), received(0, label::SERVER_DIED, &[1]));
    m.send(OTHER, EP, &message(3, &[]));
    assert_eq!(m.running(), Some(OTHER), "what is sent is lost");
    assert_eq!(
        m.invoke(OTHER, 42, sel4_sys::ThreadOp::RESET.0, &[], &[]),
        (0, vec![2])
    );
    m.call(OTHER, EP, &message(4, &[]));
    assert_eq!(
        m.state(OTHER),
        State::Sending,
        "the next generation will serve"
    );
    invariants::check(&m.k);
}
