//! Budgets of CPU time: who has them, lends them and runs out of them.

use assist::Command;
use sel4::cap::{Reply, SchedContext, Thread};
use sel4::{Cap, Error, MessageInfo, ThreadState, init_slot, timestamp};

use crate::caps;
use crate::harness::{runner, tests};
use crate::partner::{ask, let_it_run};

tests! {
    a_server_without_time_runs_on_its_callers
    a_server_that_answers_stops_where_it_gave_the_time_back
    a_send_that_does_not_wait_lends_no_time
    a_server_without_time_hears_no_signal
    time_that_is_used_is_counted_once
    a_budget_that_is_used_up_lets_less_urgent_threads_run
    two_threads_of_one_priority_take_turns
    a_budget_that_makes_no_sense_is_refused
    a_task_cannot_give_itself_time
    a_thread_has_one_scheduling_context
}

fn own_time() -> SchedContext {
    Cap::from_bits(init_slot::SCHED_CONTEXT)
}

fn own_thread() -> Thread {
    Cap::from_bits(init_slot::THREAD)
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

/// The partner waits for messages, and has no time of its own.
fn make_it_passive() {
    let_it_run();
    assert_eq!(state(), ThreadState::RECEIVING);
    assert_eq!(caps::assist_time.unbind(), Ok(()));
}

/// TSC ticks of a microsecond.
fn ticks_per_us() -> u64 {
    runner().machine().expect("the runner answers").tsc_hz / 1_000_000
}

fn a_server_without_time_runs_on_its_callers() {
    make_it_passive();
    for i in 0..100 {
        assert_eq!(ask(Command::ECHO, [i, 1, 2, 3]), [i, 1, 2, 3]);
    }
    assert_eq!(state(), ThreadState::RECEIVING);
}

fn a_server_that_answers_stops_where_it_gave_the_time_back() {
    make_it_passive();
    ask(Command::SEND_BACK, [77, 1, 5, 0]);
    let_it_run();
    assert_eq!(state(), ThreadState::RUNNABLE, "it would, if it had time");
    assert_eq!(
        caps::to_suite.nb_recv_with_mrs(reply()).info,
        MessageInfo::default()
    );
    assert_eq!(caps::assist_time.bind(caps::assist), Ok(()));
    let message = caps::to_suite.recv_with_mrs(reply());
    assert_eq!((message.info.label(), message.msg[0]), (77, 5));
}

fn a_send_that_does_not_wait_lends_no_time() {
    make_it_passive();
    let info = MessageInfo::new(Command::COUNT.0, 0, 0, 0);
    caps::to_assist.nb_send_with_mrs(info, []);
    assert_eq!(state(), ThreadState::RECEIVING);
    let [_, count, ..] = ask(Command::COUNT, [0; 4]);
    assert_eq!(count, assist::COUNT_STARTS_AT, "nobody counted before");
}

fn a_server_without_time_hears_no_signal() {
    make_it_passive();
    caps::ring_assist.signal();
    assert_eq!(state(), ThreadState::RECEIVING);
    // With time, it takes the signal, whose label 0 is no command.
    assert_eq!(caps::assist_time.bind(caps::assist), Ok(()));
    assert_eq!(state(), ThreadState::RUNNABLE);
    assert_eq!(ask(Command::ECHO, [9; 4]), [9; 4]);
}

fn time_that_is_used_is_counted_once() {
    let per_us = ticks_per_us();
    let used = own_time().consumed();
    assert!(used.is_ok(), "{used:?}");
    let start = timestamp();
    while timestamp() - start < 2000 * per_us {}
    let used = own_time().consumed().expect("as before");
    assert!((1990..2500).contains(&used), "{used} µs");
    let used = own_time().consumed().expect("as before");
    assert!(used < 500, "{used} µs of what was counted already");
}

/// For this many µs, how many this task did not run, in pieces of at least 100.
fn time_away(us: u64) -> u64 {
    let per_us = ticks_per_us();
    let start = timestamp();
    let (mut last, mut away) = (start, 0);
    while last - start < us * per_us {
        let now = timestamp();
        let step = (now - last) / per_us;
        if step >= 100 {
            away += step;
        }
        last = now;
    }
    away
}

fn a_budget_that_is_used_up_lets_less_urgent_threads_run() {
    // 1 ms every 10 ms, more urgent than this task: 4 ms of 40, give or take one turn.
    assert_eq!(caps::assist_time.configure(1000, 10_000), Ok(()));
    assert_eq!(caps::assist.set_priority(own_thread(), 150), Ok(()));
    ask(Command::SPIN, [0; 4]);
    let away = time_away(40_000);
    assert!((2900..=5100).contains(&away), "{away} µs");
}

fn two_threads_of_one_priority_take_turns() {
    ask(Command::SPIN, [0; 4]);
    // Slices of 10 ms each: half of 80 ms, give or take one slice.
    let away = time_away(80_000);
    assert!((29_000..=51_000).contains(&away), "{away} µs");
}

fn a_budget_that_makes_no_sense_is_refused() {
    for (budget, period) in [
        (0, 0),
        (9, 1000),
        (1001, 1000),
        (10, u64::MAX),
        (u64::MAX, 10),
    ] {
        let configured = caps::assist_time.configure(budget, period);
        assert_eq!(configured, Err(Error::RangeError), "{budget} of {period}");
    }
    assert_eq!(caps::assist_time.configure(10, 10), Ok(()));
}

fn a_task_cannot_give_itself_time() {
    let refused = Err(Error::InvalidCapability);
    assert_eq!(own_time().configure(1000, 1000), refused);
    assert_eq!(own_time().unbind(), refused);
    assert_eq!(own_time().bind(own_thread()), refused);
}

fn a_thread_has_one_scheduling_context() {
    assert_eq!(
        caps::assist_time.bind(own_thread()),
        Err(Error::IllegalOperation)
    );
    assert_eq!(caps::assist_time.unbind(), Ok(()));
    assert_eq!(
        caps::assist_time.bind(own_thread()),
        Err(Error::IllegalOperation)
    );
    assert_eq!(caps::assist_time.bind(caps::assist), Ok(()));
}
