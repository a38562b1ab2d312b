//! Law 3: the crates that decide are `no_std` and have no unsafe code.
//!
//! And the model does not know the driver: no mistakes in common.

use super::crates;
use super::tree::{Finding, Tree};

/// The crates that the law names; every `*-core` is one too.
const SAFE: &[&str] = &["kern", "lease", "pmu-drv", "pmu-model", "x86-regs"];

/// Missing `#![forbid(unsafe_code)]` or `no_std`, and the model knowing the driver.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for owner in crates::of(tree) {
        if owner.name == "pmu-model" && owner.dependencies.iter().any(|name| name == "pmu-drv") {
            findings.push(owner.object_to("pmu-drv", "no mistakes in common (law 3)"));
        }
        if !SAFE.contains(&owner.name.as_str()) && !owner.name.ends_with("-core") {
            continue;
        }
        let Some(source) = owner.source(tree) else {
            continue;
        };
        if !source.code.contains("#![forbid(unsafe_code)]") {
            findings.push(source.object(0, "needs #![forbid(unsafe_code)] (law 3)"));
        }
        let is_no_std = ["#![no_std]", "#![cfg_attr(not(test), no_std)]"];
        if !is_no_std.iter().any(|line| source.code.contains(line)) {
            findings.push(source.object(0, "needs #![no_std], if only outside tests (law 3)"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tree::findings;
    use super::*;

    #[test]
    fn a_deciding_crate_with_unsafe_or_std_is_refused() {
        let files = [
            (
                "vmm-server/core/Cargo.toml",
                "[package]\nname = \"vmm-core\"\n",
            ),
            (
                "vmm-server/core/src/lib.rs",
                "//! X.\n// #![forbid(unsafe_code)]\n",
            ),
            ("lib/ring/Cargo.toml", "[package]\nname = \"ring\"\n"),
            ("lib/ring/src/lib.rs", "//! X.\n"),
        ];
        assert_eq!(
            findings(check, &files),
            [
                "vmm-server/core/src/lib.rs:1: needs #![forbid(unsafe_code)] (law 3)",
                "vmm-server/core/src/lib.rs:1: needs #![no_std], if only outside tests (law 3)",
            ]
        );
    }

    #[test]
    fn a_model_that_knows_the_driver_is_refused() {
        let model = "[package]\nname = \"pmu-model\"\n[dependencies]\npmu-drv.workspace = true\n";
        assert_eq!(
            findings(check, &[("lib/pmu-model/Cargo.toml", model)]),
            [
                "lib/pmu-model/Cargo.toml:4: pmu-model must not depend on pmu-drv: \
              no mistakes in common (law 3)"
            ]
        );
    }
}
