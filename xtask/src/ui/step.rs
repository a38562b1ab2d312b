//! Long steps: what is done, how long it usually takes, where its log is.

use std::path::Path;
use std::time::Instant;

use super::paint::on_error;
use crate::workspace;

/// How long a step usually takes on two cores, as the user should read it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Usual {
    /// Too short to speak of: nothing is printed unless the step fails.
    Moment,
    /// About this many seconds, when everything has to be done.
    Seconds(u32),
}

/// Does `work` and frames it with a line before and a line after.
///
/// The line before says where the log grows, so that an impatient user can look.
pub(crate) fn step<T>(
    what: &str,
    usual: Usual,
    log: Option<&Path>,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let paint = on_error();
    if let Usual::Seconds(seconds) = usual {
        let log = log.map_or(String::new(), |log| {
            format!(", log {}", workspace::shown(log))
        });
        let length = paint.dim(&format!("(up to {seconds} s{log})"));
        eprintln!("{} {what} {length}", paint.bold("    start"));
    }
    let since = Instant::now();
    let outcome = work();
    if matches!(usual, Usual::Seconds(_)) {
        let word = match &outcome {
            Ok(_) => paint.green("     done"),
            Err(_) => paint.red("   failed"),
        };
        eprintln!("{word} {what} in {:.1} s", since.elapsed().as_secs_f64());
    }
    outcome
}
