//! Signals by both ways, and what a restart gives back.

use sel4_sys::{CapRights, ObjectKind, SchedContextOp, ThreadOp, slot};

use super::ipc::{CLIENT, EP, OTHER, SERVER, trio};
use super::machine::{Machine, message, thread_id};
use super::random::state_of;
use super::system::System;
use super::{FastPath, invariants};
use crate::object::State;

/// The client's capabilities: to signal the other, to a notification of nobody's, to the other's thread and time.
const BELL: u64 = 20;
const SPARE: u64 = 21;
const THREAD: u64 = 22;
const TIME: u64 = 23;
const BITS: u64 = 0b110;

/// The other, which is more urgent, waits for its notification, so the client runs.
fn machine(boot: fn(&System) -> Machine) -> Machine {
    let mut system = trio(false);
    let all = CapRights::all();
    system.give_with(CLIENT, BELL, ObjectKind::Notification, OTHER, all, BITS);
    let spare = system.notification();
    system.give_with(CLIENT, SPARE, ObjectKind::Notification, spare, all, BITS);
    system.give(CLIENT, THREAD, ObjectKind::Thread, OTHER);
    system.give(CLIENT, TIME, ObjectKind::SchedContext, OTHER);
    let mut m = boot(&system);
    m.recv(SERVER, EP, slot::REPLY);
    m.wait(OTHER, slot::NOTIFICATION);
    assert_eq!(m.running(), Some(CLIENT));
    m
}

/// The same by the short way and by the general one: both must leave the same state. Gives the first.
fn both_ways(act: fn(&mut Machine)) -> Machine {
    let [(short, state), (_, general)] = [Machine::boot, Machine::boot_slow].map(|boot| {
        let mut m = machine(boot);
        act(&mut m);
        invariants::check(&m.k);
        let state = state_of(&m);
        (m, state)
    });
    assert_eq!(state, general, "the short way and the general one differ");
    short
}

/// How often the short way was taken, the other's first wait aside.
fn taken(m: &Machine) -> FastPath {
    m.k.fast_path
}

#[test]
fn a_signal_lets_a_more_urgent_waiter_run_at_once() {
    let mut m = both_ways(|m| m.send(CLIENT, BELL, &message(0, &[])));
    assert_eq!(m.running(), Some(OTHER));
    assert_eq!(m.got(OTHER).badge, BITS);
    assert_eq!(m.state(CLIENT), State::Runnable);
    assert_eq!(taken(&m), FastPath::On { taken: 1 });
}

#[test]
fn a_signal_to_a_less_urgent_waiter_lets_the_signaller_go_on() {
    let m = both_ways(|m| {
        m.k.set_priority(thread_id(OTHER), 5);
        m.send(CLIENT, BELL, &message(0, &[]));
    });
    assert_eq!(m.running(), Some(CLIENT));
    assert_eq!(m.state(OTHER), State::Runnable);
}

#[test]
fn signals_to_nobody_add_up_and_are_taken_once() {
    let mut m = both_ways(|m| {
        let spare = m.slot(CLIENT, SPARE).capability.unwrap();
        m.k.signal(spare.notification().unwrap(), 1);
        m.send(CLIENT, SPARE, &message(0, &[]));
        m.nb_send(CLIENT, SPARE, &message(0, &[]));
        m.wait(CLIENT, SPARE);
    });
    assert_eq!(m.got(CLIENT).badge, BITS | 1);
    assert_eq!(taken(&m), FastPath::On { taken: 3 });
    m.poll(CLIENT, SPARE);
    assert_eq!(m.got(CLIENT).badge, 0);
}

#[test]
fn a_thread_that_was_reset_has_its_declared_priority_time_and_notification() {
    let mut m = machine(Machine::boot);
    let priority = m.thread(OTHER).priority;
    let context = m.thread(OTHER).home.unwrap();
    let budget = m.k.sched_contexts[context].budget;
    let mut done = |object, operation, words: &[u64], caps: &[u64]| {
        let (label, _) = m.invoke(CLIENT, object, operation, words, caps);
        assert_eq!(label, 0, "operation {operation}");
    };
    done(THREAD, ThreadOp::SET_PRIORITY.0, &[3], &[THREAD]);
    done(THREAD, ThreadOp::BIND_NOTIFICATION.0, &[], &[]);
    done(TIME, SchedContextOp::CONFIGURE.0, &[50, 700], &[]);
    done(TIME, SchedContextOp::UNBIND.0, &[], &[]);
    done(THREAD, ThreadOp::RESET.0, &[], &[]);
    let other = m.thread(OTHER);
    assert_eq!((other.priority, other.home), (priority, Some(context)));
    assert_eq!(other.sched_context, Some(context));
    assert!(other.notification.is_some());
    assert_eq!(m.k.sched_contexts[context].budget, budget);
    invariants::check(&m.k);
}
