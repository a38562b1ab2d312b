//! `guest`: runs a guest from a file under Baton's VMM.

use std::fs;
use std::path::{Path, PathBuf};

use vmm_server_core::load::{GuestMemory, load};

use crate::board::Board;
use crate::cli::{RunGuest, ToolchainChoice};
use crate::emulator;
use crate::guests::Guest;
use crate::image::Description;
use crate::refusal::{Refusal, Status};
use crate::system;
use crate::toolchain::Toolchain;
use crate::ui;
use crate::verbs::run;

/// The system that runs it: the VMM, the server of the counters and the console.
const SYSTEM: &str = "guest";

/// The frame of that system with the guest's file.
const IMAGE: &str = "guest-image";

/// The frame that is the guest's memory.
const MEMORY: &str = "guest-memory";

/// The largest file in MiB: the machine holds it twice while it boots.
const MOST_MIB: u64 = 32;

/// Boots; the status is the guest's verdict.
pub(crate) fn guest(
    arguments: &RunGuest,
    choice: Option<ToolchainChoice>,
) -> anyhow::Result<Status> {
    // What is wrong with the file first: everything after this may take minutes.
    let board = Board::find(&arguments.board)?;
    let mut description = Description::read(&board.system(SYSTEM)?)?;
    let memory = description.bytes_of(MEMORY).unwrap_or(0);
    let guest = Guest::in_folder(&arguments.file);
    if guest.is_none() {
        check(&arguments.file, memory)?;
    }
    let toolchain = Toolchain::find(choice)?;
    ui::note(&toolchain.description());
    let file = match guest {
        Some(guest) => guest.build(&toolchain)?,
        None => arguments.file.clone(),
    };
    let file = absolute(&file)?;
    if !description.replace_file(IMAGE, &file) {
        return Err(Refusal::because(format!(
            "system {SYSTEM} of board {} has no frame {IMAGE}",
            board.name
        )));
    }
    emulator::prepare(&board)?;
    run::boot(&system::assemble(&toolchain, board, description)?, false)
}

/// Refuses what the VMM would refuse, by the VMM's own loader.
fn check(file: &Path, memory: u64) -> anyhow::Result<()> {
    let shown = file.display();
    let refuse = |cause: String| Refusal::because(format!("{shown}: {cause}"));
    let facts = fs::metadata(file).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    if facts.is_dir() {
        return Err(refuse("a folder that is no guest of tests/guests".into()));
    }
    if facts.len() > MOST_MIB << 20 {
        let size = facts.len().div_ceil(1 << 20);
        let cause = format!(
            "has {size} MiB, more than {MOST_MIB}; without debug information it is smaller"
        );
        return Err(refuse(cause));
    }
    let bytes = fs::read(file).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    load(bytes.as_slice(), "", &mut Sized(memory)).map_err(|error| refuse(error.to_string()))?;
    Ok(())
}

fn absolute(file: &Path) -> anyhow::Result<PathBuf> {
    fs::canonicalize(file)
        .map_err(|error| Refusal::because(format!("{}: cannot be read: {error}", file.display())))
}

/// A guest's memory of so many bytes, as far as a loader that is only tried out needs one.
struct Sized(u64);

impl GuestMemory for Sized {
    fn size(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _address: u64, _bytes: &[u8]) {}
    fn zero(&mut self, _address: u64, _length: u64) {}
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn refused(name: &str, contents: &[u8], expected: &Expect) {
        let folder = emulator::RunFolder::create().expect("a folder");
        let file = folder.path().join(name);
        fs::write(&file, contents).expect("written");
        let error = check(&file, 16 << 20).expect_err("refused").to_string();
        let shown = error.replace(&format!("{}/", folder.path().display()), "");
        expected.assert_eq(&shown);
    }

    #[test]
    fn a_file_that_is_no_guest_is_refused_in_one_line() {
        refused(
            "notes.txt",
            b"hello",
            &expect![
                "notes.txt: there is no multiboot header (version 1) in the first 8192 bytes of the image"
            ],
        );
    }

    #[test]
    fn a_guest_that_does_not_fit_is_refused_with_both_sizes() {
        // Magic, flags (flat), checksum; header, load, load end, end of BSS, entry.
        let words: [u32; 8] = [
            0x1bad_b002,
            0x1_0000,
            0xe451_4ffe,
            0x10_0000,
            0x10_0000,
            0x10_0020,
            0x200_0000,
            0x10_0000,
        ];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        refused(
            "big.bin",
            &bytes,
            &expect![
                "big.bin: 0x1f00000 bytes at 0x100000 do not fit into the guest's 0x1000000 bytes of memory"
            ],
        );
    }

    #[test]
    fn a_file_that_does_not_exist_and_a_folder_are_refused_by_name() {
        let missing = check(Path::new("no/such/file"), 0).expect_err("refused");
        assert!(
            missing
                .to_string()
                .starts_with("no/such/file: cannot be read: ")
        );
        let folder = check(Path::new("src"), 0).expect_err("refused");
        assert_eq!(
            folder.to_string(),
            "src: a folder that is no guest of tests/guests"
        );
    }
}
