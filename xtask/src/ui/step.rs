//! Long steps: what is done, how long it usually takes, where its log is.

use std::path::Path;
use std::time::Instant;

use super::paint::on_error;
use crate::workspace;

/// Does `work` and frames it with a line before and a line after.
///
/// `seconds` is about how long it takes on two cores when everything has to be done.
///
/// The line before says where the log grows, so that an impatient user can look.
pub(crate) fn step<T>(
    what: &str,
    seconds: u32,
    log: Option<&Path>,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let paint = on_error();
    let log = log.map_or(String::new(), |log| {
        format!(", log {}", workspace::shown(log))
    });
    let length = paint.dim(&format!("(up to {seconds} s{log})"));
    eprintln!("{} {what} {length}", paint.bold("    start"));
    let since = Instant::now();
    let outcome = work();
    let word = match &outcome {
        Ok(_) => paint.green("     done"),
        Err(_) => paint.red("   failed"),
    };
    eprintln!("{word} {what} in {:.1} s", since.elapsed().as_secs_f64());
    outcome
}
