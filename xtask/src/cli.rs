//! The verbs and options of `cargo xtask`, as clap reads them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::refusal::Status;
use crate::ui;

/// The board that images are built for when none is named: it boots anywhere.
pub(crate) const DEFAULT_BOARD: &str = "qemu-q35";

/// The board that systems and guests run on when none is named: it has VMX and counters.
pub(crate) const GUEST_BOARD: &str = "bochs-spr";

/// Builds, runs and checks Baton.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,

    /// Where the compiler for the bare target comes from [default: rustup if it has the target]
    #[arg(long, global = true, value_name = "WHICH")]
    pub(crate) toolchain: Option<ToolchainChoice>,

    /// Print every command that is run
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// Where the compiler for the bare target comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ToolchainChoice {
    /// An installed rustup toolchain that has the target x86_64-unknown-none
    Rustup,
    /// Debian's packages rustc-web, cargo-web and rust-web-src
    Debian,
}

/// What `cargo xtask` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Build a system, boot it and end with its verdict
    Run(Run),
    /// Run a guest from a file under Baton's VMM, and end with its verdict
    Guest(RunGuest),
    /// Run the tests: on the host, then on the board's emulator
    Test(Test),
    /// Check formatting, clippy for host and target, laws and house lints
    Lint(Lint),
    /// Build kernel, tasks and the checked system image, and say where they are
    Dist(Dist),
    /// Say what this machine has, what is missing and what would install it
    Doctor(Doctor),
    /// Disassemble the kernel, or one symbol of it
    Disasm(Disasm),
    /// Measure on the emulator and compare with the budgets
    Bench(Bench),
    /// Remove what was built
    Clean(Clean),
}

/// Which board is meant.
#[derive(Args, Debug)]
pub(crate) struct OnBoard {
    /// The machine: a folder in boards/ that has a board.toml
    #[arg(long, value_name = "BOARD", default_value = DEFAULT_BOARD)]
    pub(crate) board: String,
}

/// Arguments of `run`.
#[derive(Args, Debug)]
#[command(after_help = "\
Systems are the TOML files in boards/, beside the board's board.toml and in tests/systems/.
The status is 0 when the system passed, 1 when it failed, panicked or hung,
2 when it could not be started.")]
pub(crate) struct Run {
    /// The system to boot
    #[arg(value_name = "SYSTEM", default_value = "demo")]
    pub(crate) system: String,
    /// The machine: a folder in boards/ that has a board.toml
    #[arg(long, value_name = "BOARD", default_value = GUEST_BOARD)]
    pub(crate) board: String,
    /// Stay: the terminal is the system's console, and no time limit applies
    #[arg(long, short)]
    pub(crate) interactive: bool,
}

/// Arguments of `guest`.
#[derive(Args, Debug)]
#[command(after_help = "\
FILE is a multiboot (version 1) program: an ELF file of 32 or 64 bits, or a flat file whose
header says where it belongs. The folder of a guest in tests/guests is built first. It has
16 MiB of memory, a serial port at 0x3f8, an x2APIC, performance counters, and ends by
writing 0x10 (passed) or another byte (failed) to port 0xf4.
The status is 0 when the guest passed, 1 when it failed or hung, 2 when it could not be started.")]
pub(crate) struct RunGuest {
    /// The guest's file, or its folder in tests/guests
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The machine that the VMM runs on
    #[arg(long, value_name = "BOARD", default_value = GUEST_BOARD)]
    pub(crate) board: String,
}

/// Arguments of `test`.
#[derive(Args, Debug)]
#[command(after_help = "\
Without a name everything runs. The last line is `N passed, N failed, N skipped`.
`host` is cargo's tests of the workspace; `emu` is every proof (tests/emu/proofs.toml) and
every system of the boards; any other name is one of these, or the host tests
whose names contain it. Bochs is built at the first use of a Bochs board.")]
pub(crate) struct Test {
    /// host, emu, a system, a proof, or part of a host test's name
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The machine: a folder in boards/ that has a board.toml [default: every one]
    #[arg(long, value_name = "BOARD")]
    pub(crate) board: Option<String>,
}

/// Arguments of `lint`.
#[derive(Args, Debug)]
pub(crate) struct Lint {
    /// Only the laws and house lints, which take no compiler
    #[arg(long)]
    pub(crate) house: bool,
}

/// Arguments of `dist`.
#[derive(Args, Debug)]
pub(crate) struct Dist {
    /// The system to build an image of
    #[arg(value_name = "SYSTEM", default_value = "demo")]
    pub(crate) system: String,
    #[command(flatten)]
    pub(crate) on: OnBoard,
}

/// Arguments of `doctor`.
#[derive(Args, Debug)]
pub(crate) struct Doctor {}

/// Arguments of `disasm`.
#[derive(Args, Debug)]
pub(crate) struct Disasm {
    /// Part of a function's name; without it the whole text is printed
    #[arg(value_name = "SYMBOL")]
    pub(crate) symbol: Option<String>,
}

/// Arguments of `bench`.
#[derive(Args, Debug)]
#[command(after_help = "\
Budgets and published figures stand in tests/bench/budgets.toml. Runs are deterministic:
one instruction is one nanosecond of the machine's time, and medians are compared.")]
pub(crate) struct Bench {
    /// What to measure: a system tests/systems/bench-NAME.toml, or `machine`, the emulator's speed
    #[arg(value_name = "NAME", default_value = "ipc")]
    pub(crate) name: String,
    /// The machine [default: qemu-q35, or the reference machine for what needs its counters]
    #[arg(long, value_name = "BOARD")]
    pub(crate) board: Option<String>,
    /// Fail (status 1) when a budget is exceeded
    #[arg(long)]
    pub(crate) check: bool,
}

/// Arguments of `clean`.
#[derive(Args, Debug)]
pub(crate) struct Clean {
    /// Also remove the emulators in the user's cache folder, which every clone shares
    #[arg(long)]
    pub(crate) cache: bool,
}

/// Prints what clap refused, in one line where it can, and says the status.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            print!("{error}");
            Status::Done.into()
        }
        ErrorKind::InvalidSubcommand => {
            let unknown = match error.get(clap::error::ContextKind::InvalidSubcommand) {
                Some(clap::error::ContextValue::String(name)) => name.clone(),
                _ => String::new(),
            };
            let command = Cli::command();
            let verbs: Vec<_> = command
                .get_subcommands()
                .map(clap::Command::get_name)
                .collect();
            ui::error(&ui::unknown("verb", &unknown, verbs));
            Status::Refused.into()
        }
        _ => {
            eprint!("{error}");
            Status::Refused.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_and_every_argument_has_a_line_of_help() {
        for verb in Cli::command().get_subcommands() {
            assert!(
                verb.get_about().is_some(),
                "{} has no help",
                verb.get_name()
            );
            for argument in verb.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {}",
                    verb.get_name(),
                    argument.get_id()
                );
            }
        }
    }

    #[test]
    fn run_without_arguments_boots_the_demo_on_the_reference_machine() {
        let Verb::Run(run) = Cli::parse_from(["xtask", "run"]).verb else {
            panic!("another verb")
        };
        assert_eq!(
            (run.system.as_str(), run.board.as_str()),
            ("demo", "bochs-spr")
        );
    }
}
