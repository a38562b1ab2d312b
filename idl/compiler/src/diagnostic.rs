//! What is wrong with an interface file: where, why, and what to do.

use std::fmt;

use proc_macro2::Span;

/// One thing that is wrong, at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the reader would name it from the project's root.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub cause: String,
    /// What the author can do about it.
    pub next: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            cause,
            next,
        } = self;
        write!(f, "{file}:{line}:{column}: {cause}\n  next: {next}")
    }
}

/// Collects what is wrong with one file, so that its author hears of everything at once.
#[derive(Debug)]
pub(crate) struct Sink {
    file: String,
    found: Vec<Diagnostic>,
}

impl Sink {
    /// For the file that messages will call `file`.
    pub(crate) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            found: Vec::new(),
        }
    }

    /// Notes that something is wrong at `span`.
    pub(crate) fn report(&mut self, span: Span, cause: impl Into<String>, next: impl Into<String>) {
        let start = span.start();
        self.found.push(Diagnostic {
            file: self.file.clone(),
            line: start.line,
            column: start.column + 1,
            cause: cause.into(),
            next: next.into(),
        });
    }

    /// Whether nothing was reported so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Everything that was reported, in the file's order.
    pub(crate) fn into_found(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|d| (d.line, d.column));
        self.found
    }
}
