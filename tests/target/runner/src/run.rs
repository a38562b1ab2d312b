//! One run of a test system: which test, what it expects, how it ended.

use core::fmt::Write as _;

use idl::runner::{Culprit, Expectation, Machine, Measured, Outcome, RunnerServer};
use idl_runtime::{Bytes, Caller};
use root::{Cause, send_record};
use sel4::cap::Port;
use sel4::{BootInfo, Start, reset};
use sysdesc::Task;
use testproto::{End, Record, Verdict};

use crate::text::Text;

/// Badges: positions in the system description.
const SUITE: u64 = 1;
const ASSIST: u64 = 2;

/// A fault message as it came.
pub(crate) struct Message {
    pub(crate) label: u64,
    pub(crate) words: [u64; 6],
}

/// What the run knows.
pub(crate) struct Run {
    tasks: &'static [Task],
    boot: Option<&'static BootInfo>,
    port: Port,
    /// The test that is next, or runs.
    index: u32,
    name: Option<Text<160>>,
    expected: Option<Expectation>,
    /// Whether the suite got a new life since the last question.
    has_renewed_suite: bool,
    has_failed: bool,
    is_over: bool,
}

impl Run {
    pub(crate) fn new(start: Start, port: Port) -> Self {
        Self {
            tasks: start.tasks(),
            boot: start.boot_info(),
            port,
            index: 0,
            name: None,
            expected: None,
            has_renewed_suite: false,
            has_failed: false,
            is_over: false,
        }
    }

    /// Says hello and starts the tasks.
    pub(crate) fn begin(&mut self) {
        let system = self.boot.map_or(&[][..], |boot| &boot.system);
        let board = self.boot.map_or(&[][..], |boot| &boot.cpu);
        let (board, system) = (padded(board), padded(system));
        let (board, system) = (board.as_str(), system.as_str());
        send_record(self.port, &Record::Hello { board, system });
        for task in self.tasks {
            reset::thread_of(task)
                .resume()
                .expect("the runner may start every task");
        }
    }

    /// How the run has ended, once it has.
    pub(crate) fn ended(&self) -> Option<End> {
        self.is_over.then_some(if self.has_failed {
            End::Failed
        } else {
            End::Passed
        })
    }

    /// Whether the suite got a new life since the last question: then it does not wait for an answer any more.
    pub(crate) fn took_new_life(&mut self) -> bool {
        core::mem::take(&mut self.has_renewed_suite)
    }

    /// A task died.
    pub(crate) fn died(&mut self, badge: u64, cause: &Cause<'_>, message: Option<&Message>) {
        let culprit = if badge == SUITE {
            Culprit::Suite
        } else {
            Culprit::Assist
        };
        let expected = self.expected.take();
        let as_expected = match (&expected, message) {
            (Some(expected), Some(message)) => {
                expected.culprit == culprit && matches(expected, message)
            }
            _ => false,
        };
        if as_expected && culprit == Culprit::Assist {
            self.renew(ASSIST);
            return;
        }
        if as_expected {
            self.end_test(Outcome::Passed, "");
            return;
        }
        let mut note: Text<600> = Text::new();
        let who = self
            .task(badge)
            .map_or("somebody", |task| task.name.as_str());
        let _ = write!(note, "the task {who} {cause}");
        if let (Some(expected), Some(message)) = (&expected, message) {
            let _ = write!(
                note,
                "; message {} {:x?}, expected {} {:x?} where {:x?}",
                message.label, message.words, expected.label, expected.words, expected.masks
            );
        }
        self.end_test(Outcome::Failed, note.as_str());
    }

    /// The test is over, and fresh tasks begin the next one.
    fn end_test(&mut self, outcome: Outcome, note: &str) {
        let Some(name) = self.name.take() else {
            // Nothing ran: the suite is broken before its first test, or between two.
            self.is_over = true;
            self.has_failed = true;
            let name = "the_suite_lives_between_tests";
            send_record(self.port, &Record::TestBegin { name });
            let verdict = Verdict::Failed;
            send_record(
                self.port,
                &Record::TestEnd {
                    name,
                    verdict,
                    note,
                },
            );
            return;
        };
        let verdict = match outcome {
            Outcome::Passed => Verdict::Passed,
            Outcome::Failed => Verdict::Failed,
            Outcome::Skipped => Verdict::Skipped,
        };
        self.has_failed |= verdict == Verdict::Failed;
        let name = name.as_str();
        send_record(
            self.port,
            &Record::TestEnd {
                name,
                verdict,
                note,
            },
        );
        self.expected = None;
        self.index += 1;
        self.renew(ASSIST);
        self.renew(SUITE);
    }

    /// Gives a task a new life. A system without that task does without.
    fn renew(&mut self, badge: u64) {
        self.has_renewed_suite |= badge == SUITE;
        if let Some(task) = self.task(badge) {
            reset::task(task).expect("the runner may reset every task");
            reset::thread_of(task)
                .resume()
                .expect("the runner may start every task");
        }
    }

    fn task(&self, badge: u64) -> Option<&'static Task> {
        let index = usize::try_from(badge).ok()?.checked_sub(1)?;
        self.tasks.get(index)
    }
}

fn matches(expected: &Expectation, message: &Message) -> bool {
    let words = expected
        .words
        .iter()
        .zip(&message.words)
        .zip(&expected.masks);
    let mut differences = words.map(|((expected, came), mask)| (expected ^ came) & mask);
    expected.label == message.label && differences.all(|difference| difference == 0)
}

/// The text of a field that is padded with zero bytes.
fn padded(bytes: &[u8]) -> Text<64> {
    let end = bytes
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(bytes.len());
    Text::of(bytes.get(..end).unwrap_or_default())
}

impl RunnerServer for Run {
    fn which_test(&mut self, _: Caller) -> u32 {
        self.index
    }

    fn begin(&mut self, _: Caller, name: Bytes<160>) {
        let name = Text::of(&name);
        send_record(
            self.port,
            &Record::TestBegin {
                name: name.as_str(),
            },
        );
        self.name = Some(name);
    }

    fn expect(&mut self, _: Caller, fault: Expectation) {
        self.expected = Some(fault);
    }

    fn end(&mut self, _: Caller, outcome: Outcome, note: Bytes<600>) {
        let note: Text<600> = Text::of(&note);
        if outcome == Outcome::Passed && self.expected.is_some() {
            self.end_test(
                Outcome::Failed,
                "the fault that the test expected did not come",
            );
        } else {
            self.end_test(outcome, note.as_str());
        }
    }

    fn finished(&mut self, _: Caller) {
        self.is_over = true;
    }

    fn measured(&mut self, _: Caller, values: Measured, name: Bytes<64>) {
        let Measured {
            min,
            median,
            max,
            count,
        } = values;
        let name: Text<64> = Text::of(&name);
        let (name, unit) = (name.as_str(), "instructions");
        send_record(
            self.port,
            &Record::Metric {
                name,
                unit,
                min,
                median,
                max,
                count,
            },
        );
    }

    fn machine(&mut self, _: Caller) -> Machine {
        self.boot.map_or(
            Machine {
                features: 0,
                tsc_hz: 0,
                boot_ticks: 0,
                memory_bytes: 0,
                used_bytes: 0,
            },
            |boot| Machine {
                features: boot.features,
                tsc_hz: boot.tsc_hz,
                boot_ticks: boot.tsc_at_first_task.saturating_sub(boot.tsc_at_entry),
                memory_bytes: boot.memory_bytes,
                used_bytes: boot.used_bytes,
            },
        )
    }
}
