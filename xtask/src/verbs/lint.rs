//! `lint`: formatting, clippy for host and target, laws and house lints.

use std::process::Command;

use crate::host;
use crate::lint::{self, Tree};
use crate::process;
use crate::refusal::Status;
use crate::ui::{self, on_output};
use crate::workspace;

/// Folders whose crates never run on the machine, although others beside them do.
const HOST_ONLY: &[&str] = &[
    "kernel/arch-host",
    "idl/compiler",
    "lib/pmu-model/ffi",
    "tests/host",
    "xtask",
];

/// Runs every check, also after one has failed, and says how many failed.
pub(crate) fn lint(house_only: bool) -> anyhow::Result<Status> {
    let mut failed = 0_u32;
    let mut checks = 1_u32;
    failed += u32::from(!house()?);
    if !house_only {
        host::require("fmt", "rustfmt")?;
        host::require("clippy", "clippy")?;
        let mut fmt = host::cargo("fmt");
        fmt.args(["--all", "--check"]);
        let mut clippy = host::cargo("clippy");
        clippy.args(["--workspace", "--all-targets", "--", "--deny", "warnings"]);
        let mut fresh = host::cargo("run");
        fresh.args(["--quiet", "--package", "idl-compiler", "--", "--check"]);
        let steps = [
            ("formatting", "fmt", 5, fmt),
            ("generated code is fresh (law 6)", "idl-check", 20, fresh),
            ("clippy for this machine", "clippy-host", 90, clippy),
            ("clippy with --cfg bare", "clippy-bare", 60, bare_clippy()?),
        ];
        for (what, log, seconds, command) in steps {
            checks += 1;
            failed += u32::from(!passes(what, log, seconds, command));
        }
    }
    let summary = format!("{checks} checks, {failed} failed");
    let paint = on_output();
    println!(
        "{}",
        if failed == 0 {
            paint.green(&summary)
        } else {
            paint.red(&summary)
        }
    );
    Ok(if failed == 0 {
        Status::Done
    } else {
        Status::Failed
    })
}

/// The laws and house lints; their findings go to standard output.
fn house() -> anyhow::Result<bool> {
    let findings = lint::check(&Tree::read()?);
    for finding in &findings {
        println!("{finding}");
    }
    ui::note(&format!(
        "{} laws and house lints, {} findings",
        lint::count(),
        findings.len()
    ));
    Ok(findings.is_empty())
}

/// Runs one check; what it objects to goes to standard error.
fn passes(what: &str, log: &str, seconds: u32, mut command: Command) -> bool {
    let log = workspace::log(log);
    let outcome = ui::step(what, seconds, Some(&log), || {
        process::run_logged(&mut command, &log)
    });
    if let Err(error) = &outcome {
        ui::error(error);
    }
    outcome.is_ok()
}

/// Clippy over the code that only the machine runs.
///
/// It looks at it as code for Linux: nothing is linked, and so it takes no target that
/// this machine may lack. The tests of these crates were seen by the other run.
fn bare_clippy() -> anyhow::Result<Command> {
    let mut command = host::cargo("clippy");
    command.args(["--target", "x86_64-unknown-linux-gnu", "--target-dir"]);
    command.arg(workspace::target().join("bare/clippy"));
    for package in bare_packages()? {
        command.args(["--package", &package]);
    }
    command.args(["--", "--deny", "warnings"]);
    command.env("CARGO_ENCODED_RUSTFLAGS", "--cfg\x1fbare");
    Ok(command)
}

/// The packages that run on the machine.
fn bare_packages() -> anyhow::Result<Vec<String>> {
    let tree = Tree::read()?;
    let is_bare = |folder: &str| {
        !HOST_ONLY
            .iter()
            .any(|host| folder.trim_end_matches('/') == *host)
    };
    let crates = lint::crates(&tree);
    Ok(crates
        .into_iter()
        .filter(|(_, folder)| is_bare(folder))
        .map(|(name, _)| name)
        .collect())
}
