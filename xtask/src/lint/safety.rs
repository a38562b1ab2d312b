//! `safety-says-why`: reasons are numbered, so that each can be checked.
//!
//! That every unsafe block has a `SAFETY:` comment is clippy's to see; that the comment
//! argues is ours.

use super::tree::{Finding, Tree};

/// `SAFETY:` comments without a numbered reason, or that pass the duty on.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        let lines: Vec<&str> = file.text.lines().map(str::trim_start).collect();
        for (at, line) in lines.iter().enumerate() {
            if !line.starts_with("// SAFETY:") {
                continue;
            }
            let comment = lines
                .iter()
                .skip(at)
                .map_while(|line| line.strip_prefix("// "));
            let text: String = comment.collect::<Vec<_>>().join(" ").to_lowercase();
            if !text.contains(" 1. ") {
                findings
                    .push(file.object(at, "SAFETY: without a numbered reason (safety-says-why)"));
            } else if text.contains("trust me") {
                findings.push(file.object(at, "SAFETY: without a reason (safety-says-why)"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::findings;
    use super::*;

    #[test]
    fn a_comment_without_numbered_reasons_is_refused() {
        let text = "//! X.\n    // SAFETY: trust me\n    unsafe { x() }\n\
                    // SAFETY:\n// 1. The lock is held, see `Guard`.\nunsafe { y() }\n";
        assert_eq!(
            findings(check, &[("a.rs", text)]),
            ["a.rs:2: SAFETY: without a numbered reason (safety-says-why)"]
        );
        assert_eq!(
            findings(check, &[("a.rs", "// SAFETY: 1. trust me\n")]),
            ["a.rs:1: SAFETY: without a reason (safety-says-why)"]
        );
    }
}
