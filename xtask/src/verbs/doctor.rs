//! `doctor`: what this machine has, what is missing and what would install it.

use std::path::Path;
use std::process::Command;

use super::disasm;
use crate::board::{self, Board};
use crate::cli::ToolchainChoice;
use crate::emulator::{bochs, qemu};
use crate::packages::{self, Need};
use crate::process;
use crate::refusal::Status;
use crate::toolchain::{self, DEBIAN_NEEDS};
use crate::ui::{Table, on_output};

/// Prints the table; the status is 2 when something is missing. Installs nothing.
pub(crate) fn doctor(choice: Option<ToolchainChoice>) -> anyhow::Result<Status> {
    let mut table = Table::with_headings(["", "what", "version or package", "why"]);
    let mut missing = Vec::new();
    report_host_compiler(&mut table);
    let rustup = toolchain::rustup_sysroot().filter(|_| choice != Some(ToolchainChoice::Debian));
    match rustup {
        Some(sysroot) => {
            let rustc = sysroot.join("bin/rustc");
            found(
                &mut table,
                &rustc,
                "compiles for the bare target (rustup's)",
            );
        }
        None if choice == Some(ToolchainChoice::Rustup) => {
            table.row([
                "no".into(),
                format!("rustup's {}", toolchain::TARGET),
                format!("rustup target add {}", toolchain::TARGET),
                "asked for with --toolchain rustup".into(),
            ]);
        }
        None => report_needs(&mut table, &mut missing, DEBIAN_NEEDS),
    }
    report_needs(&mut table, &mut missing, qemu::NEEDS);
    report_needs(&mut table, &mut missing, bochs::NEEDS);
    report_needs(&mut table, &mut missing, disasm::NEEDS);
    print!("{table}");
    for name in board::names()? {
        println!("board {}", Board::find(&name)?.describe());
    }
    if missing.is_empty() {
        println!("{}", on_output().green("everything is there"));
        return Ok(Status::Done);
    }
    println!(
        "{}",
        packages::advice(&missing, packages::in_path("apt-get").is_some())
    );
    Ok(Status::Refused)
}

fn report_host_compiler(table: &mut Table) {
    if let Some(rustc) = packages::in_path("rustc") {
        found(
            table,
            &rustc,
            "compiles for this machine: xtask and the host tests",
        );
    }
}

fn report_needs(table: &mut Table, missing: &mut Vec<Need>, needs: &[Need]) {
    for need in needs {
        match need.found() {
            Some(path) => found(table, &path, need.why),
            None => {
                let package = format!("package {}", need.package);
                table.row(["no".into(), need.what.into(), package, need.why.into()]);
                missing.push(*need);
            }
        }
    }
}

fn found(table: &mut Table, path: &Path, why: &str) {
    let is_program = path.components().any(|part| part.as_os_str() == "bin");
    let version = is_program
        .then(|| process::output_of(Command::new(path).arg("--version")).ok())
        .flatten()
        .and_then(|text| text.lines().next().map(str::to_owned))
        .unwrap_or_default();
    table.row([
        "yes".into(),
        path.display().to_string(),
        version,
        why.into(),
    ]);
}
