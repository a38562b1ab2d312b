//! The guests of this repository: packages in `tests/guests`.
//!
//! A guest is an ordinary multiboot program, so it also boots bare: that is how its expectations are proven before
//! any VMM has a hand in them.

use std::path::{Path, PathBuf};

use crate::bare::Alone;
use crate::toolchain::Toolchain;
use crate::workspace;

/// Where they are.
const FOLDER: &str = "tests/guests";

/// Where their sections are put.
const SCRIPT: &str = "tests/guests/guest.ld";

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guest {
    /// Package and program: `guest-` and the folder's name.
    name: String,
}

impl Guest {
    /// The guest with this package name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let folder = name.strip_prefix("guest-")?;
        Self::in_folder(&workspace::root().join(FOLDER).join(folder))
    }

    /// The guest whose folder this is.
    pub(crate) fn in_folder(folder: &Path) -> Option<Self> {
        let folder = folder.canonicalize().ok()?;
        let all = workspace::root().join(FOLDER).canonicalize().ok()?;
        let is_guest = folder.parent() == Some(&all) && folder.join("src/main.rs").is_file();
        let name = folder.file_name()?.to_str()?;
        is_guest.then(|| Self {
            name: format!("guest-{name}"),
        })
    }

    /// Builds it and says where it is.
    pub(crate) fn build(&self, toolchain: &Toolchain) -> anyhow::Result<PathBuf> {
        let program = Alone {
            package: &self.name,
            program: &self.name,
            script: SCRIPT,
            arguments: &[],
        };
        program.build(toolchain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_found_by_its_package_and_by_its_folder() {
        let by_name = Guest::named("guest-pmu").expect("it exists");
        let folder = workspace::root().join(FOLDER).join("pmu");
        assert_eq!(Guest::in_folder(&folder), Some(by_name));
    }

    #[test]
    fn what_the_guests_share_is_no_guest_and_neither_is_any_other_folder() {
        assert_eq!(Guest::named("guest-support"), None);
        assert_eq!(Guest::named("pmu"), None);
        assert_eq!(Guest::in_folder(workspace::root()), None);
    }
}
