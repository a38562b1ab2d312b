//! What a run showed: how it ended, its tests, its measurements, its last words.

use std::collections::VecDeque;
use std::time::Duration;

use testproto::{End, Item, Record, Verdict};

/// How many trace events are kept for a run that hangs.
const TRACE_KEPT: usize = 40;

/// What a run showed.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How it ended.
    pub(crate) ended: Ended,
    /// What the image reported on the test port.
    pub(crate) report: Report,
    /// Everything the machine wrote on its first serial port.
    pub(crate) console: Vec<u8>,
    /// What the emulator itself complained about.
    pub(crate) complaints: String,
    /// What another run of the same must repeat.
    pub(crate) fingerprint: Fingerprint,
}

/// What tells two runs apart that should be the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// SHA-256 of every byte on the test port, in hexadecimal.
    pub(crate) output: String,
    /// Instructions that each CPU had executed when the machine ended, if the emulator says so.
    pub(crate) instructions: Vec<u64>,
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let output = self.output.get(..16).unwrap_or_default();
        let counts: Vec<String> = self.instructions.iter().map(u64::to_string).collect();
        write!(out, "output {output}, instructions {}", counts.join(" "))
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The image ended it with a verdict.
    ByItself(End),
    /// The emulator ended without a verdict of the image: a reset, a crash.
    WithoutVerdict(String),
    /// It did not end and was stopped after this time.
    Hung(Duration),
}

/// What the image reported, in order.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Board and system, from the first record.
    pub(crate) hello: Option<(String, String)>,
    /// Tests that ended.
    pub(crate) tests: Vec<TestResult>,
    /// The test that began and has not ended.
    pub(crate) running: Option<String>,
    /// Measurements.
    pub(crate) metrics: Vec<Metric>,
    /// The last trace events, oldest first.
    pub(crate) trace: VecDeque<TraceEvent>,
    /// What the kernel said when it panicked.
    pub(crate) panic: Option<String>,
    /// Text on the test port: the kernel's own console.
    pub(crate) text: Vec<u8>,
    /// Frames that were no records.
    pub(crate) malformed: Vec<String>,
    /// Whether the image said that it had sent everything.
    pub(crate) is_done: bool,
}

/// How a test on the machine ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestResult {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    pub(crate) note: String,
}

/// A measurement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) min: u64,
    pub(crate) median: u64,
    pub(crate) max: u64,
    pub(crate) count: u64,
}

/// A trace event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceEvent {
    pub(crate) time: u64,
    pub(crate) cpu: u16,
    pub(crate) name: String,
    pub(crate) arguments: [u64; 3],
}

impl Report {
    /// Adds what the stream held next.
    pub(crate) fn add(&mut self, item: Item<'_>) {
        match item {
            Item::Text(byte) => self.text.push(byte),
            Item::Record(record) => self.add_record(&record),
            Item::Malformed { cause, bytes } => {
                // After a panic inside a frame its text is among these bytes.
                let text = String::from_utf8_lossy(bytes);
                self.malformed
                    .push(format!("{cause:?}: {}", text.escape_debug()));
            }
        }
    }

    fn add_record(&mut self, record: &Record<'_>) {
        match *record {
            Record::Hello { board, system } => {
                self.hello = Some((board.to_owned(), system.to_owned()));
            }
            Record::TestBegin { name } => {
                self.give_up_running("it never ended");
                self.running = Some(name.to_owned());
            }
            Record::TestEnd {
                name,
                verdict,
                note,
            } => {
                self.running = None;
                self.tests.push(TestResult {
                    name: name.to_owned(),
                    verdict,
                    note: note.to_owned(),
                });
            }
            Record::Metric {
                name,
                unit,
                min,
                median,
                max,
                count,
            } => {
                let (name, unit) = (name.to_owned(), unit.to_owned());
                self.metrics.push(Metric {
                    name,
                    unit,
                    min,
                    median,
                    max,
                    count,
                });
            }
            Record::Trace {
                time,
                cpu,
                name,
                arguments,
            } => {
                if self.trace.len() == TRACE_KEPT {
                    self.trace.pop_front();
                }
                self.trace.push_back(TraceEvent {
                    time,
                    cpu,
                    name: name.to_owned(),
                    arguments,
                });
            }
            Record::Panic { text } => self.panic = Some(text.to_owned()),
            Record::Done => self.is_done = true,
        }
    }

    /// A test that began and cannot end any more has failed.
    pub(crate) fn give_up_running(&mut self, note: &str) {
        if let Some(name) = self.running.take() {
            self.tests.push(TestResult {
                name,
                verdict: Verdict::Failed,
                note: note.to_owned(),
            });
        }
    }
}

impl std::fmt::Display for TraceEvent {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c] = self.arguments;
        write!(
            out,
            "{:>14} cpu{} {} {a:#x} {b:#x} {c:#x}",
            self.time, self.cpu, self.name
        )
    }
}

impl Outcome {
    /// Whether the run showed what it was to show: it ended itself with `Passed`, and no
    /// test, no frame and no panic says otherwise.
    pub(crate) fn has_passed(&self) -> bool {
        self.ended == Ended::ByItself(End::Passed)
            && self.report.panic.is_none()
            && self.report.malformed.is_empty()
            && self.report.running.is_none()
            && self
                .report
                .tests
                .iter()
                .all(|test| test.verdict != Verdict::Failed)
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ByItself(End::Passed) => out.write_str("passed"),
            Self::ByItself(End::Failed) => out.write_str("failed"),
            Self::ByItself(End::Panicked) => out.write_str("the kernel panicked"),
            Self::WithoutVerdict(how) => write!(out, "no verdict: {how}"),
            Self::Hung(limit) => write!(out, "hung: no end after {} s", limit.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(report: Report) -> Outcome {
        let ended = Ended::ByItself(End::Passed);
        Outcome {
            ended,
            report,
            console: Vec::new(),
            complaints: String::new(),
            fingerprint: Fingerprint::default(),
        }
    }

    #[test]
    fn a_run_that_ended_well_but_left_a_test_open_has_not_passed() {
        let mut report = Report::default();
        report.add(Item::Record(Record::TestBegin { name: "a" }));
        assert!(!outcome(report).has_passed());
        assert!(outcome(Report::default()).has_passed());
    }

    #[test]
    fn a_test_that_never_ended_fails_when_the_next_begins() {
        let mut report = Report::default();
        report.add(Item::Record(Record::TestBegin { name: "a" }));
        report.add(Item::Record(Record::TestBegin { name: "b" }));
        report.add(Item::Record(Record::TestEnd {
            name: "b",
            verdict: Verdict::Passed,
            note: "",
        }));
        let verdicts: Vec<_> = report.tests.iter().map(|t| (&*t.name, t.verdict)).collect();
        assert_eq!(verdicts, [("a", Verdict::Failed), ("b", Verdict::Passed)]);
        assert!(!outcome(report).has_passed());
    }

    #[test]
    fn only_the_last_trace_events_are_kept() {
        let mut report = Report::default();
        for time in 0..100 {
            let record = Record::Trace {
                time,
                cpu: 0,
                name: "Tick",
                arguments: [0; 3],
            };
            report.add(Item::Record(record));
        }
        assert_eq!(report.trace.len(), TRACE_KEPT);
        assert_eq!(report.trace.back().map(|event| event.time), Some(99));
    }
}
