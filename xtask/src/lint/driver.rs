//! Law 4: counters are swapped by the same code on the machine and in tests.
//!
//! So the driver may not look at how it is built, and may not know what is below it:
//! it gets its registers through a trait.

use super::crates;
use super::rust::word_at;
use super::tree::{Finding, Tree};

const DRIVER: &str = "pmu-drv";

/// Build conditions, assembly and machine crates in the counter driver.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for owner in crates::of(tree).iter().filter(|owner| owner.name == DRIVER) {
        let below = |name: &str| name.starts_with("arch-") || name == "pmu-model";
        for name in owner.dependencies.iter().filter(|name| below(name)) {
            findings.push(owner.object_to(name, "its registers come through a trait (law 4)"));
        }
        for file in tree
            .rust()
            .filter(|file| file.path.starts_with(&owner.folder))
        {
            for (line, code) in file.code_before_tests() {
                let word = ["bare", "asm", "core_arch"]
                    .into_iter()
                    .find(|w| word_at(code, w).is_some() && (*w != "bare" || code.contains("cfg")));
                if let Some(word) = word {
                    let what =
                        format!("`{word}`: the driver is one code for machine and host (law 4)");
                    findings.push(file.object(line, what));
                }
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
    fn a_driver_that_differs_between_machine_and_host_is_refused() {
        let files = [
            (
                "lib/pmu-drv/Cargo.toml",
                "[package]\nname = \"pmu-drv\"\n[dependencies]\narch-x86_64.workspace = true\n",
            ),
            (
                "lib/pmu-drv/src/lib.rs",
                "//! X.\n#[cfg(bare)]\nfn load() {}\n",
            ),
        ];
        assert_eq!(
            findings(check, &files),
            [
                "lib/pmu-drv/Cargo.toml:4: pmu-drv must not depend on arch-x86_64: \
                 its registers come through a trait (law 4)",
                "lib/pmu-drv/src/lib.rs:2: `bare`: the driver is one code for machine and host (law 4)",
            ]
        );
    }
}
