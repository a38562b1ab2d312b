//! Counts host events and takes the CPU from the guest a thousand times.
//!
//! While a host event is enabled, a guest gives the counters back whenever its VMM's thread leaves the CPU. The guest says
//! whether its own numbers survived; here the event's times must agree with the kernel's account.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

use handover_tests::{Checks, account, end, supervisor};
use idl::pmu::{PmuClient, PmuError, Reading, What};
use idl_runtime::Connection;
use profile::{Account, Guest, look, spec};

sel4::task! {
    main = run;
    calls { console: console, pmu: pmu }
    caps { account: frame }
}

/// Changes of owner that there must be at least, in each direction.
const HANDOVERS: u64 = 1_000;

fn run(_: sel4::Start) -> ! {
    let account = account(caps::account);
    let mut checks = Checks::new(caps::console);
    match interrupt(&account, &mut checks) {
        Ok(()) => {}
        Err(why) => checks.hold(refusal(why), false),
    }
    end(checks.verdict())
}

fn interrupt(account: &Account, checks: &mut Checks) -> Result<(), PmuError> {
    let mut pmu = PmuClient::new(Connection::to(caps::pmu));
    let event = pmu.open(spec(What::Cycles, true, true, 0))?;
    pmu.enable(event)?;
    let guest_time = account.read().guest_time;
    while look(&mut supervisor()) == Guest::Runs {
        sel4::r#yield();
    }
    let reading: Reading = pmu.read(event)?;
    let page = account.read();
    pmu.close(event)?;
    let puts: u64 = page.puts.iter().sum();
    checks.say(format_args!(
        "{} loads, {puts} puts, {} exits, {} of them with the counters kept",
        page.loads, page.exits, page.exits_kept
    ));
    checks.hold("there were a thousand handovers", page.loads >= HANDOVERS);
    checks.same("puts", puts, page.loads);
    let blind = page.guest_time - guest_time;
    checks.same("ticks blind", reading.time_blind, blind);
    checks.same(
        "ticks on a counter",
        reading.time_running,
        reading.time_enabled,
    );
    checks.hold(
        "the event counted the cycles of its time, or fewer",
        (1..=reading.time_running).contains(&reading.value),
    );
    Ok(())
}

const fn refusal(why: PmuError) -> &'static str {
    match why {
        PmuError::ServerDied { .. } => "pmu-server lives",
        _ => "pmu-server does what it is asked",
    }
}
