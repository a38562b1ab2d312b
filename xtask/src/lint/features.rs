//! Stable Rust only, and nothing that runs at build time.
//!
//! Debian's compiler is told to accept what building `core` needs; without this lint
//! that would let unstable features in. A `build.rs` is code that runs unasked.

use super::tree::{Finding, Tree};

/// `#![feature(…)]` and `build.rs`.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        for (line, code) in file.code.lines().enumerate() {
            if code.replace(' ', "").contains("#![feature(") {
                findings.push(file.object(line, "unstable features are not used"));
            }
        }
    }
    findings.extend(tree.named("build.rs").map(|file| {
        file.object(
            0,
            "there is one build program, xtask; a build.rs is none of it",
        )
    }));
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::findings;
    use super::*;

    #[test]
    fn an_unstable_feature_and_a_build_script_are_refused() {
        let files = [
            (
                "a/src/lib.rs",
                "//! X.\n#![feature(allocator_api)]\n// #![feature(x)]\n",
            ),
            ("a/build.rs", "//! X.\nfn main() {}\n"),
        ];
        assert_eq!(
            findings(check, &files),
            [
                "a/src/lib.rs:2: unstable features are not used",
                "a/build.rs:1: there is one build program, xtask; a build.rs is none of it",
            ]
        );
    }
}
