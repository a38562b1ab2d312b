//! Colours, on a terminal only.

use std::io::IsTerminal as _;

/// Paints text, or leaves it alone when nobody would see the colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    colours: bool,
}

/// The paint for standard error, where progress and errors go.
pub(crate) fn on_error() -> Paint {
    Paint {
        colours: std::io::stderr().is_terminal() && wanted(),
    }
}

/// The paint for standard output, where results go.
pub(crate) fn on_output() -> Paint {
    Paint {
        colours: std::io::stdout().is_terminal() && wanted(),
    }
}

/// Users switch colours off with NO_COLOR, in every program that knows it.
fn wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

impl Paint {
    /// A paint that never colours: for files and tests.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { colours: false };

    /// For what went wrong.
    pub(crate) fn red(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// For what went well.
    pub(crate) fn green(self, text: &str) -> String {
        self.with("1;32", text)
    }

    /// For what deserves a look.
    pub(crate) fn yellow(self, text: &str) -> String {
        self.with("1;33", text)
    }

    /// For headings and verbs.
    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// For what most readers skip.
    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paint_changes_nothing() {
        assert_eq!(Paint::PLAIN.red("x"), "x");
        assert_eq!(Paint { colours: true }.red("x"), "\x1b[1;31mx\x1b[0m");
    }
}
