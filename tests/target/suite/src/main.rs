//! The tests that run on the kernel.
//!
//! Each is a function in a table, and a life of this task.
//!
//! A test passes when its function returns. It fails when it panics, and when it faults in another way than it
//! announced; the runner, which is this system's root task, hears of both and starts the next test in a fresh task.

#![cfg_attr(bare, no_std, no_main)]

mod expected;
mod faults;
mod harness;
mod partner;
mod tests;

use harness::{Test, runner};
use idl::runner::Outcome;
use idl_runtime::BytesRef;

sel4::task! {
    main = run;
    caps {
        to_assist: endpoint,
        to_suite: endpoint,
        assist: thread,
        assist_time: sched_context,
        ring_assist: signal,
        page: frame,
        page_to_read: frame,
        port: port,
        // Three in a row: where capabilities arrive.
        given: empty,
        given2: empty,
        given3: empty,
        made: empty,
        made2: empty,
        made3: empty,
        reply: reply
    }
    notes { heard: 9, own: 2, own2: 3 }
}

/// All tests, in the order in which they run: what later ones rely on comes first.
const TESTS: &[&[Test]] = &[
    tests::boot::TESTS,
    tests::calls::TESTS,
    tests::messages::TESTS,
    tests::notifications::TESTS,
    tests::transfer::TESTS,
    tests::cnodes::TESTS,
    tests::threads::TESTS,
    tests::time::TESTS,
    tests::memory::TESTS,
    tests::ports::TESTS,
    tests::restarts::TESTS,
    faults::instructions::TESTS,
    faults::memory::TESTS,
    faults::jumps::TESTS,
    faults::returns::TESTS,
    faults::system_calls::TESTS,
];

fn run(_: sel4::Start) -> ! {
    let index = runner().which_test().expect("the runner answers") as usize;
    let mut all = TESTS.iter().copied().flatten();
    let Some(test) = all.nth(index) else {
        runner().finished().expect("the runner answers");
        sel4::panicking::stop();
    };
    let (name, _) = BytesRef::cut(test.name.as_bytes());
    runner().begin(name).expect("the runner answers");
    let (outcome, note) = match (test.run)() {
        harness::Ended::Passed => (Outcome::Passed, ""),
        harness::Ended::Skipped(why) => (Outcome::Skipped, why),
    };
    let (note, _) = BytesRef::cut(note.as_bytes());
    // The runner does not answer: it starts this task anew.
    let _ = runner().end(outcome, note);
    sel4::panicking::stop();
}
