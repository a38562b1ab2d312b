//! From a system description and programs to the image that the kernel boots with.
//!
//! Four steps, each a folder or file here: `description` reads the TOML, `program` the
//! ELF files with what they declare, `plan` holds the two against each other and gives
//! every object an index, `write` lays the tables out. Whatever is wrong is found
//! before the last step, with file, line, cause and suggestion.

mod declared;
mod description;
mod guests;
mod objects;
mod plan;
mod problem;
mod program;
mod programs;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::anyhow;
use sysdesc::SystemImage;

use crate::board::Board;
pub(crate) use description::Description;
pub(crate) use program::Program;

/// The image of a system on a board; `elf` says where a program's file is.
pub(crate) fn build(
    description: &Description,
    board: &Board,
    elf: impl Fn(&str) -> PathBuf,
) -> anyhow::Result<Vec<u8>> {
    let mut programs = BTreeMap::new();
    for name in description.binaries() {
        let program =
            Program::read(&elf(name)).map_err(|error| description.in_program(name, error))?;
        programs.insert(name.to_owned(), program);
    }
    assemble(description, &board.facts.devices, &programs)
}

/// The image of a description and programs that have been read.
fn assemble(
    description: &Description,
    devices: &BTreeMap<String, crate::board::Device>,
    programs: &BTreeMap<String, Program>,
) -> anyhow::Result<Vec<u8>> {
    let plan = plan::plan(description, devices, programs)?;
    let bytes = write::image(&plan)?;
    // The kernel's own check, here where a mistake of ours is cheap to find.
    let aligned = write::Aligned::of(&bytes);
    SystemImage::check(aligned.bytes()).map_err(|error| {
        anyhow!("the image builder made an image that the kernel refuses: {error}")
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
