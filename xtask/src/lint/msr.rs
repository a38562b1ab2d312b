//! `registers-are-types`: the number of an MSR is written once, in `x86-regs`.

use std::collections::BTreeMap;

use super::tree::{File, Finding, Tree};

/// The crate that has the numbers.
const HOME: &str = "lib/x86-regs/";

/// Where `x86-regs` gives a register its number.
const ADDRESS: &str = "MsrAddr(";

/// Smaller numbers are too common to mean an MSR wherever they stand.
const DISTINCTIVE: u64 = 0x180;

/// MSR numbers written twice in `x86-regs`, or at all elsewhere outside tests.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut known: BTreeMap<u64, String> = BTreeMap::new();
    for file in tree.rust().filter(|file| file.path.starts_with(HOME)) {
        for (line, number) in addresses(file) {
            let place = format!("{}:{}", file.path, line + 1);
            if let Some(first) = known.insert(number, place) {
                let what = format!("MSR {number:#x} has its number in {first} already");
                findings.push(file.object(line, what));
            }
        }
    }
    for file in tree.rust().filter(|file| !file.path.starts_with(HOME)) {
        for (line, number) in addresses(file) {
            findings.push(file.object(
                line,
                format!("MSR {number:#x}: its number belongs in x86-regs"),
            ));
        }
        for (line, code) in file
            .code_before_tests()
            .filter(|(_, code)| !code.contains(ADDRESS))
        {
            let numbers = hexadecimal(code)
                .into_iter()
                .filter(|number| *number >= DISTINCTIVE);
            for number in numbers.filter(|number| known.contains_key(number)) {
                let what = format!("{number:#x} is an MSR's number: use its type from x86-regs");
                findings.push(file.object(line, what));
            }
        }
    }
    findings
}

/// The lines before the tests that write an MSR's number, and the numbers.
fn addresses(file: &File) -> Vec<(usize, u64)> {
    let lines = file.code_before_tests();
    lines
        .flat_map(|(line, code)| {
            code.match_indices(ADDRESS)
                .filter_map(move |(at, _)| number(code.get(at + ADDRESS.len()..)?))
                .map(move |number| (line, number))
        })
        .collect()
}

/// The hexadecimal literals of a line.
fn hexadecimal(code: &str) -> Vec<u64> {
    code.match_indices("0x")
        .filter_map(|(at, _)| number(code.get(at..)?))
        .collect()
}

/// The literal that a text starts with.
fn number(text: &str) -> Option<u64> {
    let digits = |text: &str| -> String {
        let literal = text
            .chars()
            .take_while(|c| c.is_ascii_hexdigit() || *c == '_');
        literal.filter(|c| *c != '_').collect()
    };
    match text.strip_prefix("0x") {
        Some(hexadecimal) => u64::from_str_radix(&digits(hexadecimal), 16).ok(),
        None => digits(text).parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::findings;
    use super::*;

    const REGS: (&str, &str) = (
        "lib/x86-regs/src/msr.rs",
        "//! X.\nconst A: MsrAddr = MsrAddr(0x38f);\nconst B: MsrAddr = MsrAddr(0x10);\n",
    );

    #[test]
    fn a_number_that_is_written_twice_is_refused() {
        let again = "//! X.\nconst C: MsrAddr = MsrAddr(0x38F);\n";
        assert_eq!(
            findings(check, &[REGS, ("lib/x86-regs/src/pmu.rs", again)]),
            [
                "lib/x86-regs/src/pmu.rs:2: MSR 0x38f has its number in lib/x86-regs/src/msr.rs:2 already"
            ]
        );
    }

    #[test]
    fn a_number_outside_its_crate_is_refused_however_it_is_written() {
        let code = "//! X.\nwrmsr(MsrAddr(0x10), 0);\nlet a = 0x0000_038f; let small = 0x10;\n\
                    // 0x38f\n#[cfg(test)]\nmod tests { const A: u32 = 0x38f; }\n";
        assert_eq!(
            findings(check, &[REGS, ("kernel/src/main.rs", code)]),
            [
                "kernel/src/main.rs:2: MSR 0x10: its number belongs in x86-regs",
                "kernel/src/main.rs:3: 0x38f is an MSR's number: use its type from x86-regs",
            ]
        );
    }
}
