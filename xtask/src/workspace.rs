//! Where things are in this repository.

use std::path::{Path, PathBuf};

/// The repository's top folder.
pub(crate) fn root() -> &'static Path {
    // xtask is built where it runs: a moved clone is built again.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// Where everything that is built goes; never committed.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// The log of a long step.
pub(crate) fn log(step: &str) -> PathBuf {
    target().join("log").join(format!("{step}.log"))
}

/// A path as the user should see it: relative to the repository where it is inside.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Where emulators that were built are kept, shared by every clone of this user.
pub(crate) fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|p| p.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    base.or_else(home).unwrap_or_else(target).join("baton")
}
