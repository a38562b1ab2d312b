//! Says why a run did not pass, with what the machine said last.

use std::fmt::Write as _;
use std::path::Path;

use testproto::Verdict;

use crate::emulator::{Outcome, Watch};
use crate::process::last_lines;
use crate::symbols::Symbols;

/// How many lines of each console are worth showing.
const LINES: usize = 25;

/// Everything that helps to find the fault, most telling first.
///
/// `watch` says what the user has seen already.
pub(crate) fn explain(outcome: &Outcome, kernel: &Path, watch: Watch) -> String {
    let mut out = String::new();
    let report = &outcome.report;
    let symbols = Symbols::of(kernel);
    let annotate = |text: &str| match &symbols {
        Ok(symbols) => symbols.annotate(text),
        Err(_) => format!("{text}\n"),
    };
    for test in report
        .tests
        .iter()
        .filter(|test| test.verdict == Verdict::Failed)
    {
        section(&mut out, &format!("test {} failed", test.name), &test.note);
    }
    if let Some(panic) = &report.panic {
        section(&mut out, "the kernel panicked", &annotate(panic));
    }
    if !report.malformed.is_empty() {
        section(
            &mut out,
            "damaged frames on the test port",
            &report.malformed.join("\n"),
        );
    }
    if !report.trace.is_empty() {
        let events: Vec<String> = report.trace.iter().map(ToString::to_string).collect();
        section(
            &mut out,
            "last trace events",
            &last_lines(&events.join("\n"), LINES),
        );
    }
    if watch == Watch::Silent {
        let text = String::from_utf8_lossy(&outcome.console);
        section(
            &mut out,
            "last lines of the console",
            &last_lines(&text, LINES),
        );
    }
    // The kernel says the same on both ports, unless the serial one does not work yet.
    if report.panic.is_none() && outcome.console.is_empty() {
        let text = String::from_utf8_lossy(&report.text);
        section(
            &mut out,
            "last lines on the test port",
            &annotate(&last_lines(&text, LINES)),
        );
    }
    if outcome.console.is_empty() && report.text.is_empty() && report.panic.is_none() {
        let heading = "the console and the test port";
        section(&mut out, heading, "not a word on either");
    }
    section(
        &mut out,
        "the emulator said",
        &last_lines(&outcome.complaints, LINES),
    );
    out
}

/// Adds a heading and indented lines, unless there is nothing under the heading.
fn section(out: &mut String, heading: &str, text: &str) {
    if text.trim().is_empty() && !heading.starts_with("test ") {
        return;
    }
    let _ = writeln!(out, "{heading}:");
    for line in text.trim_end().lines() {
        let _ = writeln!(out, "    {}", line.trim_end_matches('\r'));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::expect;
    use testproto::{Item, Record};

    use super::*;
    use crate::emulator::outcome::{Ended, Report};

    #[test]
    fn a_hang_shows_the_test_the_trace_and_the_console() {
        let mut report = Report::default();
        let arguments = [1, 2, 0x30];
        for record in [
            Record::Trace {
                time: 1200,
                cpu: 0,
                name: "CallBlocked",
                arguments,
            },
            Record::TestBegin {
                name: "a_reply_arrives",
            },
        ] {
            report.add(Item::Record(record));
        }
        let ended = Ended::Hung(Duration::from_secs(60));
        report.give_up_running(&ended.to_string());
        let console = b"baton\r\nwaiting\r\n".to_vec();
        let outcome = Outcome {
            ended,
            report,
            console,
            complaints: String::new(),
            fingerprint: crate::emulator::Fingerprint::default(),
        };
        expect![[r"
            test a_reply_arrives failed:
                hung: no end after 60 s
            last trace events:
                          1200 cpu0 CallBlocked 0x1 0x2 0x30
            last lines of the console:
                baton
                waiting
        "]]
        .assert_eq(&explain(
            &outcome,
            Path::new("no-such-kernel"),
            Watch::Silent,
        ));
    }
}
