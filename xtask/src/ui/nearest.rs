//! Names that do not exist: says what does, nearest first.

use crate::refusal::Refusal;

/// The refusal for a name that does not exist.
///
/// `kind` is the word for what was asked (`board`), `known` everything of that kind.
pub(crate) fn unknown<'a>(
    kind: &str,
    asked: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> anyhow::Error {
    let known: Vec<&str> = known.into_iter().collect();
    let guess = nearest(asked, known.iter().copied())
        .map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    let list = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    Refusal::because(format!("no {kind} `{asked}`{guess} (there are: {list})"))
}

/// The known name that is closest to `asked`, if any is close enough to be meant.
pub(crate) fn nearest<'a>(
    asked: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A third of the letters may be wrong, rounded up so that two swapped ones in a short name
    // count as one mistake; more than that and the guess annoys.
    let limit = asked.chars().count().div_ceil(3);
    known
        .into_iter()
        .map(|name| (distance(asked, name), name))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// How many letters must be inserted, removed or replaced to make one the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut before = i;
        let mut last = i + 1;
        let mut next = vec![last];
        for (&b, &above) in right.iter().zip(row.iter().skip(1)) {
            last = (before + usize::from(a != b)).min(above + 1).min(last + 1);
            before = above;
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_inserted_removed_and_replaced_letters() {
        let cases = [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("demo", "dmeo", 2),
            ("kitten", "sitting", 3),
        ];
        for (left, right, want) in cases {
            assert_eq!(distance(left, right), want, "{left} {right}");
        }
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(nearest("dmo", ["demo", "bench"]), Some("demo"));
        assert_eq!(nearest("zebra", ["demo", "bench"]), None);
    }

    #[test]
    fn an_unknown_name_lists_what_exists() {
        let error = unknown("board", "qemu-q53", ["bochs-spr", "qemu-q35"]);
        assert_eq!(
            error.to_string(),
            "no board `qemu-q53`; did you mean `qemu-q35`? (there are: bochs-spr, qemu-q35)"
        );
    }
}
