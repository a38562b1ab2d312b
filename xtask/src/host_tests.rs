//! The host's tests: cargo runs them, this module counts them.

use std::fs;

use crate::host;
use crate::process::{self, last_lines};
use crate::refusal::Refusal;
use crate::ui;
use crate::verbs::Counts;
use crate::workspace;

/// Runs the workspace's tests, all or those whose names contain `filter`.
///
/// A test that fails is counted; a test program that cannot be built is an error.
pub(crate) fn run(filter: Option<&str>) -> anyhow::Result<Counts> {
    let mut command = host::cargo("test");
    command.args(["--workspace", "--no-fail-fast"]).args(filter);
    let log = workspace::log("host-tests");
    let outcome = ui::step("the host's tests", 180, Some(&log), || {
        Ok(process::run_logged(&mut command, &log))
    })?;
    let text = fs::read(&log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let counts = counts_of(&text);
    match outcome {
        Err(error) if counts.failed == 0 => return Err(error),
        Err(_) => eprintln!("{}", failures_of(&text)),
        Ok(()) if counts == Counts::default() && filter.is_none() => {
            let log = workspace::shown(&log);
            return Err(Refusal::because(format!(
                "cargo test ran no test at all, see {log}"
            )));
        }
        Ok(()) => {}
    }
    println!("host tests: {counts}");
    Ok(counts)
}

/// The sum of libtest's summary lines: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
///
/// A program that ends without such a line has crashed: cargo then says which failed.
fn counts_of(log: &str) -> Counts {
    let mut counts = Counts::default();
    for line in log.lines().filter(|line| line.starts_with("test result: ")) {
        let number = |word: &str| -> u64 {
            let before = line.split(word).next().unwrap_or_default().trim_end();
            before
                .rsplit(' ')
                .next()
                .and_then(|number| number.parse().ok())
                .unwrap_or(0)
        };
        counts.passed += number(" passed");
        counts.failed += number(" failed");
        counts.skipped += number(" ignored");
    }
    let is_crash =
        |line: &&str| line.contains("process didn't exit successfully") && line.contains("signal:");
    counts.failed += u64::try_from(log.lines().filter(is_crash).count()).unwrap_or(u64::MAX);
    counts
}

/// What failed tests said, as libtest prints it between `failures:` and the summary.
fn failures_of(log: &str) -> String {
    let mut inside = false;
    let mut out = Vec::new();
    for line in log.lines() {
        inside = (inside || line == "failures:") && !line.starts_with("test result: ");
        if inside || line.starts_with("error: ") || line.starts_with("Caused by") {
            out.push(line);
        }
    }
    last_lines(&out.join("\n"), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
running 2 tests
test a ... ok
test b ... FAILED

failures:

---- b stdout ----
why b failed

test result: FAILED. 1 passed; 1 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.00s

error: test failed, to rerun pass `-p x --lib`
test result: ok. 20 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
";

    #[test]
    fn the_summaries_of_all_test_programs_are_added() {
        assert_eq!(
            counts_of(LOG),
            Counts {
                passed: 21,
                failed: 1,
                skipped: 3
            }
        );
    }

    #[test]
    fn a_test_program_that_crashes_is_a_failure() {
        let log = "  process didn't exit successfully: `/x/deps/y` (signal: 6, SIGABRT: abort)\n";
        assert_eq!(counts_of(log).failed, 1);
    }

    #[test]
    fn what_failed_tests_said_is_shown_and_the_rest_is_not() {
        let said = failures_of(LOG);
        assert!(
            said.contains("why b failed") && !said.contains("test a"),
            "{said}"
        );
    }
}
