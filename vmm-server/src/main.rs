//! Runs one guest on one virtual CPU, and says how it ended.
//!
//! What a guest's exits mean is in `core/`. Here is what that needs from outside: the kernel's operations, guest memory, the time,
//! the console, and the lease that pmu-server grants.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

mod counters;
mod environment;
mod lease;
mod lines;
mod machine;
mod memory;
mod page;

use idl::supervisor::{SupervisorClient, Verdict};
use idl_runtime::Connection;
use sel4::{Cap, init_slot};

sel4::task! {
    main = run;
    calls { console: console, pmu: pmu }
    caps { space: guest_space, vcpu: vcpu, lease: pmu_lease, registers: frame, memory: frame, image: frame }
}

fn run(_: sel4::Start) -> ! {
    let verdict = machine::run();
    let mut supervisor =
        SupervisorClient::new(Connection::to(Cap::from_bits(init_slot::SUPERVISOR)));
    // Refused only by a supervisor that is not this system's, and that nothing is owed to.
    let _ = supervisor.finished(verdict);
    loop {
        let notification: sel4::cap::Notification = Cap::from_bits(init_slot::NOTIFICATION);
        let _nobody_signals = notification.wait();
    }
}

/// What the supervisor is told of a guest that ended with this.
const fn verdict_of(has_passed: bool) -> Verdict {
    if has_passed {
        Verdict::Passed
    } else {
        Verdict::Failed
    }
}
