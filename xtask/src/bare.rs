//! Builds the kernel and the tasks for the bare target.
//!
//! Each has its own flags and so its own target folder, or one would evict the other
//! at every change of hand. Both are always optimised: instruction counts are promises.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use crate::process::{self, storage};
use crate::refusal::Refusal;
use crate::toolchain::{TARGET, Toolchain};
use crate::ui;
use crate::workspace;

/// One of the two worlds on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ring {
    /// The kernel: linked high, with frame pointers for its backtraces.
    Kernel,
    /// The tasks: linked low.
    Tasks,
}

impl Ring {
    /// The word for it in folder names.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Tasks => "tasks",
        }
    }

    /// Where its sections are put.
    const fn script(self) -> &'static str {
        match self {
            Self::Kernel => "kernel/arch-x86_64/link.x",
            Self::Tasks => "lib/sel4/task.x",
        }
    }

    /// What the compiler is told besides the target.
    ///
    /// The target already means no SSE, no red zone and no unwinding.
    pub(crate) fn rustflags(self) -> Vec<OsString> {
        let flags: &[&str] = match self {
            Self::Kernel => &["-Ccode-model=kernel", "-Cforce-frame-pointers=yes"],
            Self::Tasks => &["-Ccode-model=small"],
        };
        let common = ["--cfg", "bare", "-Crelocation-model=static"];
        common.iter().chain(flags).map(OsString::from).collect()
    }

    /// Its target folder.
    pub(crate) fn target(self) -> PathBuf {
        workspace::target().join("bare").join(self.name())
    }

    /// Where a program of it is after a build.
    pub(crate) fn elf(self, program: &str) -> PathBuf {
        self.target().join(TARGET).join("release").join(program)
    }
}

/// Builds the kernel and says where it is.
pub(crate) fn build_kernel(toolchain: &Toolchain) -> anyhow::Result<PathBuf> {
    let script = linker_argument(Ring::Kernel)?;
    // `rustc` instead of `build`: only the last step depends on the linker script.
    let mut command = toolchain.cargo("rustc", &Ring::Kernel.rustflags());
    command.args([
        "--release",
        "--package",
        "kernel",
        "--bin",
        "kernel",
        "--target-dir",
    ]);
    command
        .arg(Ring::Kernel.target())
        .arg("--")
        .arg(script)
        .current_dir(workspace::root());
    let log = workspace::log("kernel");
    ui::step("building the kernel", 90, Some(&log), || {
        process::run_logged(&mut command, &log)
    })?;
    Ok(Ring::Kernel.elf("kernel"))
}

/// Builds these packages, whose programs run as tasks.
pub(crate) fn build_tasks(toolchain: &Toolchain, packages: &BTreeSet<&str>) -> anyhow::Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let mut flags = Ring::Tasks.rustflags();
    flags.push(linker_argument(Ring::Tasks)?);
    let mut command = toolchain.cargo("build", &flags);
    command
        .arg("--release")
        .arg("--target-dir")
        .arg(Ring::Tasks.target());
    for package in packages {
        command.args(["--package", package]);
    }
    command.current_dir(workspace::root());
    let log = workspace::log("tasks");
    let what = format!("building the tasks of {} packages", packages.len());
    ui::step(&what, 90, Some(&log), || {
        process::run_logged(&mut command, &log)
    })
}

/// A program that has the machine to itself: no kernel below it, no tasks above.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alone<'a> {
    /// Its package.
    pub(crate) package: &'a str,
    /// Its name in the package.
    pub(crate) program: &'a str,
    /// Its linker script.
    pub(crate) script: &'a str,
    /// Further arguments for the compiler's last step.
    pub(crate) arguments: &'a [&'a str],
}

impl Alone<'_> {
    /// Builds it, with the kernel's flags and so with the kernel's `core`, and says where it is.
    pub(crate) fn build(&self, toolchain: &Toolchain) -> anyhow::Result<PathBuf> {
        let script = script_argument(self.package, self.script)?;
        let mut command = toolchain.cargo("rustc", &Ring::Kernel.rustflags());
        command.args([
            "--release",
            "--package",
            self.package,
            "--bin",
            self.program,
        ]);
        command.arg("--target-dir").arg(Ring::Kernel.target());
        command
            .arg("--")
            .arg(script)
            .args(self.arguments)
            .current_dir(workspace::root());
        let log = workspace::log(self.program);
        process::run_logged(&mut command, &log)?;
        Ok(Ring::Kernel.elf(self.program))
    }
}

/// The argument that names a ring's linker script.
fn linker_argument(ring: Ring) -> anyhow::Result<OsString> {
    script_argument(ring.name(), ring.script())
}

/// The argument that names a linker script, changed whenever the script has changed.
///
/// Cargo does not know of the script, so a copy is passed whose name has the hash of its
/// contents. The path is relative: cargo links in the workspace's folder, and what is
/// built does not depend on where the clone is.
fn script_argument(name: &str, script: &str) -> anyhow::Result<OsString> {
    let text = fs::read(workspace::root().join(script))
        .map_err(|error| Refusal::because(format!("cannot read {script}: {error}")))?;
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let copy = format!("target/bare/link/{name}-{:016x}.x", hasher.finish());
    let path = workspace::root().join(&copy);
    write_if_changed(&path, &text)?;
    Ok(format!("-Clink-arg=-T{copy}").into())
}

/// Writes a file, unless it already has these contents: its time then stays.
pub(crate) fn write_if_changed(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|old| old == contents) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| storage(&error, folder))?;
    }
    fs::write(path, contents).map_err(|error| storage(&error, path))
}
