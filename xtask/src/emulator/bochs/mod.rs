//! Bochs with this project's PMU: the reference machine.
//!
//! [`make`] builds the program once per user, [`disk`] what it boots from. The PMU model is a
//! library of this clone that the program binds when it starts; what the board's processor has
//! goes there in the variable `BATON_PMU`, so one program serves every board.

mod disk;
pub(crate) mod make;
mod patch;
mod source;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde::Deserialize;

use super::{Boot, Console, INSTRUCTIONS_FILE, Launch};
use crate::bare;
use crate::process::{self, storage};
use crate::toolchain::Toolchain;
use crate::workspace;

pub(crate) use make::{NEEDS, Variant};

/// The table `[bochs]` of `board.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// Bochs's name of the CPU model.
    cpu: String,
    /// What the processor's counters are: words for `BATON_PMU`.
    pmu: String,
}

impl Config {
    /// Describes the counters further.
    pub(crate) fn add_pmu_words(&mut self, words: &str) {
        self.pmu.push(' ');
        self.pmu.push_str(words);
        self.pmu.truncate(self.pmu.trim_end().len());
    }

    /// The words that describe the counters, for `BATON_PMU`.
    pub(crate) fn pmu_words(&self) -> &str {
        &self.pmu
    }
}

/// Sees to it that the emulator, the PMU model and the boot program are there.
pub(crate) fn prepare() -> anyhow::Result<()> {
    make::ensure(Variant::WithPmu)?;
    build_model()?;
    build_boot()?;
    Ok(())
}

/// Sees to it that Bochs as it comes is there, to compare speeds with.
pub(crate) fn prepare_stock() -> anyhow::Result<()> {
    make::ensure(Variant::Stock).map(drop)
}

/// The PMU model as a library, built by the host's cargo.
fn build_model() -> anyhow::Result<PathBuf> {
    let log = workspace::log("pmu-model");
    let target = workspace::target().join("host");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "build",
        "--release",
        "--package",
        "pmu-model-ffi",
        "--target-dir",
    ]);
    cargo.arg(&target).current_dir(workspace::root());
    process::run_logged(&mut cargo, &log)?;
    Ok(target.join("release/libpmu_model_ffi.so"))
}

/// The boot program, a flat file. It is assembly: every compiler makes the same of it.
fn build_boot() -> anyhow::Result<PathBuf> {
    let toolchain = Toolchain::find(None)?;
    let alone = bare::Alone {
        package: "bochs-boot",
        program: "bochs-boot",
        script: "boards/bochs/boot/boot.ld",
        arguments: &["-Clink-arg=--oformat=binary"],
    };
    alone.build(&toolchain)
}

/// The command that boots, with everything it needs in `folder`.
pub(crate) fn launch(config: &Config, boot: &Boot<'_>, folder: &Path) -> anyhow::Result<Launch> {
    let mut launch = launch_bare(config, boot, folder, Variant::WithPmu)?;
    launch
        .command
        .env("BATON_MODEL", build_model()?)
        .env("BATON_PMU", &config.pmu)
        .env("BATON_COUNT", folder.join(INSTRUCTIONS_FILE));
    Ok(launch)
}

/// The same without counters: nothing binds the model. As it comes, Bochs has no port that ends
/// the machine either.
pub(crate) fn launch_bare(
    config: &Config,
    boot: &Boot<'_>,
    folder: &Path,
    variant: Variant,
) -> anyhow::Result<Launch> {
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let write = |name: &str, contents: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, contents).map_err(|error| storage(&error, &path))
    };
    let disk = disk::image(
        &read(&build_boot()?)?,
        &read(boot.kernel)?,
        &read(boot.image)?,
    )
    .with_context(|| format!("cannot boot {}", workspace::shown(boot.kernel)))?;
    write("disk", &disk)?;
    write("vga", &no_vga())?;
    write("bochsrc", bochsrc(config, boot)?.as_bytes())?;
    let mut command = Command::new(make::ensure(variant)?);
    command.args(["-q", "-f", "bochsrc"]).current_dir(folder);
    // Unset, Bochs says so on the console.
    command.env("BXSHARE", folder);
    Ok(Launch {
        command,
        console: Console::StandardError,
    })
}

/// The configuration: the template in `boards/bochs/` with the board's facts filled in.
fn bochsrc(config: &Config, boot: &Boot<'_>) -> anyhow::Result<String> {
    let path = workspace::root().join("boards/bochs/bochsrc");
    let template =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let facts = &boot.board.facts;
    Ok(template
        .replace("@cpu@", &config.cpu)
        .replace("@cpus@", &facts.cpus.to_string())
        .replace("@memory@", &facts.memory_mib.to_string())
        .replace("@bios@", make::BIOS))
}

/// A video BIOS that returns at once: the machine has no screen, but Bochs wants a file.
fn no_vga() -> Vec<u8> {
    // Signature, length in sectors, RETF; the bytes' sum must be 0.
    let mut rom = vec![0x55, 0xaa, 1, 0xcb];
    rom.resize(511, 0);
    let sum = rom.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    rom.push(sum.wrapping_neg());
    rom
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_video_bios_passes_the_firmwares_check() {
        let rom = no_vga();
        assert_eq!(rom.len(), 512);
        assert_eq!(
            rom.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)),
            0
        );
    }
}
