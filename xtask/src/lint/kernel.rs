//! Law 2: nothing under `kernel/` knows `idl` or a server.
//!
//! And no `arch-*` knows `kern`: traps arrive through upcalls.

use super::crates::{self, Crate};
use super::tree::{Finding, Tree};

/// The folders whose crates the kernel must not know.
const ABOVE: &[&str] = &["idl/", "pmu-server/", "vmm-server/", "tasks/", "xtask/"];

/// Dependencies of the kernel's crates that lead upwards.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let crates = crates::of(tree);
    let is_above = |name: &str| {
        let other = crates.iter().find(|other| other.name == name);
        other.is_some_and(|other| ABOVE.iter().any(|above| other.folder.starts_with(above)))
    };
    let object = |owner: &Crate<'_>| -> Vec<Finding> {
        let objections = owner.dependencies.iter().filter_map(|name| {
            if is_above(name) {
                Some(owner.object_to(name, "the kernel knows no idl and no server (law 2)"))
            } else if owner.name.starts_with("arch-") && name == "kern" {
                Some(owner.object_to(name, "traps arrive through upcalls (law 2)"))
            } else {
                None
            }
        });
        objections.collect()
    };
    crates
        .iter()
        .filter(|c| c.folder.starts_with("kernel/"))
        .flat_map(object)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::findings;
    use super::*;

    #[test]
    fn a_kernel_that_knows_idl_and_an_architecture_that_knows_kern_are_refused() {
        let files = [
            (
                "idl/runtime/Cargo.toml",
                "[package]\nname = \"idl-runtime\"\n",
            ),
            (
                "kernel/core/Cargo.toml",
                "[package]\nname = \"kern\"\n[dependencies]\nidl-runtime.workspace = true\n",
            ),
            (
                "kernel/arch-x86_64/Cargo.toml",
                "[package]\nname = \"arch-x86_64\"\n[dependencies]\nkern = \"1\"\n",
            ),
        ];
        assert_eq!(
            findings(check, &files),
            [
                "kernel/core/Cargo.toml:4: kern must not depend on idl-runtime: \
                 the kernel knows no idl and no server (law 2)",
                "kernel/arch-x86_64/Cargo.toml:4: arch-x86_64 must not depend on kern: \
                 traps arrive through upcalls (law 2)",
            ]
        );
    }
}
