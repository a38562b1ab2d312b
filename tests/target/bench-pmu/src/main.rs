//! Counts the register operations of changes of owner while a guest runs.
//!
//! The numbers are the kernel's own account; nothing is measured by a special build. Host and guest both use three fixed and two
//! general-purpose counters.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

mod samples;

use idl::pmu::{PmuClient, PmuError, What};
use idl::supervisor::{SupervisorClient, Verdict};
use idl_runtime::Connection;
use profile::{Account, Guest, spec};
use sel4::{Cap, CapRights, Window, init_slot};

use crate::samples::Samples;

sel4::task! {
    main = run;
    calls { pmu: pmu }
    caps { account: frame }
}

fn run(_: sel4::Start) -> ! {
    let space = Cap::from_bits(init_slot::ADDRESS_SPACE);
    let window = Window::open(caps::account, space, CapRights::READ);
    let account = Account::new(window.expect("the account can be mapped"));
    let mut supervisor =
        SupervisorClient::new(Connection::to(Cap::from_bits(init_slot::SUPERVISOR)));
    let verdict = match measure(&account, &mut supervisor) {
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
    let (mut loads, mut puts) = (Samples::new(), Samples::new());
    let mut seen = account.read().loads;
    while profile::look(supervisor) == Guest::Runs {
        // The guest runs until this thread's next period; then its counters have been put.
        sel4::r#yield();
        let page = account.read();
        if page.loads != seen && page.resident == 0 {
            seen = page.loads;
            loads.add(page.last_load);
            puts.add(page.last_put);
        }
    }
    loads.tell(supervisor, ["load_writes", "load_rdpmc", "load_rdmsr"]);
    puts.tell(supervisor, ["put_writes", "put_rdpmc", "put_rdmsr"]);
    Ok(())
}
