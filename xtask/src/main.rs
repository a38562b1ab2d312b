//! The build as a program: everything that is done to this repository.
//!
//! `cargo xtask --help` lists the verbs. Each verb is a file in `verbs/`; what
//! several verbs need has a module of its own. Nothing here reads an environment
//! variable to change what it builds, and what the bare build takes in variables
//! is set for the child process only.

mod bare;
mod board;
mod cli;
mod emulator;
mod guests;
mod host;
mod host_tests;
mod image;
mod lint;
mod packages;
mod process;
mod proofs;
mod refusal;
mod symbols;
mod system;
mod toolchain;
mod ui;
mod verbs;
mod verdict;
mod workspace;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let outcome = match cli::Cli::try_parse() {
        Ok(cli) => verbs::invoke(&cli),
        Err(error) => return cli::refuse(&error),
    };
    match outcome {
        Ok(status) => status.into(),
        Err(error) => {
            ui::error(&error);
            refusal::status_of(&error).into()
        }
    }
}
