//! Counts the host before, while and after a guest has the counters, and checks it.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

mod findings;
mod phases;

use idl::supervisor::SupervisorClient;
use idl_runtime::Connection;
use profile::Account;
use sel4::{Cap, CapRights, Window, init_slot};

sel4::task! {
    main = run;
    calls { pmu: pmu, console: console }
    // The kernel's account of the counters, to read.
    caps { account: frame }
}

fn run(_: sel4::Start) -> ! {
    let space = Cap::from_bits(init_slot::ADDRESS_SPACE);
    let window = Window::open(caps::account, space, CapRights::READ);
    let account = Account::new(window.expect("the account can be mapped"));
    let verdict = phases::run(&account);
    let supervisor = Connection::to(Cap::from_bits(init_slot::SUPERVISOR));
    // Refused only by a supervisor that is not this system's, and that nothing is owed to.
    let _ = SupervisorClient::new(supervisor).finished(verdict);
    loop {
        let notification: sel4::cap::Notification = Cap::from_bits(init_slot::NOTIFICATION);
        let _nobody_signals = notification.wait();
    }
}
