//! One file a verb.

mod bench;
mod clean;
mod disasm;
mod dist;
mod doctor;
mod guest;
mod lint;
mod run;
mod test;

pub(crate) use test::Counts;

use crate::cli::{Cli, Verb};
use crate::process;
use crate::refusal::Status;

/// Does what the command line asks for.
pub(crate) fn invoke(cli: &Cli) -> anyhow::Result<Status> {
    if cli.verbose {
        process::be_verbose();
    }
    match &cli.verb {
        Verb::Run(arguments) => run::run(arguments, cli.toolchain),
        Verb::Guest(arguments) => guest::guest(arguments, cli.toolchain),
        Verb::Test(arguments) => test::test(arguments, cli.toolchain),
        Verb::Lint(arguments) => lint::lint(arguments.house),
        Verb::Dist(arguments) => dist::dist(arguments, cli.toolchain),
        Verb::Doctor(_) => doctor::doctor(cli.toolchain),
        Verb::Disasm(arguments) => disasm::disasm(arguments, cli.toolchain),
        Verb::Bench(arguments) => bench::bench(arguments, cli.toolchain),
        Verb::Clean(arguments) => clean::clean(arguments.cache),
    }
}
