//! Just enough of Rust's grammar to know code from comments and strings.

/// The text with comments and the contents of strings blanked, line for line.
pub(crate) fn code_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| literal(rest, out.chars().next_back()));
        match skipped {
            Some(length) => {
                let (skip, after) = rest.split_at(length);
                // Newlines stay, so that lines keep their numbers.
                out.extend(skip.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
                rest = after;
            }
            None => {
                out.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}

/// The length of the comment that starts here, if one does.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(rest.len())
}

/// The length of the string or character that starts here, if one does.
fn literal(rest: &str, before: Option<char>) -> Option<usize> {
    if rest.starts_with('"') {
        return Some(quoted(rest, '"'));
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    // `r"…"` and `br#"…"#`, but not the end of an identifier.
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let raw = rest
        .strip_prefix('b')
        .or_else(|| rest.strip_prefix('c'))
        .unwrap_or(rest);
    let raw = raw.strip_prefix('r')?;
    let hashes = raw.chars().take_while(|&c| c == '#').count();
    let body = raw.get(hashes..)?.strip_prefix('"')?;
    let start = rest.len() - body.len();
    let end = format!("\"{}", "#".repeat(hashes));
    Some(
        body.find(&end)
            .map_or(rest.len(), |at| start + at + end.len()),
    )
}

/// The length of a text in quotes in which a backslash protects the next character.
fn quoted(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => _ = characters.next(),
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character literal; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let mut characters = rest.chars().skip(1);
    match (characters.next()?, characters.next()?) {
        ('\\', _) => Some(quoted(rest, '\'')),
        (c, '\'') => Some(2 + c.len_utf8()),
        _ => None,
    }
}

/// Whether `word` stands in `line` as a word of its own, and where.
pub(crate) fn word_at(line: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).map(|(at, _)| at).find(|&at| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked_and_lines_stay() {
        let cases = [
            ("a // unsafe", "a          "),
            ("a /* x /* y */ z */ b", "a                   b"),
            ("f(\"unsafe \\\" {\") + 1", "f(             ) + 1"),
            ("r#\"a\"b\"# c", "         c"),
            ("'\\'' 'x' 'é 'static", "         'é 'static"),
            ("a /*\n*/ b", "a   \n   b"),
            ("bar\"x\"", "bar   "),
            ("b'\\n' x", "b     x"),
        ];
        for (text, want) in cases {
            assert_eq!(code_of(text), want, "{text}");
        }
    }

    #[test]
    fn a_word_is_found_only_whole() {
        assert_eq!(word_at("x unsafe_code unsafe", "unsafe"), Some(14));
        assert_eq!(word_at("unsafely", "unsafe"), None);
    }
}
