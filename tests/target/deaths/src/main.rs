//! Kills the VMM and pmu-server while counters are in use, and checks what is left.
//!
//! After each death the counters are the host's again and at rest, and the system goes on: who died is started anew, the host counts
//! exactly, and the guest gets its counters back.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

mod checks;

use idl::pmu::{PmuClient, PmuError};
use idl::supervisor::{SupervisorClient, Verdict};
use idl_runtime::Connection;
use profile::{Account, Events, Guest};
use sel4::cap::Thread;
use sel4::{Cap, CapRights, Window, init_slot};
use sel4_sys::pmu::AccountingPage;

use crate::checks::Checks;

sel4::task! {
    main = run;
    calls { pmu: pmu, console: console }
    caps { account: frame, vmm: thread, server: thread }
}

/// Periods of this thread in which something that was killed must be at work again.
const PATIENCE: u32 = 2000;
/// `AccountingPage::puts`: revoked, VMM died.
const REVOKED: usize = 3;
const VMM_DIED: usize = 6;

fn run(_: sel4::Start) -> ! {
    let space = Cap::from_bits(init_slot::ADDRESS_SPACE);
    let window = Window::open(caps::account, space, CapRights::READ);
    let account = Account::new(window.expect("the account can be mapped"));
    let mut checks = Checks::new();
    deaths(&account, &mut checks);
    let supervisor = Connection::to(Cap::from_bits(init_slot::SUPERVISOR));
    let verdict = if checks.wrong() == 0 {
        Verdict::Passed
    } else {
        Verdict::Failed
    };
    // Refused only by a supervisor that is not this system's, and that nothing is owed to.
    let _ = SupervisorClient::new(supervisor).finished(verdict);
    loop {
        let notification: sel4::cap::Notification = Cap::from_bits(init_slot::NOTIFICATION);
        let _nobody_signals = notification.wait();
    }
}

fn deaths(account: &Account, checks: &mut Checks) {
    // 1. The VMM, while its guest's counters are in the registers: nobody of the host wants them, so they stay there while this
    //    thread runs.
    wait_until(
        || account.read().resident != 0,
        checks,
        "a guest gets the counters",
    );
    let before = account.read();
    kill(caps::vmm);
    // It is less urgent than this thread: it faults when this one pauses. Root is more urgent than everybody: when this thread runs
    // again, the VMM has been reset.
    sel4::r#yield();
    let after = account.read();
    checks.hold(
        after.resident == 0,
        "a dead VMM's guest does not keep the counters",
    );
    checks.hold(
        puts(&after, VMM_DIED) == puts(&before, VMM_DIED) + 1,
        "the account says why it lost them",
    );
    checks.hold(
        after.host_pmis == before.host_pmis,
        "no interrupt of a dead guest's counters",
    );
    host_counts_exactly(checks, "after the VMM's death");
    let loads = account.read().loads;
    wait_until(
        || account.read().loads > loads,
        checks,
        "the VMM's next life gets its guest the counters",
    );

    // 2. pmu-server, with the host's events enabled.
    let mut events = match Events::open(client()) {
        Ok(events) => events,
        Err(error) => return checks.fail(format_args!("events cannot be opened: {error:?}")),
    };
    sel4::r#yield();
    let loads = account.read().loads;
    // It is more urgent than this thread: it has died, and its next life waits for requests, when this one goes on. Guests have not
    // run since.
    kill(caps::server);
    let dead = account.read();
    checks.hold(
        dead.resident == 0,
        "without pmu-server no guest has the counters",
    );
    let old = events.read(events.instructions);
    checks.hold(
        old == Err(PmuError::NoSuchEvent),
        "events of a dead server are gone, and their numbers name no others",
    );
    host_counts_exactly(checks, "after pmu-server's death");
    wait_until(
        || account.read().loads > loads,
        checks,
        "the guest gets the counters from pmu-server's next life",
    );

    // 3. The guest, by its VMM's hand: while it sleeps or computes, its thread is stopped for good.
    wait_until(
        || account.read().resident != 0,
        checks,
        "the guest has the counters once more",
    );
    let before = account.read();
    let stopped = caps::vmm.suspend();
    checks.hold(stopped == Ok(()), "a VMM can be stopped");
    let pmu = client().describe();
    checks.hold(pmu.is_ok(), "pmu-server answers while a VMM stands still");
    host_counts_exactly(checks, "while the VMM stands still");
    let resumed = caps::vmm.resume();
    checks.hold(resumed == Ok(()), "a stopped VMM can go on");
    let mut supervisor =
        SupervisorClient::new(Connection::to(Cap::from_bits(init_slot::SUPERVISOR)));
    wait_until(
        || profile::look(&mut supervisor) == Guest::Ended,
        checks,
        "the guest comes to its end, and says itself whether its numbers were right",
    );
    let after = account.read();
    checks.hold(
        puts(&after, REVOKED) >= puts(&before, REVOKED),
        "the account never goes back",
    );
    let all: u64 = after.puts.iter().sum();
    let residents = u64::from(after.resident != 0);
    checks.hold(
        after.loads == all + residents,
        "who got the counters gave them back",
    );
    host_counts_exactly(checks, "at the end");
}

/// Makes a task's next instruction a fault: root hears of it and starts the task anew.
fn kill(thread: Thread) {
    thread.suspend().expect("it may be stopped");
    let mut registers = thread.read_all_registers().expect("it may be read");
    registers.rip = 0;
    thread
        .write_all_registers(&registers)
        .expect("it may be written");
    thread.resume().expect("it may be resumed");
}

/// Fresh events count loops of different lengths to the exact instruction.
fn host_counts_exactly(checks: &mut Checks, when: &str) {
    match try_host(checks, when) {
        Ok(()) => {}
        Err(error) => checks.fail(format_args!("the host cannot count {when}: {error:?}")),
    }
}

fn try_host(checks: &mut Checks, when: &str) -> Result<(), PmuError> {
    let mut events = Events::open(client())?;
    let around = events.measure(1)?;
    for turns in [2, 1000, 1037] {
        let counted = events.measure(turns)?;
        let expected = around.expected_of(turns);
        // An interrupt shows in ring 0's number, and makes ring 3's one more.
        if counted != expected && counted.kernel == expected.kernel {
            checks.fail(format_args!("{when}: {counted:?} instead of {expected:?}"));
        }
    }
    events.close()
}

fn wait_until(mut condition: impl FnMut() -> bool, checks: &mut Checks, what: &str) {
    let mut left = PATIENCE;
    while !condition() && left > 0 {
        sel4::r#yield();
        left -= 1;
    }
    checks.hold(left > 0, what);
}

fn puts(page: &AccountingPage, reason: usize) -> u64 {
    page.puts.get(reason).copied().unwrap_or(0)
}

const fn client() -> PmuClient<Connection> {
    PmuClient::new(Connection::to(caps::pmu))
}
