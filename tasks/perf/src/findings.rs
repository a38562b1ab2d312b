//! What came out beside what had to come out, and the verdict.

use core::fmt::Write as _;

use idl::pmu::Reading;
use idl::supervisor::Verdict;
use sel4_sys::pmu::AccountingPage;
use text::Printer;

/// Names of the reasons in `AccountingPage::puts`.
const REASONS: [&str; 7] = [
    "its thread left the CPU",
    "its slice ended",
    "an exit went to the VMM",
    "its lease was revoked",
    "the mode changed",
    "another guest came",
    "its VMM died",
];

/// Where findings are told.
pub(crate) struct Findings {
    out: Printer,
    wrong: u64,
}

impl Findings {
    /// Nothing is wrong so far.
    pub(crate) const fn new(out: Printer) -> Self {
        Self { out, wrong: 0 }
    }

    /// Prints a line. Without a console the verdict still counts.
    pub(crate) fn say(&mut self, line: core::fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(line);
        let _ = self.out.write_str("\n");
    }

    /// A row: what was counted, and the one number that it had to be.
    pub(crate) fn row(&mut self, counted: u64, expected: u64, what: &str) {
        let remark = if counted == expected { "" } else { "  WRONG" };
        self.wrong += u64::from(counted != expected);
        self.say(format_args!("{counted:>10} {expected:>10}  {what}{remark}"));
    }

    /// A row: what was needed, and how much it may be.
    pub(crate) fn limit(&mut self, needed: u64, limit: u64, what: &str) {
        let remark = if needed <= limit { "" } else { "  TOO MUCH" };
        self.wrong += u64::from(needed > limit);
        self.say(format_args!("{needed:>10} {limit:>10}  {what}{remark}"));
    }

    /// A statement that must hold.
    pub(crate) fn hold(&mut self, holds: bool, statement: &str) {
        if !holds {
            self.wrong += 1;
            self.say(format_args!("This does not hold: {statement}."));
        }
    }

    /// Something that ended the demonstration.
    pub(crate) fn fail(&mut self, what: core::fmt::Arguments<'_>) {
        self.wrong += 1;
        self.say(what);
    }

    /// The times of an event.
    pub(crate) fn times(&mut self, name: &str, reading: &Reading) {
        let Reading {
            value,
            time_enabled,
            time_running,
            time_blind,
        } = reading;
        self.say(format_args!(
            "{value:>10} {time_enabled:>10} {time_running:>10} {time_blind:>10}  {name}"
        ));
    }

    /// What changing hands has cost.
    pub(crate) fn account(&mut self, page: &AccountingPage) {
        let loads = page.loads;
        self.say(format_args!("{:>10}  VM entries and exits", page.exits));
        self.say(format_args!(
            "{:>10}  of them after which the guest kept the counters",
            page.exits_kept
        ));
        self.say(format_args!(
            "{loads:>10}  times the guest got the counters"
        ));
        for (count, reason) in page.puts.iter().zip(REASONS) {
            if *count > 0 {
                self.say(format_args!(
                    "{count:>10}  times the host got them back: {reason}"
                ));
            }
        }
        self.say(format_args!(
            "{:>10}  interrupts of the host's counters; {} of them late, {} refused by the rate limit",
            page.host_pmis, page.swallowed_nmis, page.throttled
        ));
    }

    /// The verdict so far.
    pub(crate) const fn verdict(&self) -> Verdict {
        if self.wrong == 0 {
            Verdict::Passed
        } else {
            Verdict::Failed
        }
    }
}
