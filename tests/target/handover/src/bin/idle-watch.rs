//! Watches a guest that leaves its counters alone: they cost nothing.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

use handover_tests::{Checks, account, end, supervisor};
use idl::supervisor::{Measurement, Unit};
use idl_runtime::BytesRef;
use profile::{Guest, look};
use sel4_sys::pmu::AccountingPage;

sel4::task! {
    main = run;
    calls { console: console }
    caps { account: frame }
}

fn run(_: sel4::Start) -> ! {
    let account = account(caps::account);
    let before = account.read();
    let mut supervisor = supervisor();
    while look(&mut supervisor) == Guest::Runs {
        sel4::r#yield();
    }
    let after = account.read();
    let mut checks = Checks::new(caps::console);
    let entries = after.idle_entries - before.idle_entries;
    checks.say(format_args!(
        "{} exits, {entries} entries with idle counters",
        after.exits - before.exits
    ));
    checks.hold("the guest ran", entries > 100);
    checks.hold(
        "its counters were never loaded, and so never put",
        after.loads == before.loads && after.puts == before.puts,
    );
    checks.hold(
        "not one RDMSR, WRMSR, RDPMC or write of LVTPC was made for them",
        after.operations == before.operations,
    );
    checks.hold(
        "it never needed a lease",
        after.refused_entries == before.refused_entries,
    );
    let operations = |page: &AccountingPage| page.operations.iter().sum::<u64>();
    let made = operations(&after) - operations(&before);
    let (name, _) = BytesRef::cut(b"idle_operations");
    let values = Measurement {
        min: made,
        median: made,
        max: made,
        count: entries,
        unit: Unit::Operations,
        reserved: [0; 7],
    };
    // For `cargo xtask bench pmu`; refused by a supervisor that is not this system's.
    let _ = supervisor.measured(values, name);
    end(checks.verdict())
}
