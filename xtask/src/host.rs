//! Cargo for this machine: the same that runs xtask.

use std::path::PathBuf;
use std::process::Command;

use crate::packages;
use crate::refusal::Refusal;
use crate::workspace;

/// Cargo with a verb, in the workspace's folder.
pub(crate) fn cargo(verb: &str) -> Command {
    // Set by the cargo that runs this program; absent when xtask is started by hand.
    let own = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(own);
    command.arg(verb).current_dir(workspace::root());
    command
}

/// Sees to it that a subcommand of cargo is installed beside it: `fmt`, `clippy`.
pub(crate) fn require(subcommand: &str, component: &str) -> anyhow::Result<()> {
    if packages::in_path(&format!("cargo-{subcommand}")).is_some() {
        return Ok(());
    }
    Err(Refusal::because(format!(
        "cargo {subcommand} is missing; install it with: rustup component add {component}"
    )))
}
