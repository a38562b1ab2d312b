//! Before, while and after: what is counted when, and what must come out.

use idl::pmu::{PmuClient, PmuError};
use idl::supervisor::{SupervisorClient, Verdict};
use idl_runtime::Connection;
use profile::{Account, Counted, Events, Guest, PERIOD};
use sel4::{Cap, init_slot};
use text::Printer;

use crate::caps;
use crate::findings::Findings;

/// Measurements before the guest runs, and after it.
const MEASUREMENTS: u64 = 10;
/// How often the counters must have changed hands, to and fro, for the demonstration to show anything.
const HANDOVERS: u64 = 100;
/// Register operations of a change of owner with every counter in use on both sides: writes, RDPMC, RDMSR. The guest's are
/// all in use: it reads them without an exit.
const LIMITS: [u64; 3] = [25, 12, 1];

/// Everything; says whether all of it was right.
pub(crate) fn run(account: &Account) -> Verdict {
    let mut findings = Findings::new(Printer::to(caps::console));
    if let Err(error) = count(account, &mut findings) {
        findings.fail(format_args!("pmu-server refused: {error:?}."));
    }
    findings.verdict()
}

fn count(account: &Account, findings: &mut Findings) -> Result<(), PmuError> {
    let mut pmu = PmuClient::new(Connection::to(caps::pmu));
    let supervisor = Connection::to(Cap::from_bits(init_slot::SUPERVISOR));
    let mut supervisor = SupervisorClient::new(supervisor);
    if pmu.describe()?.counters == 0 {
        findings.fail(format_args!(
            "This CPU has no counters that could be handed over."
        ));
        return Ok(());
    }
    findings.say(format_args!(
        "I profile the host with this CPU's counters: before, between and after a guest's turns."
    ));
    findings.say(format_args!(
        "The guest measures itself with the same counters. Every number has one right value."
    ));
    let mut events = Events::open(pmu)?;

    // The shortest loop tells what is around a loop: reading, calling, returning. It never changes.
    let around = events.measure(1)?;
    let before = measure_often(&mut events, around, 0)?;
    let loads_before = account.read().loads;

    // This thread is more urgent than the VMM, so each measurement takes the CPU and the counters from the guest. Yielding gives
    // both back until the next period begins.
    let mut during = Sums::default();
    let (mut samples, mut samples_expected, mut sampled_before) = (0, 0, 0);
    while profile::look(&mut supervisor) == Guest::Runs {
        measure_once(&mut events, around, during.measurements, &mut during)?;
        // Samples are taken in between: their interrupts would break into the measurements.
        events.enable(events.sampled)?;
        sel4::r#yield();
        events.disable(events.sampled)?;
        let counted = events.read(events.sampled)?.value;
        // Each stretch begins a period anew.
        samples_expected += (counted - sampled_before) / PERIOD;
        sampled_before = counted;
        samples += events.take_samples()?;
    }
    let after = measure_often(&mut events, around, during.measurements)?;

    let [instructions, branches, sampled] =
        [events.instructions, events.branches, events.sampled].map(|event| events.read(event));
    let (instructions, branches, sampled) = (instructions?, branches?, sampled?);
    let page = account.read();

    findings.say(format_args!(
        "The guest has ended. I had measured loops of my own in ring 3, beside what each must count:"
    ));
    findings.say(format_args!("   counted   expected"));
    for (sums, when) in [
        (&before, "before the guest came"),
        (&during, "between the guest's turns"),
        (&after, "after the guest had gone"),
    ] {
        sums.tell(findings, when);
    }
    findings.row(
        samples,
        samples_expected,
        "samples, one every 20000 instructions",
    );
    findings.row(
        instructions.time_blind,
        page.guest_time,
        "ticks blind, as client and kernel saw them",
    );
    findings.row(
        instructions.time_running,
        instructions.time_enabled,
        "ticks on a counter, of those enabled",
    );

    findings.say(format_args!(
        "My events from first to last: for how many ns they were wanted, counted, and blind for a guest:"
    ));
    findings.say(format_args!("   counted    enabled    running      blind"));
    findings.times("instructions, ring 3", &instructions);
    findings.times("branches, ring 3", &branches);
    findings.times("instructions, rings 0 and 3, sampled", &sampled);

    findings.say(format_args!(
        "What the counters' changes of owner took, by the kernel's own account:"
    ));
    findings.account(&page);
    findings.say(format_args!("    needed   at most"));
    for (operations, whose) in [
        (page.last_load, "from host to guest"),
        (page.last_put, "from guest to host"),
    ] {
        let [reads, writes, counter_reads, vector_writes] = operations;
        let [most_writes, most_counter_reads, most_reads] = LIMITS;
        findings.say(format_args!("    {whose}:"));
        findings.limit(writes + vector_writes, most_writes, "WRMSR, LVTPC included");
        findings.limit(counter_reads, most_counter_reads, "RDPMC");
        findings.limit(reads, most_reads, "RDMSR");
    }
    let puts: u64 = page.puts.iter().sum();
    findings.hold(
        loads_before == 0,
        "no guest had the counters before the host was measured",
    );
    findings.hold(
        page.loads >= HANDOVERS,
        "the guest got the counters at least 100 times",
    );
    findings.hold(page.loads == puts, "who got the counters gave them back");
    findings.hold(
        during.measurements > 0,
        "the host was measured while the guest ran",
    );
    Ok(())
}

/// Measurements of loops of different lengths, added up.
#[derive(Clone, Copy, Default, Debug)]
struct Sums {
    measurements: u64,
    interrupted: u64,
    counted: Counted,
    expected: Counted,
    wrong: u64,
}

impl Sums {
    fn tell(&self, findings: &mut Findings, when: &str) {
        let Self {
            measurements,
            interrupted,
            counted,
            expected,
            wrong,
        } = self;
        let whole = measurements - interrupted;
        findings.say(format_args!(
            "    {whole} measurements {when} ({interrupted} more that an interrupt broke into):"
        ));
        findings.row(counted.instructions, expected.instructions, "instructions");
        findings.row(counted.branches, expected.branches, "branches");
        findings.row(*wrong, 0, "measurements that were not exact");
        findings.hold(whole > 0, "something could be measured");
    }
}

fn measure_often(events: &mut Events, around: Counted, first: u64) -> Result<Sums, PmuError> {
    let mut sums = Sums::default();
    for number in first..first + MEASUREMENTS {
        measure_once(events, around, number, &mut sums)?;
    }
    Ok(sums)
}

fn measure_once(
    events: &mut Events,
    around: Counted,
    number: u64,
    sums: &mut Sums,
) -> Result<(), PmuError> {
    // No two alike, so that a value that was kept from the last one shows.
    let turns = 1000 + 37 * number;
    let counted = events.measure(turns)?;
    let expected = around.expected_of(turns);
    sums.measurements += 1;
    if counted.kernel != expected.kernel {
        sums.interrupted += 1;
        return Ok(());
    }
    sums.counted.instructions += counted.instructions;
    sums.counted.branches += counted.branches;
    sums.expected.instructions += expected.instructions;
    sums.expected.branches += expected.branches;
    sums.wrong += u64::from(counted != expected);
    Ok(())
}
