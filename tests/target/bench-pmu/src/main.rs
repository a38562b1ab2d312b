//! Counts the register operations of changes of owner while a guest runs.
//!
//! The numbers are the kernel's own account; nothing is measured by a special build. Host and guest both use three fixed and two
//! general-purpose counters.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

use bench_pmu::{Samples, account, supervisor};
use idl::pmu::{PmuClient, PmuError, What};
use idl::supervisor::{SupervisorClient, Verdict};
use idl_runtime::Connection;
use profile::{Account, Guest, spec};
use sel4::{Cap, init_slot};

sel4::task! {
    main = run;
    calls { pmu: pmu }
    caps { account: frame }
}

fn run(_: sel4::Start) -> ! {
    let mut supervisor = supervisor();
    let verdict = match measure(&account(caps::account), &mut supervisor) {
        Ok(()) => Verdict::Passed,
        Err(_) => Verdict::Failed,
    };
    // Refused only by a supervisor that is not this system's, and that nothing is owed to.
    let _ = supervisor.finished(verdict);
    loop {
        let notification: sel4::cap::Notification = Cap::from_bits(init_slot::NOTIFICATION);
        let _nobody_signals = notification.wait();
    }
}

fn measure(
    account: &Account,
    supervisor: &mut SupervisorClient<Connection>,
) -> Result<(), PmuError> {
    let mut pmu = PmuClient::new(Connection::to(caps::pmu));
    for what in [
        What::Instructions,
        What::Cycles,
        What::ReferenceCycles,
        What::Branches,
        What::Branches,
    ] {
        let event = pmu.open(spec(what, true, true, 0))?;
        pmu.enable(event)?;
    }
    let mut loads = [const { Samples::new() }; 3];
    let mut puts = [const { Samples::new() }; 3];
    let mut seen = account.read().loads;
    while profile::look(supervisor) == Guest::Runs {
        // The guest runs until this thread's next period; then its counters have been put.
        sel4::r#yield();
        let page = account.read();
        if page.loads != seen && page.resident == 0 {
            seen = page.loads;
            add(&mut loads, page.last_load);
            add(&mut puts, page.last_put);
        }
    }
    let names = ["load_writes", "load_rdpmc", "load_rdmsr"];
    loads
        .iter()
        .zip(names)
        .for_each(|(s, name)| s.tell(supervisor, name));
    let names = ["put_writes", "put_rdpmc", "put_rdmsr"];
    puts.iter()
        .zip(names)
        .for_each(|(s, name)| s.tell(supervisor, name));
    Ok(())
}

/// One change of owner: RDMSR, WRMSR, RDPMC, LVTPC writes.
fn add(samples: &mut [Samples; 3], operations: [u64; 4]) {
    let [reads, writes, counter_reads, vector_writes] = operations;
    let numbers = [writes + vector_writes, counter_reads, reads];
    samples
        .iter_mut()
        .zip(numbers)
        .for_each(|(s, number)| s.add(number));
}
