//! Stops its victim again and again while a guest measures itself, and kills it.
//!
//! The victim is the VMM or pmu-server; the system says which. What it does to the guest's numbers is for the guest to say. Here
//! the account must stay in balance, the counters must be quiet in the end, and the host must be able to count.

#![cfg_attr(bare, no_std, no_main)]
#![forbid(unsafe_code)]

use handover_tests::{Checks, account, end, supervisor};
use idl::pmu::{PmuClient, PmuError, What};
use idl_runtime::Connection;
use profile::{Account, Guest, look, spec};
use sel4_sys::pmu::AccountingPage;

sel4::task! {
    main = run;
    calls { console: console, pmu: pmu }
    caps { account: frame, victim: thread }
}

/// What happens to the victim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Blow {
    /// It is stopped for a while.
    Pause,
    /// It runs into a fault, and the supervisor starts it anew.
    Kill,
}

/// Blows, each after so many VM exits of the guest.
const BLOWS: [(u64, Blow); 6] = [
    (500, Blow::Pause),
    (800, Blow::Kill),
    (1500, Blow::Pause),
    (1700, Blow::Pause),
    (2100, Blow::Kill),
    (3000, Blow::Pause),
];

/// Periods of its own for which a victim is stopped.
const PAUSE: usize = 3;
/// Turns of the loop that the host counts in the end.
const TURNS: u64 = 1_000;

fn run(_: sel4::Start) -> ! {
    let account = account(caps::account);
    let mut checks = Checks::new(caps::console);
    for (exits, blow) in BLOWS {
        while account.read().exits < exits && guest_runs() {
            sel4::r#yield();
        }
        checks.hold("the guest runs when the blow comes", guest_runs());
        if strike(blow).is_err() {
            checks.hold("the victim can be struck", false);
        }
        balance(&account.read(), &mut checks);
    }
    while guest_runs() {
        sel4::r#yield();
    }
    quiet(&account, &mut checks);
    let counted = host_counts();
    checks.hold(
        "afterwards the host counts its own loop",
        counted.is_ok_and(|instructions| instructions >= 2 * TURNS),
    );
    end(checks.verdict())
}

fn guest_runs() -> bool {
    look(&mut supervisor()) == Guest::Runs
}

fn strike(blow: Blow) -> sel4::Result<()> {
    caps::victim.suspend()?;
    match blow {
        Blow::Pause => (0..PAUSE).for_each(|_| sel4::r#yield()),
        Blow::Kill => {
            let mut registers = caps::victim.read_all_registers()?;
            // Nothing is ever mapped there.
            registers.rip = 0;
            caps::victim.write_all_registers(&registers)?;
        }
    }
    caps::victim.resume()
}

/// Every context that was loaded was put, but for the one that is on the counters.
fn balance(page: &AccountingPage, checks: &mut Checks) {
    let puts: u64 = page.puts.iter().sum();
    let resident = u64::from(page.resident != 0);
    checks.same(
        "loads, and puts with what is resident",
        page.loads,
        puts + resident,
    );
}

fn quiet(account: &Account, checks: &mut Checks) {
    let before = account.read();
    balance(&before, checks);
    checks.same("the resident context after the guest", before.resident, 0);
    sel4::spin(100_000);
    let after = account.read();
    checks.hold(
        "after the guest nobody touches the counters",
        before.operations == after.operations,
    );
    checks.say(format_args!(
        "{} exits, {} loads, {} entries without a lease, {} guest PMIs",
        after.exits, after.loads, after.refused_entries, after.guest_pmis
    ));
}

/// Instructions of a loop in ring 3, and of what is around it.
fn host_counts() -> Result<u64, PmuError> {
    let mut pmu = PmuClient::new(Connection::to(caps::pmu));
    let event = pmu.open(spec(What::Instructions, false, true, 0))?;
    pmu.enable(event)?;
    sel4::spin(TURNS);
    let reading = pmu.read(event)?;
    pmu.close(event)?;
    Ok(reading.value)
}
