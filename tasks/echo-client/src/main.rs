//! Calls the echo service in every form, kills it once, and says how it went.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

mod story;

use idl::supervisor::SupervisorClient;
use idl_runtime::Connection;
use sel4::{Cap, init_slot};

sel4::task! {
    main = run;
    calls { echo: echo, console: console }
    caps { bell: empty, meeting: endpoint }
    notes { rung: 3 }
}

fn run(_: sel4::Start) -> ! {
    let verdict = story::Story::new().tell();
    let mut supervisor =
        SupervisorClient::new(Connection::to(Cap::from_bits(init_slot::SUPERVISOR)));
    // Refused only by a supervisor that is not this system's, and that nothing is owed to.
    let _ = supervisor.finished(verdict);
    loop {
        let notification: sel4::cap::Notification = Cap::from_bits(init_slot::NOTIFICATION);
        let _nobody_signals = notification.wait();
    }
}
