//! Stock QEMU with its own translator (TCG).
//!
//! Debian 12 has 7.2; later versions take the same options. Two devices connect the
//! image with us: `isa-debugcon` on port 0xe9 (the test port, our child's standard
//! output) and `isa-debug-exit` on port 0xf4 (the verdict, its exit status).

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use testproto::{DEBUG_CONSOLE_PORT, DEBUG_EXIT_PORT};

use super::{Boot, Clock, Console, Launch};
use crate::packages::{self, Need};
use crate::process::storage;

/// What has to be there.
pub(crate) const NEEDS: &[Need] = &[Need {
    what: "qemu-system-x86_64",
    package: "qemu-system-x86",
    why: "runs the boards whose names start with qemu",
}];

/// The table `[qemu]` of `board.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// QEMU's name of the machine.
    machine: String,
    /// QEMU's name of the CPU, with features added and taken away.
    cpu: String,
}

/// Sees to it that QEMU is installed.
pub(crate) fn prepare() -> anyhow::Result<()> {
    packages::ensure(NEEDS)
}

/// The command that boots, with its console socket in `folder`.
pub(crate) fn launch(config: &Config, boot: &Boot<'_>, folder: &Path) -> anyhow::Result<Launch> {
    let socket = folder.join("console");
    let listener = UnixListener::bind(&socket).map_err(|error| storage(&error, &socket))?;
    let facts = &boot.board.facts;
    let mut command = Command::new("qemu-system-x86_64");
    command.args(["-no-user-config", "-nodefaults", "-display", "none"]);
    command.args([
        "-accel",
        "tcg",
        "-machine",
        &config.machine,
        "-cpu",
        &config.cpu,
    ]);
    command.args([
        "-smp",
        &facts.cpus.to_string(),
        "-m",
        &format!("{}M", facts.memory_mib),
    ]);
    command
        .arg("-kernel")
        .arg(boot.kernel)
        .arg("-initrd")
        .arg(boot.image);
    command.args(["-chardev", "stdio,id=test,signal=off", "-device"]);
    command.arg(format!(
        "isa-debugcon,iobase={DEBUG_CONSOLE_PORT:#x},chardev=test"
    ));
    command.args([
        "-chardev",
        &format!("socket,id=console,path={}", socket.display()),
    ]);
    command.args(["-serial", "chardev:console", "-device"]);
    command.arg(format!(
        "isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=0x04"
    ));
    // A triple fault ends QEMU instead of starting over; without a verdict it is a failure.
    command.arg("-no-reboot");
    if boot.clock == Clock::Instructions {
        // The time stamp counter counts instructions and waiting takes no real time.
        command.args([
            "-icount",
            "shift=0,sleep=off",
            "-rtc",
            "clock=vm,base=2020-01-01",
        ]);
    }
    Ok(Launch {
        command,
        console: Console::Socket(listener),
    })
}
