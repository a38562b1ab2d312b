//! Debian packages: what is needed, what is there, how to get the rest.
//!
//! As root the missing ones are installed; otherwise one line says which, and the
//! status is 2. Nothing else on the machine is changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;
use crate::refusal::Refusal;
use crate::ui;
use crate::workspace;

/// Something a step cannot do without, and the Debian package that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// A program's name, looked up in `PATH`, or a file's absolute path.
    pub(crate) what: &'static str,
    /// The package that brings it.
    pub(crate) package: &'static str,
    /// Why it is needed, for `doctor`.
    pub(crate) why: &'static str,
}

impl Need {
    /// Where it is on this machine, if it is.
    pub(crate) fn found(&self) -> Option<PathBuf> {
        if self.what.starts_with('/') {
            let path = PathBuf::from(self.what);
            return path.exists().then_some(path);
        }
        in_path(self.what)
    }
}

/// Where a program is, looking through `PATH` and then where Debian puts programs.
pub(crate) fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/bin"), PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Sees to it that everything in `needs` is there, or says the one line that would.
pub(crate) fn ensure(needs: &[Need]) -> anyhow::Result<()> {
    let missing: Vec<Need> = needs
        .iter()
        .copied()
        .filter(|need| need.found().is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = packages_of(&missing);
    if !may_install() {
        return Err(Refusal::because(advice(
            &missing,
            in_path("apt-get").is_some(),
        )));
    }
    let log = workspace::log("packages");
    let what = format!("installing {}", packages.join(" "));
    ui::step(&what, 120, Some(&log), || install(&packages, &log))?;
    match missing.iter().find(|need| need.found().is_none()) {
        None => Ok(()),
        Some(need) => Err(Refusal::because(format!(
            "package {} is installed, but {} is still missing",
            need.package, need.what
        ))),
    }
}

/// The packages of some needs, each once, in order.
fn packages_of(needs: &[Need]) -> Vec<&'static str> {
    let mut packages = Vec::new();
    for need in needs {
        if !packages.contains(&need.package) {
            packages.push(need.package);
        }
    }
    packages
}

/// The one line for a user who is not root, or not on Debian.
pub(crate) fn advice(missing: &[Need], has_apt: bool) -> String {
    let names: Vec<&str> = missing.iter().map(|need| need.what).collect();
    let packages = packages_of(missing).join(" ");
    let names = names.join(", ");
    if has_apt {
        format!("missing: {names}; install with: sudo apt-get install --yes {packages}")
    } else {
        format!("missing: {names}; install what Debian's packages {packages} have")
    }
}

/// Whether this process may install packages: root, on a machine with apt.
fn may_install() -> bool {
    is_root(&fs::read_to_string("/proc/self/status").unwrap_or_default())
        && in_path("apt-get").is_some()
}

/// Whether `/proc/self/status` shows the effective user 0.
fn is_root(status: &str) -> bool {
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uid.and_then(|uid| uid.split_whitespace().nth(1)) == Some("0")
}

/// Updates apt's lists and installs, waiting a little for a lock that is held.
fn install(packages: &[&str], log: &Path) -> anyhow::Result<()> {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
            .args(["--quiet", "-o", "DPkg::Lock::Timeout=60"])
            .args(arguments);
        command
    };
    process::run_logged(&mut apt(&["update"]), log)?;
    let mut install = apt(&["install", "--yes", "--no-install-recommends"]);
    process::run_logged(install.args(packages), log)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LLD: Need = Need {
        what: "ld.lld",
        package: "lld",
        why: "links",
    };
    const RUSTC: Need = Need {
        what: "/usr/bin/rustc",
        package: "rustc-web",
        why: "compiles",
    };

    #[test]
    fn the_advice_is_one_line_that_can_be_pasted() {
        assert_eq!(
            advice(&[RUSTC, LLD, LLD], true),
            "missing: /usr/bin/rustc, ld.lld, ld.lld; \
             install with: sudo apt-get install --yes rustc-web lld"
        );
        assert!(advice(&[LLD], false).contains("Debian's packages lld"));
    }

    #[test]
    fn root_is_told_by_the_effective_user() {
        assert!(is_root("Name:\tx\nUid:\t1000\t0\t0\t0\n"));
        assert!(!is_root("Name:\tx\nUid:\t0\t1000\t0\t0\n"));
        assert!(!is_root(""));
    }

    #[test]
    fn a_need_is_found_as_program_or_as_file() {
        assert!(Need { what: "sh", ..LLD }.found().is_some());
        assert!(
            Need {
                what: "/proc/self/status",
                ..LLD
            }
            .found()
            .is_some()
        );
        assert!(
            Need {
                what: "no-such-program",
                ..LLD
            }
            .found()
            .is_none()
        );
    }
}
