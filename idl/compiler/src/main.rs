//! The IDL's compiler as a command: writes `idl/src`, or proves it fresh.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Writes the client and server stubs of all interfaces in idl/interfaces to idl/src.
#[derive(Parser)]
struct Arguments {
    /// Write nothing; fail if the stubs are not what the interfaces say.
    #[arg(long)]
    check: bool,
    /// The project's root.
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = if arguments.check {
        idl_compiler::check(&arguments.root).map(|()| println!("idl/src is fresh"))
    } else {
        idl_compiler::generate(&arguments.root).map(|changed| match changed.as_slice() {
            [] => println!("idl/src was fresh already"),
            changed => changed.iter().for_each(|path| println!("wrote {path}")),
        })
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
