//! A shell stands in for the emulator: it says things, ends, or does not end.

use std::process::Command;

use testproto::{Record, Verdict, send};

use super::super::RunFolder;
use super::*;

/// Runs a shell script as if it were an emulator: output is the test port.
fn attend_script(script: &str, limit: Duration) -> Outcome {
    let folder = RunFolder::create().expect("a folder");
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    let launch = Launch {
        command,
        console: Console::StandardError,
    };
    attend(launch, folder.path(), Some(limit), Watch::Silent).expect("sh starts")
}

/// A shell command that prints the frames of these records.
fn print(records: &[Record<'_>]) -> String {
    let mut octal = String::new();
    for record in records {
        send(record, |byte| octal.push_str(&format!("\\{byte:03o}")));
    }
    format!("printf '{octal}'")
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn the_verdict_is_the_status_and_everything_else_is_no_verdict() {
    let cases = [
        ("exit 33", Ended::ByItself(End::Passed)),
        ("exit 35", Ended::ByItself(End::Failed)),
        ("exit 37", Ended::ByItself(End::Panicked)),
    ];
    for (script, want) in cases {
        assert_eq!(attend_script(script, LONG).ended, want, "{script}");
    }
    for script in ["exit 0", "exit 1", "kill -9 $$"] {
        let ended = attend_script(script, LONG).ended;
        assert!(
            matches!(ended, Ended::WithoutVerdict(_)),
            "{script}: {ended}"
        );
    }
}

#[test]
fn a_machine_that_hangs_is_stopped_and_its_test_has_failed() {
    let begin = print(&[
        Record::Trace {
            time: 5,
            cpu: 0,
            name: "Waiting",
            arguments: [1, 2, 3],
        },
        Record::TestBegin { name: "it_ends" },
    ]);
    let start = Instant::now();
    let script = format!("{begin}; echo last line >&2; exec sleep 60");
    let outcome = attend_script(&script, Duration::from_millis(500));
    assert!(start.elapsed() < Duration::from_secs(20), "it was stopped");
    assert_eq!(outcome.ended, Ended::Hung(Duration::from_millis(500)));
    assert_eq!(outcome.console, b"last line\n");
    assert_eq!(outcome.report.trace.len(), 1);
    let [test] = &outcome.report.tests[..] else {
        panic!("{:?}", outcome.report.tests)
    };
    assert_eq!((&*test.name, test.verdict), ("it_ends", Verdict::Failed));
}

#[test]
fn text_records_and_console_are_told_apart() {
    let script = format!(
        "printf 'boot '; {}; printf 'more'; echo console >&2; exit 33",
        print(&[
            Record::Hello {
                board: "b",
                system: "s"
            },
            Record::Done
        ])
    );
    let outcome = attend_script(&script, LONG);
    assert_eq!(outcome.report.text, b"boot more");
    assert_eq!(outcome.report.hello, Some(("b".into(), "s".into())));
    assert!(outcome.report.is_done && outcome.has_passed());
    assert_eq!(outcome.console, b"console\n");
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let folder = RunFolder::create().expect("a folder");
    let command = Command::new("no-such-emulator");
    let launch = Launch {
        command,
        console: Console::StandardError,
    };
    let error = attend(launch, folder.path(), None, Watch::Silent).expect_err("does not exist");
    assert!(
        error.to_string().contains("cannot start no-such-emulator"),
        "{error}"
    );
}
