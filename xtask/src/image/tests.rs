//! A small system that is right, and every way in which it can be wrong.

mod files;
mod guests;
mod right;
mod wrong;

use std::collections::BTreeMap;
use std::path::Path;

use super::program::{Segment, declarations_of};
use super::{Description, Program, assemble};
use crate::board::Device;

/// Root, an echo server and a client that prints.
const GOOD: &str = r#"about = "a client talks to a server"

[[task]]
name = "root"
priority = 250

[[task]]
name = "server"
program = "echo-server"
priority = 100
passive = true

[[task]]
name = "client"
program = "echo-client"
priority = 50
budget-us = 2000
period-us = 10000
essential = true
gets.echo = "server"
gets.uart = "com1"
gets.irq = "com1"
gets.page = { frame = "shared", read-only = true }

[[frame]]
name = "shared"
pages = 3
"#;

/// What each program declares.
const PROGRAMS: &[(&str, &str)] = &[
    ("root", "serve supervisor -\n"),
    ("echo-server", "serve echo -\nempty spare -\n"),
    (
        "echo-client",
        "call echo echo\nport uart -\ninterrupt irq -\nframe page -\nreply second -\n\
         endpoint meeting -\n",
    ),
    ("idler", ""),
    ("pmu", "pmu_control control -\npmu_lease lease -\n"),
    (
        "vmm",
        "guest_space space -\nvcpu vcpu -\npmu_lease lease -\n",
    ),
    ("watch", "pmu_control control -\n"),
];

/// A program with one page of code, one of data and this declaration.
fn program(declares: &str) -> Program {
    let segment = |address, is_writable| Segment {
        address,
        pages: 1,
        data: vec![0x90; 8],
        is_writable,
        is_executable: !is_writable,
    };
    let section = format!("baton-task 1\n{declares}");
    Program {
        entry: 0x40_0000,
        segments: vec![segment(0x40_0000, false), segment(0x40_1000, true)],
        declarations: declarations_of(section.as_bytes()).expect("the declaration is well formed"),
    }
}

fn devices() -> BTreeMap<String, Device> {
    let com1 = Device {
        ports: Some((0x3f8, 8)),
        line: Some(4),
        level_triggered: false,
        active_low: false,
    };
    let timer = Device {
        ports: None,
        ..com1
    };
    BTreeMap::from([("com1".to_owned(), com1), ("timer".to_owned(), timer)])
}

/// Builds the image of a description in `demo.toml`.
fn build(text: &str) -> anyhow::Result<Vec<u8>> {
    build_with(text, Path::new(""))
}

/// The same, with the files of frames in this folder.
fn build_with(text: &str, folder: &Path) -> anyhow::Result<Vec<u8>> {
    let known = PROGRAMS
        .iter()
        .map(|(name, _)| ((*name).to_owned(), "tasks".to_owned()))
        .collect();
    let mut description = Description::parse("demo", "demo.toml", text.to_owned(), &known)?;
    description.read_files(|file| Ok(folder.join(file)))?;
    let programs: BTreeMap<String, Program> = PROGRAMS
        .iter()
        .map(|(name, declares)| ((*name).to_owned(), program(declares)))
        .collect();
    assemble(&description, &devices(), &programs)
}
