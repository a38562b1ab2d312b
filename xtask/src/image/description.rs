//! The system description as it stands in its TOML file.
//!
//! `docs/reference/systems.md` explains every key to those who write one. Values keep
//! their place in the text, so that whatever is wrong with them is shown there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use sysdesc::PAGE;
use toml::Spanned;

use super::problem::{Problem, Source, choice};
use super::programs;
use crate::workspace;

/// A system: its tasks, what they get, and the memory they share.
#[derive(Debug)]
pub(crate) struct Description {
    /// The system's name: that of the file.
    pub(crate) name: String,
    /// Where problems are shown.
    pub(crate) source: Source,
    /// What the file says.
    pub(crate) system: System,
    /// The programs that tasks run: binary and package.
    binaries: BTreeMap<String, String>,
}

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct System {
    /// What the system shows, in one sentence.
    #[serde(rename = "about")]
    pub(crate) _about: String,
    /// The tasks, in the order of the supervisor's table. One is called `root`.
    #[serde(default, rename = "task")]
    pub(crate) tasks: Vec<Spanned<Task>>,
    /// Memory that several tasks can get.
    #[serde(default, rename = "frame")]
    pub(crate) frames: Vec<Spanned<Frame>>,
    /// Virtual machines.
    #[serde(default, rename = "vm")]
    pub(crate) vms: Vec<Spanned<Vm>>,
}

/// A table `[[task]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Task {
    /// What the system calls it.
    pub(crate) name: Spanned<String>,
    /// The program it runs; the task's name if it is not given.
    pub(crate) program: Option<Spanned<String>>,
    /// 0 (least urgent) to 255.
    pub(crate) priority: Spanned<u8>,
    /// The highest priority it may give to another thread; its own if not given.
    pub(crate) max_priority: Option<Spanned<u8>>,
    /// CPU time in each period, in µs. Not for a passive task.
    pub(crate) budget_us: Option<Spanned<u32>>,
    /// The period, in µs; the budget if not given, which is plain round robin.
    pub(crate) period_us: Option<Spanned<u32>>,
    /// Runs on its callers' time only: has no scheduling context.
    #[serde(default)]
    pub(crate) passive: bool,
    /// The stack, in KiB.
    pub(crate) stack_kib: Option<Spanned<u32>>,
    /// May use the FPU.
    #[serde(default)]
    pub(crate) fpu: bool,
    /// Owes a verdict: the system ends when all such tasks gave one, or one stops for good.
    #[serde(default)]
    pub(crate) essential: bool,
    /// A fault restarts it; otherwise it stops for good.
    #[serde(default = "yes")]
    pub(crate) restart: bool,
    /// The supervisor starts it with the others.
    #[serde(default = "yes")]
    pub(crate) start: bool,
    /// The CPU it runs on.
    #[serde(default)]
    pub(crate) cpu: u32,
    /// Page tables held ready for what it maps while it runs.
    #[serde(default)]
    pub(crate) spare_tables: u32,
    /// What the names in its declaration stand for.
    #[serde(default)]
    pub(crate) gets: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
}

/// A table `[[frame]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Frame {
    /// What the system calls it.
    pub(crate) name: Spanned<String>,
    /// Its size, in pages of 4 KiB. As many as its file needs if not given.
    pub(crate) pages: Option<Spanned<u32>>,
    /// The physical address of device memory; the kernel chooses if not given.
    pub(crate) device: Option<Spanned<u64>>,
    /// The file that it contains.
    pub(crate) file: Option<Spanned<String>>,
    /// What is in that file, once it was read.
    #[serde(skip)]
    pub(crate) contents: Vec<u8>,
}

impl Frame {
    /// Its size in pages, and where that is said.
    pub(crate) fn pages(&self) -> (u32, Range<usize>) {
        if let Some(pages) = &self.pages {
            return (*pages.get_ref(), pages.span());
        }
        let pages = (self.contents.len() as u64).div_ceil(PAGE);
        (u32::try_from(pages).unwrap_or(u32::MAX), self.name.span())
    }
}

/// A table `[[vm]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Vm {
    /// What the system calls it.
    pub(crate) name: Spanned<String>,
    /// Page tables for its memory.
    pub(crate) tables: Spanned<u32>,
}

fn yes() -> bool {
    true
}

/// The stack of a task that says nothing about it, in KiB.
const STACK_KIB: u32 = 16;

impl Task {
    /// The program it runs.
    pub(crate) fn program(&self) -> &Spanned<String> {
        self.program.as_ref().unwrap_or(&self.name)
    }

    /// Its stack, in KiB.
    pub(crate) fn stack_kib(&self) -> u32 {
        self.stack_kib
            .as_ref()
            .map_or(STACK_KIB, |kib| *kib.get_ref())
    }

    /// What its system gives for a name that it declares, and where that stands.
    pub(crate) fn gift(&self, name: &str) -> Option<(&toml::Value, Range<usize>)> {
        self.gets
            .get(name)
            .map(|value| (value.get_ref(), value.span()))
    }
}

impl Description {
    /// Reads a description and checks that its programs exist.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", workspace::shown(path)))?;
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Self::parse(&name, &workspace::shown(path), text, &programs::known()?)
    }

    /// Parses a description; `known` are the programs there are, each with its package.
    pub(crate) fn parse(
        name: &str,
        path: &str,
        text: String,
        known: &BTreeMap<String, String>,
    ) -> anyhow::Result<Self> {
        let source = Source {
            path: path.to_owned(),
            text,
        };
        let system: System =
            toml::from_str(&source.text).map_err(|error| source.refuse_syntax(&error))?;
        let mut binaries = BTreeMap::new();
        let mut problems = Vec::new();
        for task in &system.tasks {
            let program = task.get_ref().program();
            if let Some(package) = known.get(program.get_ref()) {
                binaries.insert(program.get_ref().clone(), package.clone());
            } else {
                let cause = format!("there is no program `{}`", program.get_ref());
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                let suggestion = choice(program.get_ref(), &names);
                problems.push(Problem::new(&program.span(), cause, suggestion));
            }
        }
        if !problems.is_empty() {
            return Err(source.refuse(problems));
        }
        Ok(Self {
            name: name.to_owned(),
            source,
            system,
            binaries,
        })
    }

    /// Reads the files that frames contain. `find` says where the one with a name is.
    ///
    /// # Errors
    /// The first file that cannot be found or read, by the line that names it.
    pub(crate) fn read_files(
        &mut self,
        find: impl Fn(&str) -> anyhow::Result<PathBuf>,
    ) -> anyhow::Result<()> {
        for frame in self.system.frames.iter_mut().map(Spanned::get_mut) {
            let Some(file) = &frame.file else { continue };
            let read = find(file.get_ref()).and_then(|path| {
                fs::read(&path).with_context(|| format!("cannot read {}", workspace::shown(&path)))
            });
            frame.contents = read.map_err(|error| {
                let suggestion = "name a file, or the folder of a guest in tests/guests";
                let problem = Problem::new(&file.span(), format!("{error:#}"), suggestion);
                self.source.refuse(vec![problem])
            })?;
        }
        Ok(())
    }

    /// Has the frame with this name contain another file than the description says. `false`: there is no such frame.
    pub(crate) fn replace_file(&mut self, name: &str, path: &Path) -> bool {
        let mut frames = self.system.frames.iter_mut().map(Spanned::get_mut);
        let Some(frame) = frames.find(|frame| frame.name.get_ref() == name) else {
            return false;
        };
        let span = frame.name.span();
        frame.file = Some(Spanned::new(span, path.to_string_lossy().into_owned()));
        true
    }

    /// The size of the frame with this name, in bytes.
    pub(crate) fn bytes_of(&self, name: &str) -> Option<u64> {
        let mut frames = self.system.frames.iter().map(Spanned::get_ref);
        let frame = frames.find(|frame| frame.name.get_ref() == name)?;
        Some(u64::from(frame.pages().0) * PAGE)
    }

    /// The packages to build.
    pub(crate) fn packages(&self) -> BTreeSet<&str> {
        self.binaries.values().map(String::as_str).collect()
    }

    /// The programs that tasks run.
    pub(crate) fn binaries(&self) -> impl Iterator<Item = &str> {
        self.binaries.keys().map(String::as_str)
    }

    /// A fault of a program, shown at the first task that runs it.
    pub(crate) fn in_program(&self, binary: &str, error: anyhow::Error) -> anyhow::Error {
        let tasks = self.system.tasks.iter().map(Spanned::get_ref);
        let at = tasks
            .map(Task::program)
            .find(|program| program.get_ref() == binary);
        let at = at.map(Spanned::span).unwrap_or_default();
        let suggestion = "a task is made by `sel4::task!` and linked with lib/sel4/task.x";
        self.source
            .refuse(vec![Problem::new(&at, format!("{error:#}"), suggestion)])
    }
}
