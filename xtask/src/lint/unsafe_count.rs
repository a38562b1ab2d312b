//! Unsafe code is counted, and there is an end to it.

use super::rust::word_at;
use super::tree::{File, Finding, Tree};

/// The most uses of `unsafe` in what a system trusts.
///
/// The proofs and guests under `tests/` own the machine that they check: no system contains them.
const MOST: usize = 150;

/// The use of `unsafe` that is one too many, if there is one.
///
/// Blocks, functions, traits and implementations count; attributes (`#[unsafe(…)]`)
/// name a symbol and do not.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let uses_of = |file| lines_of(file).map(move |line| (file, line));
    let trusted = tree.rust().filter(|file| !file.path.starts_with("tests/"));
    let uses: Vec<(&File, usize)> = trusted.flat_map(uses_of).collect();
    let total = uses.len();
    let what = format!("{total} uses of unsafe; {MOST} are the most");
    uses.get(MOST)
        .map(|(file, line)| file.object(*line, what))
        .into_iter()
        .collect()
}

/// The lines of a file that use `unsafe`.
fn lines_of(file: &File) -> impl Iterator<Item = usize> {
    file.code
        .lines()
        .enumerate()
        .filter(|(_, code)| is_use(code))
        .map(|(line, _)| line)
}

/// Whether a line of code uses `unsafe` other than in an attribute.
fn is_use(code: &str) -> bool {
    word_at(code, "unsafe")
        .and_then(|at| code.get(at + "unsafe".len()..))
        .is_some_and(|after| !after.starts_with('('))
}

#[cfg(test)]
mod tests {
    use super::super::tree::findings;
    use super::*;

    #[test]
    fn the_first_use_beyond_the_limit_is_refused() {
        let full = "fn f() { unsafe { x() } }\n".repeat(MOST);
        assert_eq!(findings(check, &[("a.rs", &full)]).len(), 0);
        let over = format!("{full}// unsafe\nunsafe impl X for Y {{}}\n");
        assert_eq!(
            findings(check, &[("a.rs", &over)]),
            ["a.rs:152: 151 uses of unsafe; 150 are the most"]
        );
        assert_eq!(findings(check, &[("tests/emu/a.rs", &over)]).len(), 0);
    }

    #[test]
    fn an_attribute_is_no_use() {
        assert!(!is_use("#[unsafe(no_mangle)]"));
        assert!(is_use("pub unsafe fn load() {"));
    }
}
