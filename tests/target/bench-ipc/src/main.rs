//! Counts the instructions of IPC, a leg at a time.
//!
//! Every figure is measured [`TIMES`] times, each from the SYSCALL of one task to the SYSRET of the task that runs next.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

use bench_ipc::{Arguments, Role, Timed, empty, timed};
use idl::runner::{Measured, RunnerClient};
use idl_runtime::{BytesRef, Connection};
use sel4::cap::{Endpoint, Notification, Reply};
use sel4::{Cap, MessageInfo, init_slot};
use sel4_sys::Syscall;

sel4::task! {
    main = run;
    caps {
        to_me: endpoint,
        to_server: endpoint,
        server_time: sched_context,
        to_waiter: endpoint,
        bell: notification,
        to_peer: endpoint
    }
}

/// How often each figure is measured.
const TIMES: usize = 200;
/// How often before that, unmeasured.
const WARM_UP: usize = 10;
/// As many words as travel in registers, and one more.
const LENGTHS: [(u64, &str, &str); 2] = [
    (4, "call_fast", "reply_receive_fast"),
    (5, "call_slow", "reply_receive_slow"),
];
/// The same to a server that has a budget of its own.
const OWN_TIME: [(u64, &str, &str); 2] = [
    (4, "call_fast_own_time", "reply_receive_fast_own_time"),
    (5, "call_slow_own_time", "reply_receive_slow_own_time"),
];

/// Measurements of one figure.
type Samples = [u64; TIMES];

fn run(_: sel4::Start) -> ! {
    boot();
    introduce(caps::to_server, Role::SERVER);
    OWN_TIME.into_iter().for_each(calls);
    // From here on the server has no time of its own, and runs on its callers'.
    caps::server_time.unbind().expect("the server has a budget");
    LENGTHS.into_iter().for_each(calls);
    signals();
    switches();
    runner().finished().expect("the runner answers");
    sel4::panicking::stop()
}

const fn runner() -> RunnerClient<Connection> {
    RunnerClient::new(Connection::to(Cap::from_bits(init_slot::SUPERVISOR)))
}

/// Tells a partner what it is. It is at least as urgent, so it goes on after its answer until it waits or yields.
fn introduce(partner: Endpoint, role: Role) {
    let answer = partner.call_with_mrs(MessageInfo::new(role.0, 0, 0, 1), [0]);
    assert_eq!(answer.info.label(), 0, "the partner answers");
}

/// From the kernel's first instruction to the first task.
fn boot() {
    let machine = runner().machine().expect("the runner answers");
    tell("boot", &mut [machine.boot_ticks]);
}

/// Calls and their answers.
fn calls((length, call, reply): (u64, &str, &str)) {
    let nothing_between = cost_of_looking();
    let (mut there, mut back): (Samples, Samples) = ([0; TIMES], [0; TIMES]);
    let arguments = through(caps::to_server.bits(), length);
    for _ in 0..WARM_UP {
        let _unmeasured = timed(Syscall::CALL, arguments);
    }
    // An answer says how long the call took that it answers.
    for (there, back) in there.iter_mut().zip(&mut back) {
        let answer = timed(Syscall::CALL, arguments);
        assert_eq!(answer.info, MessageInfo::new(0, 0, 0, length));
        let [sent, call] = answer.words;
        *there = call - nothing_between;
        *back = answer.after - sent - nothing_between;
    }
    tell(call, &mut there);
    tell(reply, &mut back);
}

/// Notifications.
fn signals() {
    let own: Notification = Cap::from_bits(init_slot::NOTIFICATION);
    let ring = through(own.bits(), 0);
    let (mut signal, mut wait): (Samples, Samples) = ([0; TIMES], [0; TIMES]);
    for (signal, wait) in signal.iter_mut().zip(&mut wait) {
        *signal = alone(timed(Syscall::SEND, ring));
        *wait = alone(timed(Syscall::WAIT, ring));
    }
    tell("signal_nobody", &mut signal);
    tell("wait_pending", &mut wait);

    introduce(caps::to_waiter, Role::WAITER);
    let mut switch: Samples = [0; TIMES];
    let bell = through(caps::bell.bits(), 0);
    for _ in 0..WARM_UP {
        let _unmeasured = until_partner(Syscall::SEND, bell);
    }
    for switch in &mut switch {
        *switch = until_partner(Syscall::SEND, bell);
    }
    tell("signal_switch", &mut switch);
}

/// From one thread to another of the same priority.
fn switches() {
    introduce(caps::to_peer, Role::PEER);
    let mut switch: Samples = [0; TIMES];
    let nothing = through(init_slot::NULL, 0);
    for switch in &mut switch {
        *switch = until_partner(Syscall::YIELD, nothing);
        // The partner has its answer, and now gets to its next system call.
        sel4::r#yield();
    }
    tell("context_switch", &mut switch);
}

fn through(capability: u64, length: u64) -> Arguments {
    Arguments {
        capability,
        info: MessageInfo::new(0, 0, 0, length),
        word: 0,
        reply: init_slot::REPLY,
    }
}

/// Instructions between the two looks that are not the system call's.
fn cost_of_looking() -> u64 {
    let Timed { before, after, .. } = empty(through(init_slot::NULL, 0));
    after - before
}

/// Instructions of a system call that came back to its caller at once.
fn alone(timed: Timed) -> u64 {
    timed.after - timed.before - cost_of_looking()
}

/// Instructions from this task's system call to the end of its partner's, which the partner calls to tell.
fn until_partner(number: Syscall, arguments: Arguments) -> u64 {
    let reply: Reply = Cap::from_bits(init_slot::REPLY);
    let before = timed(number, arguments).before;
    let [ended, ..] = caps::to_me.recv_with_mrs(reply).msg;
    reply.send_with_mrs(MessageInfo::default(), []);
    ended - before - cost_of_looking()
}

/// Reports a figure.
fn tell(name: &str, samples: &mut [u64]) {
    samples.sort_unstable();
    let at = |position: usize| samples.get(position).copied().unwrap_or_default();
    let values = Measured {
        min: at(0),
        median: at(samples.len() / 2),
        max: at(samples.len() - 1),
        count: samples.len() as u64,
    };
    let (name, _) = BytesRef::cut(name.as_bytes());
    let told = runner().measured(values, name);
    told.expect("the runner answers");
}
