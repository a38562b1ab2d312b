//! The folders: which interface makes which file, and whether it is fresh.

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use crate::Diagnostic;
use crate::write;

const INTERFACES: &str = "idl/interfaces";
const STUBS: &str = "idl/src";
const ENDING: &str = ".idl.rs";

/// Why there are no fresh stubs.
#[derive(Debug)]
pub enum Failure {
    /// Interfaces are wrong.
    Wrong(Vec<Diagnostic>),
    /// These files, named from the root, are not what the interfaces say.
    Stale(Vec<String>),
    /// A file could not be read or written.
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(found) => {
                for (index, diagnostic) in found.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "\n" };
                    write!(f, "{separator}{diagnostic}")?;
                }
                Ok(())
            }
            Self::Stale(files) => write!(
                f,
                "{}: not what {INTERFACES} says\n  next: run `cargo run -p idl-compiler` and commit what it writes",
                files.join(", ")
            ),
            Self::File { path, source } => write!(
                f,
                "{}: {source}\n  next: run this at the project's root, or name the root",
                path.display()
            ),
        }
    }
}

impl std::error::Error for Failure {}

/// Proves that `idl/src` under `root` is exactly what `idl/interfaces` says.
pub fn check(root: &Path) -> Result<(), Failure> {
    let wanted = outputs(root)?;
    let mut stale: Vec<String> = wanted
        .iter()
        .filter(|output| {
            fs::read_to_string(root.join(&output.path)).ok().as_ref() != Some(&output.text)
        })
        .map(|output| output.path.clone())
        .collect();
    stale.extend(leftovers(root, &wanted)?);
    if stale.is_empty() {
        Ok(())
    } else {
        Err(Failure::Stale(stale))
    }
}

/// Makes `idl/src` under `root` what `idl/interfaces` says. Gives back the files that it changed.
///
/// Nothing is written when an interface is wrong.
pub fn generate(root: &Path) -> Result<Vec<String>, Failure> {
    let wanted = outputs(root)?;
    let mut changed = Vec::new();
    for output in &wanted {
        let path = root.join(&output.path);
        if fs::read_to_string(&path).ok().as_ref() != Some(&output.text) {
            fs::write(&path, &output.text).map_err(|source| Failure::File { path, source })?;
            changed.push(output.path.clone());
        }
    }
    for leftover in leftovers(root, &wanted)? {
        let path = root.join(&leftover);
        fs::remove_file(&path).map_err(|source| Failure::File { path, source })?;
        changed.push(leftover);
    }
    Ok(changed)
}

/// A file that there should be.
struct Output {
    /// From the root, with forward slashes.
    path: String,
    text: String,
}

/// Compiles every interface.
fn outputs(root: &Path) -> Result<Vec<Output>, Failure> {
    let mut outputs = Vec::new();
    let mut modules = Vec::new();
    let mut wrong = Vec::new();
    for name in names(root, INTERFACES)? {
        let file = format!("{INTERFACES}/{name}");
        let Some(module) = name
            .strip_suffix(ENDING)
            .filter(|module| is_module_name(module))
        else {
            wrong.push(Diagnostic {
                file,
                line: 1,
                column: 1,
                cause: "the file's name is not that of an interface".to_owned(),
                next: "call it like `echo.idl.rs`: small letters, digits and underscores"
                    .to_owned(),
            });
            continue;
        };
        let path = root.join(&file);
        let text = fs::read_to_string(&path).map_err(|source| Failure::File { path, source })?;
        match crate::compile(&file, &text) {
            Ok(text) => outputs.push(Output {
                path: format!("{STUBS}/{module}.rs"),
                text,
            }),
            Err(found) => wrong.extend(found),
        }
        modules.push(module.to_owned());
    }
    if !wrong.is_empty() {
        return Err(Failure::Wrong(wrong));
    }
    outputs.push(Output {
        path: format!("{STUBS}/lib.rs"),
        text: write::library(&modules),
    });
    Ok(outputs)
}

/// Files among the stubs that no interface makes.
fn leftovers(root: &Path, wanted: &[Output]) -> Result<Vec<String>, Failure> {
    let found = names(root, STUBS)?
        .into_iter()
        .map(|name| format!("{STUBS}/{name}"));
    Ok(found
        .filter(|path| wanted.iter().all(|output| output.path != *path))
        .collect())
}

/// The names of a folder's entries, in order.
fn names(root: &Path, folder: &str) -> Result<Vec<String>, Failure> {
    let path = root.join(folder);
    let read = || -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    };
    read().map_err(|source| Failure::File {
        path: path.clone(),
        source,
    })
}

fn is_module_name(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_lowercase());
    first
        && name != "lib"
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
