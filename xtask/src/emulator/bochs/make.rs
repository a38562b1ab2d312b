//! Builds Bochs once, for every clone of this user.
//!
//! The result is kept in the cache under the hash of everything that went into it: the
//! archive's checksum, our patch and shim, the options. It appears there by a rename, so it
//! is whole or absent; a lock keeps a second clone from building the same at the same time.
//! The PMU model is not in it: it is a library of this clone, bound when the machine starts,
//! so a change of the model builds in seconds.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::{patch, source};
use crate::packages::{self, Need};
use crate::process::{self, storage};
use crate::ui;
use crate::workspace;

/// What building Bochs and running it takes.
pub(crate) const NEEDS: &[Need] = &[
    Need {
        what: "g++",
        package: "g++",
        why: "builds Bochs, the boards whose names start with bochs",
    },
    Need {
        what: "make",
        package: "make",
        why: "builds Bochs",
    },
    Need {
        what: "xz",
        package: "xz-utils",
        why: "unpacks the source of Bochs",
    },
    Need {
        what: BIOS,
        package: "bochsbios",
        why: "the firmware that Bochs starts",
    },
];

/// The machine's firmware.
pub(crate) const BIOS: &str = "/usr/share/bochs/BIOS-bochs-latest";

/// Which Bochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// With the PMU model: what every board uses.
    WithPmu,
    /// As it comes, to compare speeds with.
    Stock,
}

impl Variant {
    /// The word for it in folder names.
    const fn name(self) -> &'static str {
        match self {
            Self::WithPmu => "pmu",
            Self::Stock => "stock",
        }
    }

    /// What goes into the build besides the archive, by name.
    const fn ingredients(self) -> &'static [&'static str] {
        match self {
            Self::WithPmu => &["bochs-3.0.patch", "instrument.h", "instrument.cc"],
            Self::Stock => &[],
        }
    }
}

/// What `configure` is told: a 64-bit SMP machine with VMX and SVM, and nothing for people.
const OPTIONS: &[&str] = &[
    "CXXFLAGS=-O2 -fno-plt",
    "--enable-cpu-level=6",
    "--enable-x86-64",
    "--enable-smp",
    "--enable-vmx=2",
    "--enable-svm",
    "--enable-avx",
    "--enable-evex",
    "--enable-all-optimizations",
    "--disable-debugger",
    "--disable-debugger-gui",
    "--disable-gdb-stub",
    "--disable-readline",
    "--disable-docbook",
    "--disable-plugins",
    "--disable-pcidev",
    "--disable-gameport",
    "--without-x",
    "--with-nogui",
];

/// Where our part of the build is.
fn board_folder() -> PathBuf {
    workspace::root().join("boards/bochs")
}

/// The program, built if it is not in the cache.
pub(crate) fn ensure(variant: Variant) -> anyhow::Result<PathBuf> {
    let folder = workspace::cache().join(format!("bochs-{}-{}", variant.name(), key(variant)?));
    let program = folder.join("bochs");
    if program.is_file() {
        return Ok(program);
    }
    packages::ensure(NEEDS)?;
    let cache = workspace::cache();
    fs::create_dir_all(&cache).map_err(|error| storage(&error, &cache))?;
    let lock = cache.join("lock");
    let lock = File::create(&lock).map_err(|error| storage(&error, &lock))?;
    lock.lock().context("cannot lock the cache")?;
    // Another clone may have built it while this one waited.
    if program.is_file() {
        return Ok(program);
    }
    remove_leftovers(&cache);
    let log = workspace::log("bochs");
    ui::step(
        "building Bochs, once for all clones",
        240,
        Some(&log),
        || {
            let work = cache.join(format!("work-{}", std::process::id()));
            let outcome = build(variant, &work, &folder, &log);
            let _ = fs::remove_dir_all(&work);
            outcome
        },
    )?;
    Ok(program)
}

/// Removes what builds that were killed have left. The lock is held: nobody builds now.
fn remove_leftovers(cache: &Path) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("work-") || name.starts_with("fetch-") {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The hash of everything that goes into a build: 16 hexadecimal digits are enough of it.
fn key(variant: Variant) -> anyhow::Result<String> {
    let mut hash = Sha256::new();
    hash.update(source::SHA256);
    for option in OPTIONS {
        hash.update(option);
    }
    for name in variant.ingredients() {
        let path = board_folder().join(name);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        hash.update(Sha256::digest(&text));
    }
    let mut digits = process::hex(&hash.finalize());
    digits.truncate(16);
    Ok(digits)
}

/// Builds in the folder `work` and puts the result into `folder`.
fn build(variant: Variant, work: &Path, folder: &Path, log: &Path) -> anyhow::Result<()> {
    let archive = source::ensure()?;
    fs::create_dir_all(work).map_err(|error| storage(&error, work))?;
    let mut unpack = Command::new("tar");
    unpack
        .arg("-xf")
        .arg(&archive)
        .arg("-C")
        .arg(work)
        .arg("--strip-components=1");
    process::run_logged(&mut unpack, log)?;
    let mut configure = Command::new("./configure");
    configure.args(OPTIONS);
    if variant == Variant::WithPmu {
        add_our_part(work)?;
        configure.arg("--enable-instrumentation=instrument/pmu");
    }
    // Compiler and flags of the user would make another program under the same key.
    for name in [
        "CC",
        "CXX",
        "CFLAGS",
        "CPPFLAGS",
        "LDFLAGS",
        "LIBS",
        "MAKEFLAGS",
    ] {
        configure.env_remove(name);
    }
    process::run_logged(configure.current_dir(work), log)?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut make = Command::new("make");
    make.arg(format!("-j{jobs}")).arg("bochs").current_dir(work);
    make.arg("LIBS=-lpthread -ldl");
    process::run_logged(&mut make, log)?;
    let result = work.join("result");
    fs::create_dir(&result).map_err(|error| storage(&error, &result))?;
    let mut strip = Command::new("strip");
    strip
        .arg("-o")
        .arg(result.join("bochs"))
        .arg(work.join("bochs"));
    process::run_logged(&mut strip, log)?;
    fs::rename(&result, folder).map_err(|error| storage(&error, folder))
}

/// Adds the patch and the shim to an unpacked source.
fn add_our_part(work: &Path) -> anyhow::Result<()> {
    let ours = board_folder();
    let text = ours.join("bochs-3.0.patch");
    let text =
        fs::read_to_string(&text).with_context(|| format!("cannot read {}", text.display()))?;
    patch::apply(&text, work)?;
    let theirs = work.join("instrument/pmu");
    fs::create_dir_all(&theirs).map_err(|error| storage(&error, &theirs))?;
    for (from, name) in [
        (work.join("instrument/stubs/Makefile.in"), "Makefile.in"),
        (ours.join("instrument.h"), "instrument.h"),
        (ours.join("instrument.cc"), "instrument.cc"),
    ] {
        let to = theirs.join(name);
        fs::copy(&from, &to).map_err(|error| storage(&error, &to))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_go_and_emulators_stay() {
        let cache = std::env::temp_dir().join(format!("baton-leftovers-{}", std::process::id()));
        for name in ["work-1", "fetch-2", "bochs-pmu-3"] {
            fs::create_dir_all(cache.join(name).join("x")).expect("the temporary folder");
        }
        remove_leftovers(&cache);
        let left: Vec<_> = fs::read_dir(&cache).expect("it exists").flatten().collect();
        fs::remove_dir_all(&cache).expect("it was made above");
        let left: Vec<_> = left.iter().map(fs::DirEntry::file_name).collect();
        assert_eq!(left, ["bochs-pmu-3"]);
    }

    #[test]
    fn the_two_variants_never_share_a_folder() {
        assert_ne!(
            key(Variant::WithPmu).expect("our files exist"),
            key(Variant::Stock).expect("no file is needed")
        );
    }
}
