//! The workspace's crates and what they depend on, from their Cargo.toml files.

use super::tree::{File, Finding, Tree};

/// A crate of the workspace.
#[derive(Debug)]
pub(crate) struct Crate<'a> {
    /// Its package name.
    pub(crate) name: String,
    /// Its folder, with a slash at the end.
    pub(crate) folder: String,
    /// The crates it depends on in any build but tests, for any target.
    pub(crate) dependencies: Vec<String>,
    /// Its Cargo.toml.
    pub(crate) manifest: &'a File,
    /// That file, parsed.
    pub(crate) table: toml::Table,
}

impl Crate<'_> {
    /// An objection to its dependency on another crate, at that line of its Cargo.toml.
    pub(crate) fn object_to(&self, dependency: &str, why: &str) -> Finding {
        let starts = |line: &str| {
            let name = line.trim_start().trim_start_matches('"');
            name.strip_prefix(dependency)
                .is_some_and(|rest| rest.starts_with([' ', '.', '"', '=']))
        };
        let line = self.manifest.text.lines().position(starts).unwrap_or(0);
        let name = &self.name;
        self.manifest.object(
            line,
            format!("{name} must not depend on {dependency}: {why}"),
        )
    }

    /// Its main source file.
    pub(crate) fn source<'a>(&self, tree: &'a Tree) -> Option<&'a File> {
        let folder = &self.folder;
        tree.file(&format!("{folder}src/lib.rs"))
            .or_else(|| tree.file(&format!("{folder}src/main.rs")))
    }
}

/// The crates of the tree. A Cargo.toml that is no TOML is cargo's to report.
pub(crate) fn of(tree: &Tree) -> Vec<Crate<'_>> {
    tree.named("Cargo.toml").filter_map(read).collect()
}

fn read(manifest: &File) -> Option<Crate<'_>> {
    let table: toml::Table = manifest.text.parse().ok()?;
    let name = table.get("package")?.get("name")?.as_str()?.to_owned();
    let mut dependencies = names(table.get("dependencies"));
    dependencies.extend(names(table.get("build-dependencies")));
    let targets = table.get("target").and_then(toml::Value::as_table);
    for target in targets.into_iter().flat_map(toml::Table::values) {
        dependencies.extend(names(target.get("dependencies")));
    }
    let folder = manifest.path.trim_end_matches("Cargo.toml").to_owned();
    Some(Crate {
        name,
        folder,
        dependencies,
        manifest,
        table,
    })
}

fn names(dependencies: Option<&toml::Value>) -> Vec<String> {
    let table = dependencies.and_then(toml::Value::as_table);
    table
        .into_iter()
        .flat_map(toml::Table::keys)
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_every_target_count_and_those_of_tests_do_not() {
        let tree = Tree::of(&[(
            "lib/a/Cargo.toml",
            "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\n\
             [target.'cfg(bare)'.dependencies]\nc = \"1\"\n[dev-dependencies]\nd = \"1\"\n",
        )]);
        let crates = of(&tree);
        assert_eq!(crates[0].dependencies, ["b", "c"]);
        assert_eq!(
            crates[0].object_to("c", "so").to_string(),
            "lib/a/Cargo.toml:6: a must not depend on c: so"
        );
    }
}
