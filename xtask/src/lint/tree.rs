//! The repository's files as the lints see them.

use std::fmt;
use std::fs;
use std::process::Command;

use super::rust;
use crate::process;
use crate::workspace;

/// Every text file that git knows or would add.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: Vec<File>,
}

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    /// Its path from the repository's top, with `/`.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
    /// Rust: the same without comments and the contents of strings, line for line.
    pub(crate) code: String,
}

/// Something a lint objects to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.what)
    }
}

impl Tree {
    /// Reads the repository.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let mut git = Command::new("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
        let list = process::output_of(git.current_dir(workspace::root()))?;
        let mut tree = Self::default();
        for path in list.lines() {
            // Deleted but not yet committed, or not text: nothing to read.
            if let Ok(text) = fs::read_to_string(workspace::root().join(path)) {
                tree.add(path, text);
            }
        }
        Ok(tree)
    }

    /// A tree of these files, for tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        files
            .iter()
            .for_each(|(path, text)| tree.add(path, (*text).to_owned()));
        tree
    }

    fn add(&mut self, path: &str, text: String) {
        let code = if path.ends_with(".rs") {
            rust::code_of(&text)
        } else {
            String::new()
        };
        self.files.push(File {
            path: path.to_owned(),
            text,
            code,
        });
    }

    /// The Rust files, generated ones included.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// The files with this name, in any folder.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a File> {
        self.files
            .iter()
            .filter(move |file| file.path.rsplit('/').next() == Some(name))
    }

    /// One file.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl File {
    /// An objection to one of its lines, counted from 0.
    pub(crate) fn object(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line: line + 1,
            what: what.into(),
        }
    }

    /// Whether it was written by the IDL compiler, which says so in its first lines.
    pub(crate) fn is_generated(&self) -> bool {
        self.text
            .lines()
            .take(3)
            .any(|line| line.contains("Do not edit"))
    }

    /// Whether it holds nothing but tests, by its place.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
            || self
                .path
                .split('/')
                .any(|part| part == "tests" || part == "fuzz")
    }

    /// Its code up to the tests at its end, line by line.
    pub(crate) fn code_before_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.is_test();
        self.code
            .lines()
            .enumerate()
            .take_while(move |(_, line)| !is_test && !line.trim_start().starts_with("#[cfg(test)]"))
    }
}

/// What a lint says about these files, for tests.
#[cfg(test)]
pub(crate) fn findings(lint: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
    lint(&Tree::of(files))
        .iter()
        .map(Finding::to_string)
        .collect()
}
