//! The programs that can run as tasks: the binaries in these folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::workspace;

/// Folders that are a package, or whose folders are packages.
const FOLDERS: &[&str] = &["tasks", "pmu-server", "vmm-server", "tests/target"];

/// Every binary there is, with its package.
pub(crate) fn known() -> anyhow::Result<BTreeMap<String, String>> {
    let mut known = BTreeMap::new();
    for folder in FOLDERS {
        let folder = workspace::root().join(folder);
        for package in std::iter::once(folder.clone()).chain(folders_in(&folder)) {
            add(&package, &mut known)?;
        }
    }
    Ok(known)
}

/// Adds the binaries of the package in this folder, if one is there.
fn add(folder: &Path, known: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    let path = folder.join("Cargo.toml");
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(());
    };
    let manifest: toml::Table = text
        .parse()
        .with_context(|| format!("{} is not TOML", workspace::shown(&path)))?;
    let name_of = |value: &toml::Value| Some(value.get("name")?.as_str()?.to_owned());
    let Some(package) = manifest.get("package").and_then(name_of) else {
        return Ok(());
    };
    if folder.join("src/main.rs").is_file() {
        known.insert(package.clone(), package.clone());
    }
    let binaries = manifest.get("bin").and_then(toml::Value::as_array);
    for name in binaries.into_iter().flatten().filter_map(name_of) {
        known.insert(name, package.clone());
    }
    for file in fs::read_dir(folder.join("src/bin"))
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
    {
        if let Some(name) = file.path().file_stem() {
            known.insert(name.to_string_lossy().into_owned(), package.clone());
        }
    }
    Ok(())
}

fn folders_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_task_is_a_program() {
        assert_eq!(
            known().expect("tasks/ can be read").get("root"),
            Some(&"root".to_owned())
        );
    }
}
