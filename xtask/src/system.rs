//! From a name to files that boot: the kernel, the tasks and the checked image.

use std::path::PathBuf;

use crate::bare::{self, Ring, write_if_changed};
use crate::board::Board;
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
    let kernel = bare::build_kernel(toolchain)?;
    bare::build_tasks(toolchain, &description.packages())?;
    let bytes = image::build(&description, &board, |program| Ring::Tasks.elf(program))?;
    let image = workspace::target()
        .join("dist")
        .join(&board.name)
        .join(format!("{name}.image"));
    write_if_changed(&image, &bytes)?;
    Ok(Built {
        board,
        name: name.to_owned(),
        kernel,
        image,
    })
}
