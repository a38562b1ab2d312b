//! Counts the register operations of exits that leave the guest its counters.
//!
//! The guest is `tests/guests/kept`: its first 20000 exits find counters that do not count them, the next 20000 some that do. Which is
//! which shows in the number of instructions that the VMM has completed; the few of the guest's preparations lie between.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

use core::ops::Range;

use bench_pmu::{Samples, account, supervisor};
use idl::supervisor::Verdict;
use profile::{Guest, look};
use sel4::{Cap, init_slot};
use sel4_sys::pmu::AccountingPage;

sel4::task! {
    main = run;
    caps { account: frame }
}

/// Completed instructions of the first half and of the second, without their beginnings.
const NOT_COUNTED: Range<u64> = 1_000..20_000;
const COUNTED: Range<u64> = 22_000..40_000;

fn run(_: sel4::Start) -> ! {
    let account = account(caps::account);
    let mut supervisor = supervisor();
    let (mut kept, mut emulated) = (Samples::new(), Samples::new());
    let mut before = account.read();
    while look(&mut supervisor) == Guest::Runs {
        sel4::r#yield();
        let now = account.read();
        let operations = total(&now) - total(&before);
        let completed = now.emulated - before.emulated;
        if completed > 0 && are_in(&NOT_COUNTED, &before, &now) {
            // All exits of the time between: not one operation among them.
            kept.add(operations);
        }
        if completed > 0 && are_in(&COUNTED, &before, &now) {
            emulated.add(operations.div_ceil(completed));
        }
        before = now;
    }
    kept.tell(&mut supervisor, "kept_operations");
    emulated.tell(&mut supervisor, "emulated_operations");
    // Refused only by a supervisor that is not this system's, and that nothing is owed to.
    let _ = supervisor.finished(Verdict::Passed);
    loop {
        let notification: sel4::cap::Notification = Cap::from_bits(init_slot::NOTIFICATION);
        let _nobody_signals = notification.wait();
    }
}

/// RDMSR, WRMSR, RDPMC and LVTPC writes, together.
fn total(page: &AccountingPage) -> u64 {
    page.operations.iter().sum()
}

fn are_in(range: &Range<u64>, before: &AccountingPage, now: &AccountingPage) -> bool {
    range.contains(&before.emulated) && range.contains(&now.emulated)
}
