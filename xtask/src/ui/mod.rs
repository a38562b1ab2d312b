//! What the user sees while something takes long, and when something is wrong.
//!
//! Progress and errors go to standard error, results to standard output, so that
//! either can be piped. Colours appear on a terminal only.

mod nearest;
mod paint;
mod step;
mod table;

pub(crate) use nearest::{nearest, unknown};
pub(crate) use paint::{on_error, on_output};
pub(crate) use step::step;
pub(crate) use table::Table;

/// Prints an error with its causes on one line, unless a cause has lines of its own.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("{} {error:#}", on_error().red("error:"));
}

/// Prints a line of progress that is not a step.
pub(crate) fn note(text: &str) {
    eprintln!("{:>9} {text}", on_error().bold("note"));
}
