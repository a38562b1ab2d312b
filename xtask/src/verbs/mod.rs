//! One file a verb.

mod clean;
mod doctor;
mod lint;

use crate::cli::{Cli, Verb};
use crate::process;
use crate::refusal::Status;

/// Does what the command line asks for.
pub(crate) fn invoke(cli: &Cli) -> anyhow::Result<Status> {
    if cli.verbose {
        process::be_verbose();
    }
    match &cli.verb {
        Verb::Doctor(_) => doctor::doctor(cli.toolchain),
        Verb::Lint(lint) => lint::lint(lint.house),
        Verb::Clean(clean) => clean::clean(clean.cache),
    }
}
