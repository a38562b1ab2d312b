//! Law 1: a server reaches another server only through `idl`.
//!
//! That calls go uphill in priority is checked where priorities are known: by `dist`,
//! for every system description.

use super::crates::{self, Crate};
use super::tree::{Finding, Tree};

/// The folders whose crates run as tasks of their own.
const TASKS: &[&str] = &["pmu-server/", "vmm-server/", "tasks/"];

/// The task that a crate belongs to: `pmu-server`, `tasks/echo`, …
fn task_of(folder: &str) -> Option<&str> {
    let tasks = TASKS.iter().find(|tasks| folder.starts_with(**tasks))?;
    let depth = if *tasks == "tasks/" { 2 } else { 1 };
    let end = folder
        .match_indices('/')
        .nth(depth - 1)
        .map_or(folder.len(), |(at, _)| at);
    folder.get(..end)
}

/// Dependencies from one task to another.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let crates = crates::of(tree);
    let task_named = |name: &str| {
        crates
            .iter()
            .find(|other| other.name == name)
            .and_then(|other| task_of(&other.folder))
    };
    let object = |owner: &Crate<'_>| -> Vec<Finding> {
        let Some(own) = task_of(&owner.folder) else {
            return Vec::new();
        };
        let others = owner
            .dependencies
            .iter()
            .filter(|name| task_named(name).is_some_and(|o| o != own));
        others
            .map(|name| owner.object_to(name, "tasks meet only through crate idl (law 1)"))
            .collect()
    };
    crates.iter().flat_map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::findings;
    use super::*;

    const PMU: (&str, &str) = (
        "pmu-server/Cargo.toml",
        "[package]\nname = \"pmu-server\"\n",
    );

    #[test]
    fn a_server_that_links_another_is_refused() {
        let vmm =
            "[package]\nname = \"vmm-core\"\n[dependencies]\nidl = \"1\"\npmu-server = \"1\"\n";
        assert_eq!(
            findings(check, &[PMU, ("vmm-server/core/Cargo.toml", vmm)]),
            [
                "vmm-server/core/Cargo.toml:5: vmm-core must not depend on pmu-server: \
              tasks meet only through crate idl (law 1)"
            ]
        );
    }

    #[test]
    fn a_server_may_link_its_own_core() {
        let core = "[package]\nname = \"pmu-core\"\n";
        let shell = "[package]\nname = \"pmu-server\"\n[dependencies]\npmu-core = \"1\"\n";
        let files = [
            ("pmu-server/core/Cargo.toml", core),
            ("pmu-server/Cargo.toml", shell),
        ];
        assert_eq!(findings(check, &files), Vec::<String>::new());
    }

    #[test]
    fn each_folder_in_tasks_is_a_task_of_its_own() {
        assert_eq!(task_of("tasks/echo-server/"), Some("tasks/echo-server"));
        assert_eq!(task_of("pmu-server/core/"), Some("pmu-server"));
        assert_eq!(task_of("kernel/core/"), None);
    }
}
