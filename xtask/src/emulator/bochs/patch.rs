//! Applies a patch that only inserts lines.
//!
//! Nothing of Bochs is replaced or removed, only added to; this reader of unified diffs
//! refuses everything else, and wants every line of context exactly where it says.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::process::storage;

/// Adds the lines of the unified diff `patch` to the files below `root`.
pub(crate) fn apply(patch: &str, root: &Path) -> anyhow::Result<()> {
    for part in patch.split("--- ").skip(1) {
        let (name, hunks) = name_and_hunks(part)?;
        let path = root.join(name);
        // Some of Bochs's files have bytes that are not UTF-8; lines stay bytes.
        let old = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let new = insert(&old, hunks).with_context(|| format!("cannot add to {name}"))?;
        fs::write(&path, new).map_err(|error| storage(&error, &path))?;
    }
    Ok(())
}

/// The file a part of the patch is for, without the first folder, and its hunks.
fn name_and_hunks(part: &str) -> anyhow::Result<(&str, &str)> {
    let (_, rest) = part
        .split_once("\n+++ ")
        .context("a part of the patch has no `+++` line")?;
    let (name, hunks) = rest
        .split_once('\n')
        .context("a part of the patch has no hunk")?;
    let (_, name) = name
        .split_once('/')
        .context("a name in the patch has no folder")?;
    Ok((name, hunks))
}

/// `old` with the lines that `hunks` add.
fn insert(old: &[u8], hunks: &str) -> anyhow::Result<Vec<u8>> {
    let mut rest: Vec<&[u8]> = old.split_inclusive(|&byte| byte == b'\n').collect();
    rest.reverse();
    let mut done = 0;
    let mut new = Vec::with_capacity(old.len());
    for line in hunks.lines() {
        if let Some(range) = line.strip_prefix("@@ -") {
            let start = range
                .split([',', ' '])
                .next()
                .and_then(|number| number.parse().ok());
            let start: usize = start.with_context(|| format!("not a hunk: {line}"))?;
            while done + 1 < start {
                new.extend_from_slice(rest.pop().context("the file is too short")?);
                done += 1;
            }
        } else if let Some(added) = line.strip_prefix('+') {
            new.extend_from_slice(added.as_bytes());
            new.push(b'\n');
        } else if let Some(context) = line.strip_prefix(' ') {
            let found = rest.pop().context("the file is too short")?;
            done += 1;
            if found.strip_suffix(b"\n") != Some(context.as_bytes()) {
                bail!(
                    "line {done} is `{}`, not `{context}`",
                    String::from_utf8_lossy(found).trim_end()
                );
            }
            new.extend_from_slice(found);
        } else {
            bail!("the patch would do more than insert: {line}");
        }
    }
    while let Some(line) = rest.pop() {
        new.extend_from_slice(line);
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[u8] = b"one\ntwo\nthree\nfour\nfive\n";

    fn text(hunks: &str) -> String {
        String::from_utf8(insert(OLD, hunks).expect("it applies")).expect("it is text")
    }

    #[test]
    fn lines_go_where_the_hunks_say() {
        let hunks = "@@ -1,2 +1,3 @@\n one\n+and a half\n two\n@@ -5,1 +6,2 @@\n five\n+six\n";
        assert_eq!(
            text(hunks),
            "one\nand a half\ntwo\nthree\nfour\nfive\nsix\n"
        );
    }

    #[test]
    fn another_context_is_refused_with_the_line() {
        let error = insert(OLD, "@@ -2,1 +2,2 @@\n TWO\n+x\n").expect_err("no such line");
        assert_eq!(error.to_string(), "line 2 is `two`, not `TWO`");
        let error = insert(OLD, "@@ -9,1 +9,2 @@\n x\n+y\n").expect_err("too short");
        assert_eq!(error.to_string(), "the file is too short");
    }

    #[test]
    fn a_patch_that_removes_is_refused() {
        let error = insert(OLD, "@@ -1,1 +1,0 @@\n-one\n").expect_err("it removes");
        assert_eq!(
            error.to_string(),
            "the patch would do more than insert: -one"
        );
    }

    #[test]
    fn the_patch_of_this_project_only_inserts() {
        let patch = include_str!("../../../../boards/bochs/bochs-3.0.patch");
        let mut files = 0;
        for part in patch.split("--- ").skip(1) {
            let (name, hunks) = name_and_hunks(part).expect("well-formed");
            assert!(name.starts_with("cpu/"), "{name}");
            assert!(
                hunks.lines().all(|line| line.starts_with(['+', ' ', '@'])),
                "{name}"
            );
            files += 1;
        }
        assert!(files > 0);
    }
}
