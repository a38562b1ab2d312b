//! Boards: the facts of a machine, read from `boards/NAME/board.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use crate::emulator::{bochs, qemu};
use crate::refusal::Refusal;
use crate::ui;
use crate::workspace;

/// A machine that systems run on.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    /// The folder's name.
    pub(crate) name: String,
    /// Where `board.toml` and the board's systems are.
    pub(crate) folder: PathBuf,
    /// What `board.toml` says.
    pub(crate) facts: Facts,
}

/// The contents of `board.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Facts {
    /// What the machine is for, in one sentence.
    pub(crate) about: String,
    /// How many CPUs it has.
    pub(crate) cpus: u32,
    /// How much memory it has, in MiB.
    pub(crate) memory_mib: u32,
    /// Where performance counters come from.
    pub(crate) pmu: Pmu,
    /// What guests would run on.
    pub(crate) virtualization: Virtualization,
    /// How long a system may take before it counts as hung, in seconds of real time.
    pub(crate) time_limit_s: u64,
    /// What tasks can be given by name.
    #[serde(default)]
    pub(crate) devices: BTreeMap<String, Device>,
    /// Present when Bochs runs the machine.
    pub(crate) bochs: Option<bochs::Config>,
    /// Present when QEMU runs the machine.
    pub(crate) qemu: Option<qemu::Config>,
}

/// Where performance counters come from.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Pmu {
    /// The machine's own registers.
    Msr,
    /// The project's model, under the same driver.
    Model,
}

/// The CPU's support for guests.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Virtualization {
    /// None that we use.
    None,
    /// AMD's.
    Svm,
    /// Intel's.
    Vmx,
}

/// Hardware that a task can be given: I/O ports, an interrupt line, or both.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Device {
    /// First port and number of ports.
    pub(crate) ports: Option<(u16, u16)>,
    /// The IOAPIC's input.
    pub(crate) line: Option<u32>,
    /// The line is level triggered, as PCI's are; otherwise by edges.
    #[serde(default)]
    pub(crate) level_triggered: bool,
    /// The line is active when low.
    #[serde(default)]
    pub(crate) active_low: bool,
}

impl Board {
    /// The board's name and what it is, for every report.
    pub(crate) fn describe(&self) -> String {
        let pmu = match self.facts.pmu {
            Pmu::Msr => "its own",
            Pmu::Model => "the model",
        };
        let guests = match self.facts.virtualization {
            Virtualization::None => "none",
            Virtualization::Svm => "SVM",
            Virtualization::Vmx => "VMX",
        };
        format!(
            "{} ({}; PMU: {pmu}; guests: {guests})",
            self.name, self.facts.about
        )
    }

    /// Every board.
    pub(crate) fn all() -> anyhow::Result<Vec<Self>> {
        names()?.iter().map(|name| Self::find(name)).collect()
    }

    /// Reads a board; an unknown name lists those that exist.
    pub(crate) fn find(name: &str) -> anyhow::Result<Self> {
        let names = names()?;
        if !names.iter().any(|known| known == name) {
            return Err(ui::unknown("board", name, names.iter().map(String::as_str)));
        }
        let folder = boards().join(name);
        let path = folder.join("board.toml");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", workspace::shown(&path)))?;
        let facts = parse(&text, &path)?;
        Ok(Self {
            name: name.to_owned(),
            folder,
            facts,
        })
    }

    /// How long a run may take before it counts as hung.
    pub(crate) fn time_limit(&self) -> Duration {
        Duration::from_secs(self.facts.time_limit_s)
    }

    /// The system descriptions that this board can boot: name and file, sorted.
    ///
    /// Its own come from its folder, those for every board from boards/ and tests/systems/. Of two with
    /// one name the board's own counts.
    pub(crate) fn systems(&self) -> anyhow::Result<Vec<(String, PathBuf)>> {
        let mut systems = toml_files(&self.folder)?;
        systems.extend(toml_files(&boards())?);
        systems.extend(toml_files(&workspace::root().join("tests/systems"))?);
        systems.retain(|(name, _)| name != "board");
        // Stable, so the board's own stays before the others of its name.
        systems.sort_by(|one, other| one.0.cmp(&other.0));
        systems.dedup_by(|later, first| later.0 == first.0);
        Ok(systems)
    }

    /// The description of one system; an unknown name lists those that exist.
    pub(crate) fn system(&self, name: &str) -> anyhow::Result<PathBuf> {
        let systems = self.systems()?;
        systems
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, path)| path.clone())
            .ok_or_else(|| {
                ui::unknown(
                    "system",
                    name,
                    systems.iter().map(|(name, _)| name.as_str()),
                )
            })
    }
}

/// The names of all boards, sorted.
pub(crate) fn names() -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(boards()).context("cannot read the folder boards/")?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("board.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

fn boards() -> PathBuf {
    workspace::root().join("boards")
}

fn parse(text: &str, path: &Path) -> anyhow::Result<Facts> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        let message = error.message().lines().next().unwrap_or_default();
        Refusal::because(format!("{}:{line}: {message}", workspace::shown(path)))
    })
}

/// The line, counted from 1, of a byte offset.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|&byte| byte == b'\n')
        .count()
}

/// The TOML files of a folder, by name; none when there is no such folder.
fn toml_files(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", workspace::shown(folder)));
        }
    };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    Ok(paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path.clone())))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_in_the_repository_can_be_read() {
        let names = names().expect("boards/ exists");
        assert!(names.contains(&crate::cli::DEFAULT_BOARD.to_owned()));
        for name in names {
            Board::find(&name).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn a_misspelt_fact_is_refused_with_file_and_line() {
        let text = "about = \"x\"\ncpus = 1\nmemroy-mib = 5\n";
        let error = parse(text, Path::new("boards/x/board.toml")).expect_err("misspelt");
        let error = error.to_string();
        assert!(
            error.starts_with("boards/x/board.toml:3: unknown field `memroy-mib`"),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_board_lists_what_exists() {
        let error = Board::find("qemu-q53")
            .expect_err("no such board")
            .to_string();
        assert!(
            error.starts_with("no board `qemu-q53`; did you mean `qemu-q35`?"),
            "{error}"
        );
    }
}
