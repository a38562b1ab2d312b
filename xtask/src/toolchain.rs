//! The compiler for the bare target, and where it comes from.
//!
//! Two sources are known to work: an installed rustup toolchain that has the target
//! (its compiler is asked where it lives; rustup itself is never run, because what it
//! would fetch differs from day to day), and Debian's packages with the library's
//! sources, from which `core` is built.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::cli::ToolchainChoice;
use crate::packages::{self, Need};
use crate::process;
use crate::refusal::Refusal;

/// The target of the kernel and the tasks: no operating system, no red zone, no SSE.
pub(crate) const TARGET: &str = "x86_64-unknown-none";

/// What the Debian route needs.
pub(crate) const DEBIAN_NEEDS: &[Need] = &[
    Need {
        what: "/usr/bin/rustc",
        package: "rustc-web",
        why: "compiles for the bare target",
    },
    Need {
        what: "/usr/bin/cargo",
        package: "cargo-web",
        why: "builds for the bare target",
    },
    Need {
        what: "/usr/lib/rustlib/src/rust/library/core/Cargo.toml",
        package: "rust-web-src",
        why: "the sources of core, built for the bare target",
    },
    Need {
        what: "/usr/bin/ld.lld",
        package: "lld",
        why: "links for the bare target",
    },
];

/// A compiler that can build for the bare target.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    kind: Kind,
    version: String,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The folder of a toolchain that has the target.
    Rustup(PathBuf),
    Debian,
}

impl Toolchain {
    /// The toolchain to use, installed first if it is Debian's and may be installed.
    pub(crate) fn find(choice: Option<ToolchainChoice>) -> anyhow::Result<Self> {
        let kind = match choice {
            Some(ToolchainChoice::Debian) => Kind::Debian,
            Some(ToolchainChoice::Rustup) => Kind::Rustup(rustup_sysroot().ok_or_else(|| {
                Refusal::because(format!(
                    "no installed rustup toolchain has {TARGET}; \
                     add it with `rustup target add {TARGET}`, or use --toolchain debian"
                ))
            })?),
            None => rustup_sysroot().map_or(Kind::Debian, Kind::Rustup),
        };
        if let Kind::Debian = kind {
            packages::ensure(DEBIAN_NEEDS)?;
        }
        let version = version_of(&rustc_of(&kind))?;
        Ok(Self { kind, version })
    }

    /// What reports print: the compiler's version and where it comes from.
    pub(crate) fn description(&self) -> String {
        match self.kind {
            Kind::Rustup(_) => format!("{} (rustup)", self.version),
            Kind::Debian => format!("{} (Debian)", self.version),
        }
    }

    /// The compiler itself.
    pub(crate) fn rustc(&self) -> PathBuf {
        rustc_of(&self.kind)
    }

    /// Cargo for the bare target, with these flags for the compiler.
    ///
    /// `verb` comes first on the command line; more arguments may be added.
    pub(crate) fn cargo(&self, verb: &str, rustflags: &[OsString]) -> Command {
        let mut command = match &self.kind {
            Kind::Rustup(sysroot) => Command::new(sysroot.join("bin/cargo")),
            Kind::Debian => Command::new("/usr/bin/cargo"),
        };
        forget_outer_cargo(&mut command);
        command.arg(verb).args(["--target", TARGET]);
        command.env("RUSTC", self.rustc());
        let mut flags = rustflags.to_vec();
        if let Kind::Debian = self.kind {
            // Building the library from its sources is not stable, hence the variable;
            // the project's own code uses no unstable feature (`lint` refuses them).
            command.env("RUSTC_BOOTSTRAP", "1");
            command.arg("-Zbuild-std=core,alloc,compiler_builtins");
            command.arg("-Zbuild-std-features=compiler-builtins-mem");
            flags.push("-Clinker=ld.lld".into());
        }
        command.env(
            "CARGO_ENCODED_RUSTFLAGS",
            flags.join(&OsString::from("\x1f")),
        );
        command
    }
}

/// Removes what the cargo that runs this program set: it would reach the inner one.
fn forget_outer_cargo(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let inner = [
            "RUSTFLAGS",
            "RUSTC",
            "RUSTC_WRAPPER",
            "RUSTUP_TOOLCHAIN",
            "CARGO",
        ];
        let is_build_setting = text.starts_with("CARGO_")
            && text != "CARGO_HOME"
            && !text.starts_with("CARGO_NET_")
            && !text.starts_with("CARGO_HTTP_")
            && !text.starts_with("CARGO_SOURCE_")
            && !text.starts_with("CARGO_REGISTR");
        if inner.contains(&&*text) || is_build_setting {
            command.env_remove(&name);
        }
    }
}

fn rustc_of(kind: &Kind) -> PathBuf {
    match kind {
        Kind::Rustup(sysroot) => sysroot.join("bin/rustc"),
        Kind::Debian => PathBuf::from("/usr/bin/rustc"),
    }
}

/// The folder of the toolchain in `PATH`, if it is rustup's and has the bare target.
pub(crate) fn rustup_sysroot() -> Option<PathBuf> {
    let sysroot = process::output_of(Command::new("rustc").args(["--print", "sysroot"])).ok()?;
    let sysroot = PathBuf::from(sysroot.trim());
    let is_rustup = sysroot
        .join("lib/rustlib/multirust-channel-manifest.toml")
        .is_file();
    let has_target = sysroot
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib")
        .is_dir();
    (is_rustup && has_target).then_some(sysroot)
}

/// What a compiler says about itself.
pub(crate) fn version_of(rustc: &Path) -> anyhow::Result<String> {
    let text = process::output_of(Command::new(rustc).arg("--version"))
        .with_context(|| format!("{} does not work", rustc.display()))?;
    Ok(text.trim().to_owned())
}
