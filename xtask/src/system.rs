//! From a name to files that boot: the kernel, the tasks and the checked image.

use std::path::{Path, PathBuf};

use crate::bare::{self, Ring, write_if_changed};
use crate::board::Board;
use crate::guests::Guest;
use crate::image::{self, Description};
use crate::toolchain::Toolchain;
use crate::workspace;

/// A system that is ready to boot on its board.
#[derive(Debug)]
pub(crate) struct Built {
    /// The machine.
    pub(crate) board: Board,
    /// The system's name.
    pub(crate) name: String,
    /// The kernel's ELF file.
    pub(crate) kernel: PathBuf,
    /// The system image.
    pub(crate) image: PathBuf,
}

/// Builds everything that a system needs.
pub(crate) fn build(toolchain: &Toolchain, board: Board, name: &str) -> anyhow::Result<Built> {
    let description = Description::read(&board.system(name)?)?;
    assemble(toolchain, board, description)
}

/// Builds what a description that was read needs.
pub(crate) fn assemble(
    toolchain: &Toolchain,
    board: Board,
    mut description: Description,
) -> anyhow::Result<Built> {
    description.read_files(|file| find(file, toolchain))?;
    let kernel = bare::build_kernel(toolchain)?;
    bare::build_tasks(toolchain, &description.packages())?;
    let bytes = image::build(&description, &board, |program| Ring::Tasks.elf(program))?;
    let image = workspace::target()
        .join("dist")
        .join(&board.name)
        .join(format!("{}.image", description.name));
    write_if_changed(&image, &bytes)?;
    Ok(Built {
        board,
        name: description.name,
        kernel,
        image,
    })
}

/// The file that a frame is to contain. The folder of a guest stands for the guest, which is built.
fn find(file: &str, toolchain: &Toolchain) -> anyhow::Result<PathBuf> {
    let path = workspace::root().join(Path::new(file));
    match Guest::in_folder(&path) {
        Some(guest) => guest.build(toolchain),
        None => Ok(path),
    }
}
