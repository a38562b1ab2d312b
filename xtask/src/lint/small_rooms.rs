//! `small-rooms`: a file has one subject, and 800 lines are too many for one.

use super::tree::{Finding, Tree};

/// The most lines that a file may have.
const MOST: usize = 800;

/// Stands in the opening comment of a file that is one long table.
const TABLE: &str = "(A table: length is no objection.)";

/// Files that are too long.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let files = tree
        .rust()
        .filter(|file| !file.is_generated() && !file.text.contains(TABLE));
    let long = files
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, n)| *n > MOST);
    long.map(|(file, n)| {
        file.object(
            MOST,
            format!("{n} lines; {MOST} are the most (small-rooms)"),
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::findings;
    use super::*;

    #[test]
    fn a_file_of_801_lines_is_refused_unless_it_is_a_table() {
        let long = "//! X.\n".repeat(MOST + 1);
        let table = format!("//! {TABLE}\n{long}");
        let files = [("a.rs", long.as_str()), ("b.rs", table.as_str())];
        assert_eq!(
            findings(check, &files),
            ["a.rs:801: 801 lines; 800 are the most (small-rooms)"]
        );
        assert_eq!(
            findings(check, &[("a.rs", &"//! X.\n".repeat(MOST))]).len(),
            0
        );
    }
}
