//! The laws of the architecture and the rules of the house, checked.
//!
//! Each lint is a function from the repository's files to findings, in a file of its
//! own with a test that shows it failing. What a compiler can check is not here.

mod cfg;
mod crates;
mod driver;
mod features;
mod forbid_unsafe;
mod kernel;
mod msr;
mod rust;
mod safety;
mod say_it_first;
mod servers;
mod small_rooms;
mod tree;
mod unsafe_count;

pub(crate) use tree::{Finding, Tree};

/// A lint: its name, as it stands in findings, and what it does.
type Lint = (&'static str, fn(&Tree) -> Vec<Finding>);

/// Every lint, in the order of the rules they carry.
const LINTS: &[Lint] = &[
    ("servers-meet-in-idl", servers::check),
    ("kernel-knows-no-server", kernel::check),
    ("forbid-unsafe", forbid_unsafe::check),
    ("one-driver", driver::check),
    ("one-cfg", cfg::check),
    ("stable-rust", features::check),
    ("say-it-first", say_it_first::check),
    ("registers-are-types", msr::check),
    ("safety-says-why", safety::check),
    ("few-unsafe", unsafe_count::check),
    ("small-rooms", small_rooms::check),
];

/// Runs every lint and gives the findings as lines, sorted.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut lines: Vec<String> = LINTS
        .iter()
        .flat_map(|(name, lint)| lint(tree).into_iter().map(move |f| format!("{f} [{name}]")))
        .collect();
    lines.sort();
    lines
}

/// The workspace's crates: name and folder.
pub(crate) fn crates(tree: &Tree) -> Vec<(String, String)> {
    crates::of(tree)
        .into_iter()
        .map(|owner| (owner.name, owner.folder))
        .collect()
}

/// How many lints there are, for the report.
pub(crate) fn count() -> usize {
    LINTS.len()
}
