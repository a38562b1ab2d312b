//! The reference page and these tests name each other.

use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/reference/pmu-model.md");
const SOURCES: [&str; 10] = [
    include_str!("counting.rs"),
    include_str!("delay.rs"),
    include_str!("enumeration.rs"),
    include_str!("freeze.rs"),
    include_str!("overflow.rs"),
    include_str!("registers.rs"),
    include_str!("reserved.rs"),
    include_str!("shape.rs"),
    include_str!("status.rs"),
    include_str!("worlds.rs"),
];

/// The programs that check the machine around the model.
const PROOFS: [&str; 6] = [
    include_str!("../../../../tests/emu/src/bin/clock/checks.rs"),
    include_str!("../../../../tests/emu/src/bin/counting/checks.rs"),
    include_str!("../../../../tests/emu/src/bin/cpus/checks.rs"),
    include_str!("../../../../tests/emu/src/bin/faults/checks.rs"),
    include_str!("../../../../tests/emu/src/bin/interrupts/checks.rs"),
    include_str!("../../../../tests/emu/src/bin/vmx/checks.rs"),
];

/// The names of the checks in a proof's `source`.
fn checks(source: &str) -> impl Iterator<Item = &str> {
    source
        .split("proof.check(")
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'))
        .map(|(name, _)| name)
}

/// The names of the tests in `source`.
fn tests(source: &str) -> impl Iterator<Item = &str> {
    source
        .split("#[test]\nfn ")
        .skip(1)
        .filter_map(|rest| rest.split_once("()"))
        .map(|(n, _)| n)
}

#[test]
fn every_statement_of_the_page_has_its_test_and_every_test_its_statement() {
    let tests: BTreeSet<&str> = SOURCES
        .iter()
        .flat_map(|source| tests(source))
        .chain(PROOFS.iter().flat_map(|source| checks(source)))
        .collect();
    // In a table, the last thing in backticks.
    let stated: BTreeSet<&str> = PAGE
        .lines()
        .filter_map(|line| line.strip_suffix("` |"))
        .filter_map(|line| line.rsplit_once('`'))
        .map(|(_, name)| name)
        .filter(|name| name.contains('_') && *name != "skylake_x")
        .collect();
    assert!(tests.len() > 100);
    assert_eq!(
        stated.difference(&tests).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "no test"
    );
    assert_eq!(
        tests.difference(&stated).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "not stated"
    );
}
