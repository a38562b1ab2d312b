//! What a task's ELF file says about the capabilities it needs.
//!
//! `sel4::task!` writes it as text into section [`SECTION`]; `xtask dist` reads it and holds it against the
//! system description. Line `n` after the first is the capability in slot `slot::FIRST_DECLARED + n`.
//!
//! ```text
//! baton-task 1
//! call echo echo
//! serve supervisor -
//! port uart -
//! ```

use core::fmt;

use sel4_sys::slot;

/// Name of the ELF section.
pub const SECTION: &str = ".baton.task";
const FIRST_LINE: &str = "baton-task 1";

/// What kind of capability a task asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeclarationKind {
    /// To call a server of interface `detail`: an endpoint with WRITE and GRANT_REPLY (GRANT if the interface passes capabilities).
    Call,
    /// To serve interface `detail`. The capability is the task's own endpoint (READ), the same in every `serve` line.
    Serve,
    /// To signal another task's notification.
    Signal,
    /// An I/O port range.
    Port,
    /// An interrupt line, signalled to the task's own notification.
    Interrupt,
    /// A frame.
    Frame,
    /// Another task's thread.
    Thread,
    /// A bare endpoint with all rights, shared by all tasks that name it.
    Endpoint,
    /// A notification with all rights, shared by all tasks that name it.
    Notification,
    /// Another task's scheduling context.
    SchedContext,
    /// The memory of a guest.
    GuestSpace,
    /// A virtual CPU, which the task's own thread enters.
    Vcpu,
    /// Authority over the performance counters of the task's CPU.
    PmuControl,
    /// A VM's right to the performance counters of the task's CPU.
    PmuLease,
    /// One more reply object.
    Reply,
    /// An empty slot, to receive or derive capabilities into.
    Empty,
}

impl DeclarationKind {
    const WORDS: [(&'static str, Self); 16] = [
        ("call", Self::Call),
        ("serve", Self::Serve),
        ("signal", Self::Signal),
        ("port", Self::Port),
        ("interrupt", Self::Interrupt),
        ("frame", Self::Frame),
        ("thread", Self::Thread),
        ("endpoint", Self::Endpoint),
        ("notification", Self::Notification),
        ("sched_context", Self::SchedContext),
        ("guest_space", Self::GuestSpace),
        ("vcpu", Self::Vcpu),
        ("pmu_control", Self::PmuControl),
        ("pmu_lease", Self::PmuLease),
        ("reply", Self::Reply),
        ("empty", Self::Empty),
    ];

    /// The word that stands for it in a manifest.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("?", |(word, _)| word)
    }
}

/// One line of a manifest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Declaration<'a> {
    /// Slot that the task expects it in.
    pub slot: u64,
    /// What it is.
    pub kind: DeclarationKind,
    /// The task's name for it, which the system description gives a meaning.
    pub name: &'a str,
    /// Interface, or `-`.
    pub detail: &'a str,
}

/// Why a section is not a manifest; `line` counts from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ManifestError {
    /// The line at fault.
    pub line: usize,
    /// What is wrong with it.
    pub cause: &'static str,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {} of the task's declaration: {}",
            self.line, self.cause
        )
    }
}

/// A task's declaration, line by line.
#[derive(Clone, Copy, Debug)]
pub struct Manifest<'a> {
    text: &'a str,
}

impl<'a> Manifest<'a> {
    /// Checks the section's bytes.
    ///
    /// # Errors
    /// The first line that is not `KIND NAME DETAIL`.
    pub fn parse(section: &'a [u8]) -> Result<Self, ManifestError> {
        let text = core::str::from_utf8(section)
            .map_err(|_| ManifestError {
                line: 1,
                cause: "not UTF-8",
            })?
            .trim_end_matches(['\0', '\n']);
        if text.lines().next() != Some(FIRST_LINE) {
            return Err(ManifestError {
                line: 1,
                cause: "expected `baton-task 1`",
            });
        }
        let manifest = Self { text };
        for (i, line) in text.lines().enumerate().skip(1) {
            parse_line(i, line).map_err(|cause| ManifestError { line: i + 1, cause })?;
        }
        Ok(manifest)
    }

    /// The declarations, in slot order.
    pub fn declarations(&self) -> impl Iterator<Item = Declaration<'a>> + use<'a> {
        self.text
            .lines()
            .enumerate()
            .skip(1)
            .filter_map(|(i, line)| parse_line(i, line).ok())
    }
}

fn parse_line(position: usize, line: &str) -> Result<Declaration<'_>, &'static str> {
    let mut words = line.split(' ');
    let (Some(kind), Some(name), Some(detail), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("expected `KIND NAME DETAIL`");
    };
    let (_, kind) = DeclarationKind::WORDS
        .iter()
        .find(|(word, _)| *word == kind)
        .ok_or("unknown kind of capability")?;
    let slot = slot::FIRST_DECLARED + position as u64 - 1;
    Ok(Declaration {
        slot,
        kind: *kind,
        name,
        detail,
    })
}

#[cfg(test)]
mod tests {
    use super::{Declaration, DeclarationKind, Manifest};

    #[test]
    fn line_n_is_slot_16_plus_n() {
        let manifest = Manifest::parse(b"baton-task 1\ncall echo echo\nport uart -\n\0").unwrap();
        let expected = [
            Declaration {
                slot: 16,
                kind: DeclarationKind::Call,
                name: "echo",
                detail: "echo",
            },
            Declaration {
                slot: 17,
                kind: DeclarationKind::Port,
                name: "uart",
                detail: "-",
            },
        ];
        assert!(manifest.declarations().eq(expected));
    }

    #[test]
    fn a_wrong_line_is_named() {
        let error = Manifest::parse(b"baton-task 1\ncall echo\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2 of the task's declaration: expected `KIND NAME DETAIL`"
        );
        let error = Manifest::parse(b"baton-task 2\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1 of the task's declaration: expected `baton-task 1`"
        );
        let error = Manifest::parse(b"baton-task 1\nprot uart -\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2 of the task's declaration: unknown kind of capability"
        );
    }
}
