//! IPC between clients and a server, in every form.

use sel4_sys::{CapRights, IpcBuffer, ObjectKind, Syscall, label, slot};

use super::machine::{Machine, Message, message, received};
use super::system::{Number, System};
use super::{FastPath, invariants};
use crate::object::State;

/// Where all have the endpoint.
pub(super) const EP: u64 = 16;
/// A slot that is empty at first.
pub(super) const FREE: u64 = 30;
pub(super) const CLIENT: Number = 0;
pub(super) const SERVER: Number = 1;
pub(super) const OTHER: Number = 2;
pub(super) const BADGE: u64 = 77;

/// Client (10), server (20) and another client (15); the clients' capabilities are derived from the server's.
pub(super) fn trio(passive: bool) -> System {
    let mut system = System::new();
    system.task(10);
    if passive {
        system.passive_task(20);
    } else {
        system.task(20);
    }
    system.task(15);
    let endpoint = system.endpoint();
    let all = system.give(SERVER, EP, ObjectKind::Endpoint, endpoint);
    system.derive(all, CLIENT, EP, BADGE);
    system.derive(all, OTHER, EP, BADGE + 1);
    system
}

/// The server waits for messages, the other client for its notification, so the client runs.
pub(super) fn client_runs(system: &System) -> Machine {
    let mut m = Machine::boot(system);
    if m.thread(SERVER).sched_context.is_none() {
        m.lend_first_run(SERVER, CLIENT);
    }
    m.recv(SERVER, EP, slot::REPLY);
    m.wait(OTHER, slot::NOTIFICATION);
    assert_eq!(m.running(), Some(CLIENT));
    m
}

#[test]
fn a_call_is_answered() {
    for passive in [false, true] {
        let mut m = client_runs(&trio(passive));
        m.call(CLIENT, EP, &message(5, &[1, 2, 3]));
        assert_eq!(m.got(SERVER), received(BADGE, 5, &[1, 2, 3]));
        assert_eq!(m.state(CLIENT), State::Calling);
        m.reply_recv(SERVER, EP, slot::REPLY, &message(0, &[9]));
        assert_eq!(m.running(), Some(CLIENT));
        assert_eq!(m.got(CLIENT), received(0, 0, &[9]));
        assert_eq!(m.state(SERVER), State::Receiving);
        assert_eq!(m.k.fast_path, FastPath::On { taken: 2 });
        invariants::check(&m.k);
    }
}

#[test]
fn long_messages_travel_through_the_buffers_and_end_at_120_words() {
    let mut m = client_runs(&trio(false));
    let words: Vec<u64> = (1000..1120).collect();
    m.call(CLIENT, EP, &message(1, &words));
    assert_eq!(m.got(SERVER), received(BADGE, 1, &words));
    m.reply_recv(SERVER, EP, slot::REPLY, &message(0, &words[..5]));
    assert_eq!(m.got(CLIENT), received(0, 0, &words[..5]));
    m.system_call(Syscall::CALL, |r| (r.rdi, r.rsi) = (EP, 127));
    assert_eq!(m.got(SERVER).words.len(), 120);
}

#[test]
fn without_an_ipc_buffer_a_message_has_four_words() {
    let mut system = trio(false);
    let server = &mut system.threads[usize::from(SERVER)];
    (server.ipc_buffer, server.ipc_buffer_region) = (0, sysdesc::NONE);
    let mut m = client_runs(&system);
    m.call(CLIENT, EP, &message(1, &[1, 2, 3, 4, 5, 6]));
    assert_eq!(m.got(SERVER), received(BADGE, 1, &[1, 2, 3, 4]));
}

#[test]
fn callers_are_served_by_priority() {
    let mut m = Machine::boot(&trio(false));
    // Nobody receives yet: the server waits for something else.
    m.wait(SERVER, slot::NOTIFICATION);
    m.call(OTHER, EP, &message(2, &[]));
    m.call(CLIENT, EP, &message(1, &[]));
    assert_eq!(m.running(), None);
    m.signal(SERVER);
    m.recv(SERVER, EP, slot::REPLY);
    assert_eq!(m.got(SERVER).label, 2, "priority 15 before 10");
    m.reply_recv(SERVER, EP, slot::REPLY, &message(0, &[]));
    assert_eq!(m.got(SERVER).label, 1);
}

#[test]
fn a_send_waits_for_a_receiver_and_a_nonblocking_one_does_not() {
    let mut m = Machine::boot(&trio(false));
    m.wait(SERVER, slot::NOTIFICATION);
    m.nb_send(OTHER, EP, &message(3, &[]));
    m.send(OTHER, EP, &message(4, &[6]));
    assert_eq!(m.state(OTHER), State::Sending);
    m.signal(SERVER);
    m.recv(SERVER, EP, slot::REPLY);
    assert_eq!(m.got(SERVER), received(BADGE + 1, 4, &[6]));
    assert_eq!(m.state(OTHER), State::Runnable);
    m.nb_recv(SERVER, EP, slot::REPLY);
    assert_eq!(
        m.got(SERVER),
        received(0, 0, &[]),
        "the first message was lost"
    );
}

#[test]
fn a_nonblocking_send_reaches_who_waits() {
    let mut m = client_runs(&trio(false));
    m.nb_send(CLIENT, EP, &message(3, &[8]));
    assert_eq!(m.got(SERVER), received(BADGE, 3, &[8]));
    assert_eq!(m.running(), Some(SERVER), "it is more urgent");
    assert_eq!(m.state(CLIENT), State::Runnable);
}

#[test]
fn send_and_receive_in_one_go() {
    let mut m = client_runs(&trio(false));
    m.system_call(Syscall::NB_SEND_RECV, |r| {
        (r.rdi, r.r13, r.r12) = (slot::NOTIFICATION, EP, slot::REPLY);
        (r.rsi, r.r10) = (1, 55);
    });
    assert_eq!(m.got(SERVER).words, [55]);
    assert_eq!(m.state(CLIENT), State::Waiting);
    m.wait(SERVER, slot::NOTIFICATION);
    m.signal(OTHER);
    m.system_call(Syscall::NB_SEND_WAIT, |r| {
        (r.rdi, r.r13, r.rsi) = (slot::NOTIFICATION, EP, 0);
    });
    assert_eq!(
        m.state(OTHER),
        State::Waiting,
        "nobody received, and that is no matter"
    );
}

#[test]
fn tasks_cannot_speak_with_the_kernels_labels() {
    let mut m = client_runs(&trio(false));
    m.call(CLIENT, EP, &message(label::SERVER_DIED | 3, &[]));
    assert_eq!(m.got(SERVER).label, 3);
    m.reply_recv(
        SERVER,
        EP,
        slot::REPLY,
        &message(label::SERVER_DIED, &[1, 2, 3, 4, 5]),
    );
    assert_eq!(m.got(CLIENT).label, 0);
}

#[test]
fn signals_add_up_until_somebody_takes_them() {
    let mut m = client_runs(&trio(false));
    m.poll(CLIENT, slot::NOTIFICATION);
    assert_eq!(m.got(CLIENT), received(0, 0, &[]));
    m.signal_bits(CLIENT, 0b01);
    m.signal_bits(CLIENT, 0b100);
    m.poll(CLIENT, slot::NOTIFICATION);
    assert_eq!(m.got(CLIENT).badge, 0b101);
    m.wait(CLIENT, slot::NOTIFICATION);
    assert_eq!(m.state(CLIENT), State::Waiting);
    m.signal_bits(CLIENT, 0b10);
    assert_eq!(m.got(CLIENT).badge, 0b10);
    assert_eq!(m.state(CLIENT), State::Runnable);
}

#[test]
fn a_receiver_hears_its_bound_notification() {
    let mut m = client_runs(&trio(false));
    m.signal_bits(SERVER, 0b1000);
    assert_eq!(m.running(), Some(SERVER));
    assert_eq!(m.got(SERVER), received(0b1000, 0, &[]));
    // A signal that came while it was busy is heard before any message.
    m.signal_bits(SERVER, 0b10);
    m.recv(SERVER, EP, slot::REPLY);
    assert_eq!(m.got(SERVER).badge, 0b10);
    invariants::check(&m.k);
}

#[test]
fn a_passive_server_uses_its_callers_time() {
    let mut m = client_runs(&trio(true));
    let context = m.thread(CLIENT).home.unwrap();
    m.pass(10_000);
    m.call(CLIENT, EP, &message(0, &[]));
    assert_eq!(m.thread(SERVER).sched_context, Some(context));
    assert_eq!(m.thread(CLIENT).sched_context, None);
    m.pass(20_000);
    m.reply_recv(SERVER, EP, slot::REPLY, &message(0, &[]));
    assert_eq!(m.thread(CLIENT).sched_context, Some(context));
    let before = m.k.sched_contexts[context].consumed;
    assert_eq!(
        m.invoke(CLIENT, slot::SCHED_CONTEXT, 50, &[], &[]),
        (0, vec![30]),
        "µs, {before} ticks noted"
    );
    invariants::check(&m.k);
}

#[test]
fn time_goes_down_a_chain_of_passive_servers_and_back() {
    let mut system = trio(true);
    let last = system.passive_task(30);
    let endpoint = system.endpoint();
    system.give(SERVER, EP + 1, ObjectKind::Endpoint, endpoint);
    system.give(last, EP + 1, ObjectKind::Endpoint, endpoint);
    let mut m = Machine::boot(&system);
    m.lend_first_run(last, CLIENT);
    m.recv(last, EP + 1, slot::REPLY);
    m.wait(OTHER, slot::NOTIFICATION);
    m.lend_first_run(SERVER, CLIENT);
    m.recv(SERVER, EP, slot::REPLY);
    m.call(CLIENT, EP, &message(1, &[]));
    m.call(SERVER, EP + 1, &message(2, &[]));
    assert_eq!(m.thread(last).sched_context, m.thread(CLIENT).home);
    m.reply_recv(last, EP + 1, slot::REPLY, &message(0, &[2]));
    assert_eq!(m.got(SERVER).words, [2]);
    m.reply_recv(SERVER, EP, slot::REPLY, &message(0, &[1]));
    assert_eq!(m.got(CLIENT).words, [1]);
    assert_eq!(m.thread(CLIENT).sched_context, m.thread(CLIENT).home);
    invariants::check(&m.k);
}

#[test]
fn a_plain_send_lends_time_to_a_passive_receiver_until_it_waits_again() {
    let mut m = client_runs(&trio(true));
    m.nb_send(CLIENT, EP, &message(1, &[]));
    assert_eq!(
        m.state(SERVER),
        State::Receiving,
        "what does not wait cannot lend"
    );
    m.send(CLIENT, EP, &message(2, &[]));
    assert_eq!(m.running(), Some(SERVER));
    m.recv(SERVER, EP, slot::REPLY);
    assert_eq!(m.running(), Some(CLIENT));
    invariants::check(&m.k);
}

#[test]
fn a_caller_of_one_who_cannot_answer_does_not_wait_for_ever() {
    let mut m = Machine::boot(&trio(false));
    m.wait(SERVER, EP);
    m.call(OTHER, EP, &message(1, &[]));
    assert_eq!(m.got(SERVER).label, 1);
    assert_eq!(m.got(OTHER).label, label::SERVER_DIED);
    assert_eq!(m.state(OTHER), State::Runnable);
}

#[test]
fn answering_twice_or_nobody_does_nothing() {
    let mut m = client_runs(&trio(false));
    m.call(CLIENT, EP, &message(1, &[]));
    m.send(SERVER, slot::REPLY, &message(7, &[]));
    m.send(SERVER, slot::REPLY, &message(8, &[]));
    m.call(SERVER, slot::REPLY, &message(9, &[]));
    assert_eq!(m.got(SERVER), received(0, 0, &[]));
    assert_eq!(m.got(CLIENT).label, 7);
    m.reply_recv(SERVER, EP, slot::REPLY, &message(10, &[]));
    assert_eq!(m.got(CLIENT).label, 7);
    assert_eq!(m.running(), Some(CLIENT));
}

/// Slot `FREE` on of a task's CNode is where it wants capabilities.
fn wants_capabilities(m: &Machine, task: Number) {
    m.buffer(task)
        .set_word(IpcBuffer::RECEIVE_CNODE_WORD, slot::CNODE);
    m.buffer(task).set_word(IpcBuffer::RECEIVE_INDEX_WORD, FREE);
}

fn with_caps(caps: &[u64]) -> Message {
    Message {
        label: 1,
        words: vec![],
        caps: caps.to_vec(),
    }
}

#[test]
fn capabilities_travel_with_a_message_and_are_children_of_the_senders() {
    let mut m = client_runs(&trio(false));
    wants_capabilities(&m, SERVER);
    m.call(CLIENT, EP, &with_caps(&[slot::THREAD, EP, slot::CNODE]));
    let got = m.got(SERVER);
    assert_eq!((got.caps, got.unwrapped), (3, 0b010));
    assert_eq!(m.buffer(SERVER).word(IpcBuffer::CAPS_WORD + 1), BADGE);
    let sent = m.slot(CLIENT, slot::THREAD);
    assert_eq!(m.slot(SERVER, FREE).capability, sent.capability);
    assert_eq!(
        m.slot(SERVER, FREE + 1).capability.unwrap().kind,
        ObjectKind::CNode
    );
    assert_eq!(m.slot(SERVER, FREE + 2).capability, None);
    assert_eq!(m.slot(SERVER, FREE).parent, m.slot_id(CLIENT, slot::THREAD));
    m.reply_recv(SERVER, EP, slot::REPLY, &with_caps(&[EP]));
    assert_eq!(m.got(CLIENT).caps, 0, "the client wanted none");
    m.invoke(CLIENT, slot::CNODE, 20, &[slot::THREAD], &[]);
    assert_eq!(m.slot(SERVER, FREE).capability, None, "revoked");
    invariants::check(&m.k);
}

#[test]
fn capabilities_stay_where_one_cannot_be_delivered() {
    let mut m = client_runs(&trio(false));
    m.call(CLIENT, EP, &with_caps(&[slot::THREAD]));
    assert_eq!(m.got(SERVER).caps, 0, "no receive slots");
    wants_capabilities(&m, SERVER);
    m.buffer(SERVER)
        .set_word(IpcBuffer::RECEIVE_INDEX_WORD, slot::REPLY);
    m.reply_recv(SERVER, EP, slot::REPLY, &message(0, &[]));
    m.call(CLIENT, EP, &with_caps(&[EP, slot::THREAD, EP]));
    let got = m.got(SERVER);
    assert_eq!(
        (got.caps, got.unwrapped),
        (1, 1),
        "the first only: the slot is taken"
    );
    m.reply_recv(SERVER, EP, slot::REPLY, &message(0, &[]));
    wants_capabilities(&m, SERVER);
    m.call(CLIENT, EP, &with_caps(&[FREE, slot::THREAD]));
    assert_eq!(m.got(SERVER).caps, 0, "the first slot is empty");
}

#[test]
fn without_the_right_to_grant_no_capability_travels() {
    let mut system = trio(false);
    let rights = CapRights::WRITE | CapRights::GRANT_REPLY;
    system.give_with(CLIENT, EP + 1, ObjectKind::Endpoint, 0, rights, 5);
    let mut m = client_runs(&system);
    wants_capabilities(&m, SERVER);
    m.call(CLIENT, EP + 1, &with_caps(&[slot::THREAD]));
    assert_eq!(m.got(SERVER).caps, 0);
    assert_eq!(m.slot(SERVER, FREE).capability, None);
}
