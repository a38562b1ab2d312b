//! `one-cfg`, law 5: builds differ by `bare`, tests by `test` and `loom`.
//!
//! By nothing else: `bare` is allowed in the files listed here: each is a seam between machine and host
//! that somebody decided on. Cargo features would be a second way to differ.

use super::crates;
use super::rust::word_at;
use super::tree::{Finding, Tree};

/// The conditions that may be named.
const NAMES: &[&str] = &["bare", "test", "loom"];

/// Joins conditions, or stands beside them; not itself a condition.
const GRAMMAR: &[&str] = &["all", "any", "not"];

/// The files in which `bare` may stand: crate roots, and the seams listed by name.
const SEAMS: &[&str] = &[
    // The kernel's one architecture, under one name.
    "kernel/core/src/arch.rs",
    // System calls on the machine, and their absence on the host; what a task is there.
    "lib/sel4/src/arch.rs",
    "lib/sel4/src/panicking.rs",
    "lib/sel4/src/start.rs",
    "lib/sel4/src/task.rs",
];

/// The crate that has instructions beside code that the host can test.
const ARCHITECTURE: &str = "kernel/arch-x86_64/src/";

/// Other conditions, `bare` outside the seams, and Cargo features.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        for (line, code) in file.code.lines().enumerate() {
            for condition in conditions(code) {
                if !NAMES.contains(&condition.as_str()) {
                    let what = format!("cfg({condition}): only bare, test and loom exist (law 5)");
                    findings.push(file.object(line, what));
                } else if condition == "bare" && !is_seam(&file.path) {
                    findings
                        .push(file.object(line, "cfg(bare) belongs in a listed file (one-cfg)"));
                }
            }
        }
    }
    for owner in crates::of(tree)
        .iter()
        .filter(|owner| owner.table.contains_key("features"))
    {
        let is_heading = |line: &str| line.starts_with("[features");
        let line = owner
            .manifest
            .text
            .lines()
            .position(is_heading)
            .unwrap_or(0);
        findings.push(
            owner
                .manifest
                .object(line, "features change builds: use board.toml (law 5)"),
        );
    }
    findings
}

fn is_seam(path: &str) -> bool {
    // A crate's root decides whether there is anything of it on the host.
    let is_root = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
    // The architecture's folders say which of their files are instructions and which are tested on the host.
    let is_room = path.starts_with(ARCHITECTURE) && path.ends_with("/mod.rs");
    let is_program = path
        .split_once("/src/bin/")
        .is_some_and(|(_, name)| !name.contains('/'));
    is_root || is_room || is_program || SEAMS.contains(&path)
}

/// The words that a line's `cfg(…)`, `cfg!(…)` or `cfg_attr(…, ` name as conditions.
fn conditions(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for start in ["cfg", "cfg_attr"] {
        let Some(at) = word_at(code, start) else {
            continue;
        };
        let after = code.get(at + start.len()..).unwrap_or_default();
        let Some(inside) = after.trim_start_matches('!').strip_prefix('(') else {
            continue;
        };
        found.extend(words(condition_of(inside, start == "cfg_attr")));
    }
    found.retain(|word| !GRAMMAR.contains(&word.as_str()));
    found
}

/// The condition in an opened bracket: all of it, or up to the first comma of `cfg_attr`.
fn condition_of(inside: &str, is_attribute: bool) -> &str {
    let mut depth = 0_usize;
    for (at, c) in inside.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return &inside[..at],
            ')' => depth -= 1,
            ',' if depth == 0 && is_attribute => return &inside[..at],
            _ => {}
        }
    }
    inside
}

fn words(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::findings;
    use super::*;

    #[test]
    fn other_conditions_and_hidden_seams_are_refused() {
        let deep = "//! X.\n#[cfg(all(bare, not(test)))]\nmod a;\n#[cfg(debug_assertions)]\nmod b;\n\
                    if cfg!(target_os = \"linux\") {}\n";
        assert_eq!(
            findings(check, &[("a/src/deep.rs", deep)]),
            [
                "a/src/deep.rs:2: cfg(bare) belongs in a listed file (one-cfg)",
                "a/src/deep.rs:4: cfg(debug_assertions): only bare, test and loom exist (law 5)",
                "a/src/deep.rs:6: cfg(target_os): only bare, test and loom exist (law 5)",
            ]
        );
    }

    #[test]
    fn a_crate_root_may_differ_between_machine_and_host() {
        let root = "//! X.\n#![cfg_attr(bare, no_std, no_main)]\n#[cfg(test)]\nmod tests;\n";
        assert_eq!(
            findings(check, &[("a/src/main.rs", root)]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_cargo_feature_is_refused() {
        let manifest = "[package]\nname = \"a\"\n\n[features]\nfast = []\n";
        assert_eq!(
            findings(check, &[("a/Cargo.toml", manifest)]),
            ["a/Cargo.toml:4: features change builds: use board.toml (law 5)"]
        );
    }
}
