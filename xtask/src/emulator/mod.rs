//! Machines that are programs: what every emulator has in common.
//!
//! An emulator is a file beside this one with two functions: `prepare` sees to it
//! that the program is there, `launch` writes what it needs into a fresh folder and
//! gives the command. [`session`] does the rest: it reads the test port and the
//! console, keeps the time limit and says how the run ended.

pub(crate) mod bochs;
mod chatter;
mod folder;
pub(crate) mod outcome;
pub(crate) mod qemu;
mod session;

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::board::Board;
use crate::refusal::Refusal;

pub(crate) use folder::RunFolder;
pub(crate) use outcome::{Ended, Fingerprint, Outcome};
pub(crate) use session::Watch;

/// Where an emulator that counts instructions leaves the counts, in the folder of its run.
pub(crate) const INSTRUCTIONS_FILE: &str = "count";

/// What to boot, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boot<'a> {
    /// The machine.
    pub(crate) board: &'a Board,
    /// The kernel's ELF file.
    pub(crate) kernel: &'a Path,
    /// The system image, a boot module.
    pub(crate) image: &'a Path,
    /// Whose time the machine keeps.
    pub(crate) clock: Clock,
}

/// Whose time an emulated machine keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// One instruction is one nanosecond: runs repeat exactly.
    Instructions,
    /// The host's time: for people at the console.
    Host,
}

/// An emulator that is ready to start.
#[derive(Debug)]
pub(crate) struct Launch {
    /// The program. Its standard output is the test port (0xe9): text and records.
    pub(crate) command: Command,
    /// Where the machine's first serial port can be reached.
    pub(crate) console: Console,
}

/// Where the machine's first serial port, the console for people, can be reached.
#[derive(Debug)]
pub(crate) enum Console {
    /// The emulator connects to this socket.
    Socket(UnixListener),
    /// The emulator's standard error.
    StandardError,
}

/// Sees to it that the board's emulator is there: installs or builds it.
pub(crate) fn prepare(board: &Board) -> anyhow::Result<()> {
    match Kind::of(board)? {
        Kind::Bochs(_) => bochs::prepare(),
        Kind::Qemu(_) => qemu::prepare(),
    }
}

/// Boots and stays until the machine ends, or until the limit, if there is one.
pub(crate) fn run(
    boot: &Boot<'_>,
    limit: Option<Duration>,
    watch: Watch,
) -> anyhow::Result<Outcome> {
    let folder = RunFolder::create()?;
    let launch = match Kind::of(boot.board)? {
        Kind::Bochs(config) => bochs::launch(config, boot, folder.path())?,
        Kind::Qemu(config) => qemu::launch(config, boot, folder.path())?,
    };
    session::attend(launch, folder.path(), limit, watch)
}

/// Which emulator runs a board, with what `board.toml` says for it.
enum Kind<'a> {
    Bochs(&'a bochs::Config),
    Qemu(&'a qemu::Config),
}

impl<'a> Kind<'a> {
    fn of(board: &'a Board) -> anyhow::Result<Self> {
        let bochs = board.facts.bochs.as_ref().map(Self::Bochs);
        let qemu = board.facts.qemu.as_ref().map(Self::Qemu);
        bochs.or(qemu).ok_or_else(|| {
            Refusal::because(format!(
                "board {} names no emulator in its board.toml",
                board.name
            ))
        })
    }
}
