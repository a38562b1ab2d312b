//! Runs other programs: output into a log, failures in one line with the cause.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, anyhow};

use crate::refusal::Refusal;
use crate::ui;
use crate::workspace;

/// Whether every command is printed before it runs (`--verbose`).
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Makes every later command print itself.
pub(crate) fn be_verbose() {
    VERBOSE.store(true, Ordering::Relaxed);
}

/// Prints the command if the user asked for that.
pub(crate) fn announce(command: &Command) {
    if VERBOSE.load(Ordering::Relaxed) {
        ui::note(&format!("{command:?}"));
    }
}

/// How many lines of a log are worth showing when its program failed.
const TAIL_LINES: usize = 60;

/// Runs a program with all its output in a file, and fails if the program does.
///
/// The error is one line when the cause is a known one (offline, disk full, package
/// database locked); otherwise the end of the log follows.
pub(crate) fn run_logged(command: &mut Command, log: &Path) -> anyhow::Result<()> {
    announce(command);
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).map_err(|error| storage(&error, folder))?;
    }
    let file = File::create(log).map_err(|error| storage(&error, log))?;
    let both = file.try_clone().map_err(|error| storage(&error, log))?;
    let name = name_of(command);
    let status = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(both)
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    if status.success() {
        return Ok(());
    }
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    if let Some(cause) = known_cause(&text) {
        return Err(Refusal::because(format!(
            "{name}: {cause} (log {})",
            workspace::shown(log)
        )));
    }
    let log = workspace::shown(log);
    Err(anyhow!(
        "{name} failed ({status}); the end of {log}:\n{}",
        last_lines(&text, TAIL_LINES)
    ))
}

/// Runs a program and hands back what it printed; fails if the program does.
pub(crate) fn output_of(command: &mut Command) -> anyhow::Result<String> {
    announce(command);
    let name = name_of(command);
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&stderr);
        return Err(anyhow!(
            "{name} failed ({status}):\n{}",
            last_lines(&said, TAIL_LINES)
        ));
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

/// An input or output error on a file, in words that say what to do about a full disk.
pub(crate) fn storage(error: &std::io::Error, path: &Path) -> anyhow::Error {
    let shown = workspace::shown(path);
    match error.kind() {
        std::io::ErrorKind::StorageFull => Refusal::because(format!(
            "the disk is full: cannot write {shown}; make room and try again"
        )),
        _ => anyhow!("cannot write {shown}: {error}"),
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The program's name without its folders.
fn name_of(command: &Command) -> String {
    Path::new(command.get_program())
        .file_name()
        .map_or_else(|| "?".into(), |name| name.to_string_lossy().into_owned())
}

/// The last lines of a text.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(count);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// What other programs print when something is wrong that the user can mend.
///
/// The phrases are those of apt 2.6 to 3.0, dpkg, cargo and the C library.
pub(crate) fn known_cause(log: &str) -> Option<String> {
    const FULL: &[&str] = &[
        "No space left on device",
        "You don't have enough free space in",
    ];
    const LOCKED: &[&str] = &[
        "Could not get lock",
        "Unable to acquire the dpkg frontend lock",
        "Unable to lock",
    ];
    const OFFLINE: &[&str] = &[
        "Temporary failure resolving",
        "Could not resolve host",
        "Couldn't resolve host",
        "Network is unreachable",
        "Could not connect to",
        "Couldn't connect to server",
        "Failed to connect to",
        "failed to download from",
    ];
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| log.contains(phrase));
    if says(FULL) {
        return Some("the disk is full; make room and try again".into());
    }
    if says(LOCKED) {
        let holder = log
            .split_once("It is held by process ")
            .and_then(|(_, rest)| rest.lines().next())
            .map_or(String::new(), |who| format!(" (process {who})"));
        return Some(format!(
            "another program holds the package database{holder}; wait until it ends and try again"
        ));
    }
    if says(OFFLINE) {
        return Some("the network cannot be reached; this step needs it once".into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_programs_say_becomes_one_line() {
        let cases = [
            (
                "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)\nx",
                Some(
                    "another program holds the package database (process 7 (apt)); \
                     wait until it ends and try again",
                ),
            ),
            (
                "error: failed to write `x`: No space left on device (os error 28)",
                Some("the disk is full; make room and try again"),
            ),
            (
                "warning: spurious network error: Could not resolve host: index.example",
                Some("the network cannot be reached; this step needs it once"),
            ),
            ("error[E0425]: cannot find value `x`", None),
        ];
        for (log, want) in cases {
            assert_eq!(known_cause(log).as_deref(), want, "{log}");
        }
    }

    #[test]
    fn a_failed_program_shows_the_end_of_its_log() {
        let folder = std::env::temp_dir().join(format!("baton-process-{}", std::process::id()));
        let log = folder.join("x.log");
        let mut command = Command::new("sh");
        command.args(["-c", "echo the reason; exit 3"]);
        let error = run_logged(&mut command, &log)
            .expect_err("sh fails")
            .to_string();
        assert!(error.starts_with("sh failed (exit status: 3)"), "{error}");
        assert!(error.ends_with("the reason"), "{error}");
        fs::remove_dir_all(folder).expect("the folder was made above");
    }
}
