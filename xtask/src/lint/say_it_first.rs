//! `say-it-first`: a file opens with one sentence of at most 80 columns.

use super::tree::{File, Finding, Tree};

/// The widest first sentence, in columns, without its `//! `.
const WIDEST: usize = 80;

/// Files that do not open with a sentence, or with one that is too long.
///
/// A `tests.rs` is part of the file it tests, which has said it.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let files = tree.rust().filter(|file| !file.is_generated());
    let files = files.filter(|file| !file.path.ends_with("/tests.rs"));
    files
        .filter_map(|file| Some(file.object(0, objection(file)?)))
        .collect()
}

fn objection(file: &File) -> Option<String> {
    let mut lines = file.text.lines();
    let Some(first) = lines.next().and_then(|line| line.strip_prefix("//! ")) else {
        return Some("does not open with `//! ` and a sentence (say-it-first)".into());
    };
    // A sentence may go over two lines, but not be longer than one.
    let rest: Vec<&str> = lines.map_while(|line| line.strip_prefix("//! ")).collect();
    let paragraph = std::iter::once(first)
        .chain(rest)
        .collect::<Vec<_>>()
        .join(" ");
    let sentence = paragraph
        .find(". ")
        .map_or(paragraph.as_str(), |at| &paragraph[..=at]);
    let width = sentence.chars().count();
    if !sentence.ends_with(['.', '?', '!', ':']) {
        return Some("the opening sentence does not end (say-it-first)".into());
    }
    (width > WIDEST).then(|| {
        format!("the opening sentence has {width} columns; {WIDEST} are the most (say-it-first)")
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::findings;
    use super::*;

    #[test]
    fn a_file_without_a_sentence_or_with_a_long_one_is_refused() {
        let long = format!("//! {}.\n", "x".repeat(WIDEST));
        let files = [
            ("a.rs", "use x;\n"),
            ("b.rs", "//! No end\n\nuse x;\n"),
            ("c.rs", long.as_str()),
            (
                "d.rs",
                "//! Short. But what follows may be as long as it likes, even over the edge of it.\n",
            ),
        ];
        assert_eq!(
            findings(check, &files),
            [
                "a.rs:1: does not open with `//! ` and a sentence (say-it-first)",
                "b.rs:1: the opening sentence does not end (say-it-first)",
                "c.rs:1: the opening sentence has 81 columns; 80 are the most (say-it-first)",
            ]
        );
    }
}
