//! What is wrong with a system description, and what to do about it.

use std::ops::Range;

use crate::board::line_of;
use crate::refusal::Refusal;
use crate::ui;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    /// Where in the description's text, in bytes.
    at: usize,
    cause: String,
    suggestion: String,
}

impl Problem {
    /// A problem at a place in the text.
    pub(crate) fn new(
        at: &Range<usize>,
        cause: impl Into<String>,
        suggestion: impl Into<String>,
    ) -> Self {
        Self {
            at: at.start,
            cause: cause.into(),
            suggestion: suggestion.into(),
        }
    }
}

/// A description's name and text, to say where a problem is.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The file, as the user should see it.
    pub(crate) path: String,
    /// Its contents.
    pub(crate) text: String,
}

impl Source {
    /// All problems as one error: a line for each cause, a line for each suggestion.
    pub(crate) fn refuse(&self, mut problems: Vec<Problem>) -> anyhow::Error {
        problems.sort();
        let texts: Vec<String> = problems.iter().map(|problem| self.shown(problem)).collect();
        Refusal::because(texts.join("\n"))
    }

    fn shown(&self, problem: &Problem) -> String {
        let line = line_of(&self.text, problem.at);
        let Problem {
            cause, suggestion, ..
        } = problem;
        format!("{}:{line}: {cause}\n  help: {suggestion}", self.path)
    }

    /// What the TOML parser objects to.
    pub(crate) fn refuse_syntax(&self, error: &toml::de::Error) -> anyhow::Error {
        let at = error.span().unwrap_or_default();
        let message = error.message().lines().next().unwrap_or_default();
        let (cause, suggestion) = translated(message);
        self.refuse(vec![Problem::new(&at, cause, suggestion)])
    }
}

/// The parser's message as cause and suggestion.
fn translated(message: &str) -> (&str, String) {
    if let Some((cause, known)) = message.split_once(", expected one of ") {
        let known: Vec<&str> = known
            .split(", ")
            .map(|name| name.trim_matches('`'))
            .collect();
        let asked = cause.rsplit('`').nth(1).unwrap_or_default();
        return (cause, choice(asked, &known));
    }
    let ranges = [
        ("u8", u64::from(u8::MAX)),
        ("u32", u64::from(u32::MAX)),
        ("u64", u64::MAX),
    ];
    for (name, most) in ranges {
        if let Some(cause) = message.strip_suffix(&format!(", expected {name}")) {
            return (cause, format!("write a whole number from 0 to {most}"));
        }
    }
    let suggestion = match message.strip_prefix("missing field ") {
        Some(field) => format!("add {field} to this table; docs/reference/systems.md explains it"),
        None => "docs/reference/systems.md says what may stand here".to_owned(),
    };
    (message, suggestion)
}

/// A suggestion for a name that does not exist: the nearest, or all there are.
pub(crate) fn choice(asked: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "there are none".to_owned();
    }
    ui::nearest(asked, known.iter().copied()).map_or_else(
        || format!("there are: {}", known.join(", ")),
        |name| format!("did you mean `{name}`?"),
    )
}
