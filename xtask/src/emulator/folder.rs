//! A fresh folder for each run, removed when the run is over.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::process::storage;

/// How the folders of this program are named, before the process and a number.
const PREFIX: &str = "baton-run-";

/// A folder that exists as long as this value does.
///
/// Emulators leave locks and sockets behind; a folder of its own keeps one run's from
/// the next. The path is short, since socket paths may have 107 bytes.
#[derive(Debug)]
pub(crate) struct RunFolder(PathBuf);

impl RunFolder {
    /// Makes a new, empty folder, and removes those of processes that were killed.
    pub(crate) fn create() -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let base = std::env::temp_dir();
        remove_orphans(&base);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = base.join(format!("{PREFIX}{}-{number}", std::process::id()));
        // A leftover of an earlier process with the same number is not ours to reuse.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).map_err(|error| storage(&error, &path))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes the folders of processes that no longer exist.
fn remove_orphans(base: &Path) {
    for entry in fs::read_dir(base)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
    {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split('-').next())
            .filter(|process| process.parse::<u32>().is_ok());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_a_folder_of_its_own_that_goes_away() {
        let (one, two) = (
            RunFolder::create().expect("one"),
            RunFolder::create().expect("two"),
        );
        assert_ne!(one.path(), two.path());
        let path = one.path().to_owned();
        assert!(path.is_dir());
        drop(one);
        assert!(!path.exists());
    }

    #[test]
    fn the_folder_of_a_process_that_is_gone_is_removed() {
        // No process has a number above the kernel's limit of 2^22.
        let orphan = std::env::temp_dir().join(format!("{PREFIX}4194305-0"));
        fs::create_dir_all(&orphan).expect("the temporary folder can be written");
        let _run = RunFolder::create().expect("a folder");
        assert!(!orphan.exists());
    }
}
