//! Proof programs: on a Bochs board they check the machine by themselves.

use std::fs;

use anyhow::Context as _;
use serde::Deserialize;

use crate::bare::Alone;
use crate::board::Board;
use crate::emulator::{self, Boot, Clock, Outcome, RunFolder, Watch};
use crate::guests::Guest;
use crate::process::storage;
use crate::toolchain::Toolchain;
use crate::workspace;

/// Where they are, and the list of them.
const FOLDER: &str = "tests/emu";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    proof: Vec<Proof>,
}

/// One program on one variant of the board's machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    /// The program's name: a file in `tests/emu/src/bin`, or a guest.
    program: String,
    /// Words added to the board's description of its counters.
    #[serde(default)]
    pmu: String,
    /// Where its sections are put, when not as usual: a program on top of the kernel's architecture lies where the kernel does.
    #[serde(default)]
    script: Option<String>,
    /// How many CPUs the machine has; the board's own number by default.
    cpus: Option<u32>,
    /// How many runs must be the same.
    #[serde(default = "once")]
    runs: u32,
    /// The boards that can be such a machine; all by default.
    boards: Option<Vec<String>>,
}

const fn once() -> u32 {
    1
}

/// The proofs of a board: none where another emulator runs it.
pub(crate) fn of(board: &Board) -> anyhow::Result<Vec<Proof>> {
    if board.facts.bochs.is_none() {
        return Ok(Vec::new());
    }
    let path = workspace::root().join(FOLDER).join("proofs.toml");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", workspace::shown(&path)))?;
    let list: List =
        toml::from_str(&text).with_context(|| format!("in {}", workspace::shown(&path)))?;
    let mut proofs = list.proof;
    proofs.retain(|proof| {
        let boards = proof.boards.as_ref();
        boards.is_none_or(|boards| boards.contains(&board.name))
    });
    Ok(proofs)
}

impl Proof {
    /// What it is asked for by.
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// How many runs must be the same.
    pub(crate) const fn runs(&self) -> u32 {
        self.runs
    }

    /// The program and what is special about its machine.
    pub(crate) fn name(&self) -> String {
        let cpus = self.cpus.map(|cpus| format!("{cpus} CPUs"));
        let special = [Some(self.pmu.clone()), cpus];
        let special: Vec<String> = special
            .into_iter()
            .flatten()
            .filter(|word| !word.is_empty())
            .collect();
        if special.is_empty() {
            return self.program.clone();
        }
        format!("{} ({})", self.program, special.join(", "))
    }

    /// Its machine: the board with this proof's changes.
    fn machine(&self, board: &Board) -> Board {
        let mut machine = board.clone();
        if let Some(cpus) = self.cpus {
            machine.facts.cpus = cpus;
        }
        if let Some(bochs) = &mut machine.facts.bochs {
            bochs.add_pmu_words(&self.pmu);
        }
        machine
    }

    /// Builds and runs it.
    pub(crate) fn run(&self, board: &Board, toolchain: &Toolchain) -> anyhow::Result<Outcome> {
        let alone = Alone {
            package: "emu-proofs",
            program: &self.program,
            script: self.script.as_deref().unwrap_or("tests/emu/proof.ld"),
            arguments: &[],
        };
        let kernel = match Guest::named(&self.program) {
            Some(guest) => guest.build(toolchain)?,
            None => alone.build(toolchain)?,
        };
        let machine = self.machine(board);
        // The program reads what its machine is from the boot module.
        let folder = RunFolder::create()?;
        let image = folder.path().join("settings");
        let words = machine
            .facts
            .bochs
            .as_ref()
            .map_or("", emulator::bochs::Config::pmu_words);
        let words = format!("{words} cpus={}", machine.facts.cpus);
        fs::write(&image, words).map_err(|error| storage(&error, &image))?;
        let boot = Boot {
            board: &machine,
            kernel: &kernel,
            image: &image,
            clock: Clock::Instructions,
        };
        emulator::run(&boot, Some(machine.time_limit()), Watch::Silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bochs_boards_have_proofs_and_the_others_none() {
        let of = |board| of(&Board::find(board).expect("it exists")).expect("the list is valid");
        assert!(!of("bochs-spr").is_empty());
        assert!(of("qemu-q35").is_empty());
    }

    #[test]
    fn a_proof_changes_its_own_machine_only() {
        let board = Board::find("bochs-skx").expect("it exists");
        let proof = Proof {
            program: "x".into(),
            pmu: "pmi_delay=7".into(),
            script: None,
            cpus: Some(3),
            runs: 1,
            boards: None,
        };
        let machine = proof.machine(&board);
        assert_eq!(machine.facts.cpus, 3);
        let words = machine
            .facts
            .bochs
            .expect("a Bochs board")
            .pmu_words()
            .to_owned();
        assert!(words.ends_with(" pmi_delay=7"), "{words}");
        assert_eq!(proof.name(), "x (pmi_delay=7, 3 CPUs)");
        assert_ne!(board.facts.cpus, 3);
    }
}
