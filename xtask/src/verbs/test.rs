//! `test`: the host's tests by cargo, then systems on the board's emulator.

use std::time::Duration;

use testproto::Verdict;

use crate::bare::Ring;
use crate::board::Board;
use crate::cli::{Test, ToolchainChoice};
use crate::emulator::{self, Boot, Clock, Ended, Fingerprint, Outcome, Watch};
use crate::host_tests;
use crate::proofs::{self, Proof};
use crate::refusal::Status;
use crate::system;
use crate::toolchain::Toolchain;
use crate::ui::{self, on_output};
use crate::verdict;

/// How many tests ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.skipped += more.skipped;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// Measurements are no tests: `bench` runs the systems whose names start so.
const BENCH: &str = "bench-";

/// What the emulators can run of one board.
struct Fleet {
    board: Board,
    proofs: Vec<Proof>,
    systems: Vec<String>,
}

impl Fleet {
    fn of(board: Board) -> anyhow::Result<Self> {
        let is_test = |name: &String| !name.starts_with(BENCH);
        Ok(Self {
            proofs: proofs::of(&board)?,
            systems: board
                .systems()?
                .into_iter()
                .map(|(name, _)| name)
                .filter(is_test)
                .collect(),
            board,
        })
    }

    /// Only what is called so.
    fn named(self, name: &str) -> Self {
        let Self {
            board,
            mut proofs,
            mut systems,
        } = self;
        proofs.retain(|proof| proof.program() == name);
        systems.retain(|system| system == name);
        Self {
            board,
            proofs,
            systems,
        }
    }

    fn is_empty(&self) -> bool {
        self.proofs.is_empty() && self.systems.is_empty()
    }

    fn run(&self, choice: Option<ToolchainChoice>) -> anyhow::Result<Counts> {
        let mut counts = prove(&self.board, &self.proofs, choice)?;
        if !self.systems.is_empty() {
            counts += on_emulator(&self.board, &self.systems, choice)?;
        }
        Ok(counts)
    }
}

/// Runs what was asked for; the last line is the sum.
pub(crate) fn test(test: &Test, choice: Option<ToolchainChoice>) -> anyhow::Result<Status> {
    let boards = match &test.board {
        Some(name) => vec![Board::find(name)?],
        None => Board::all()?,
    };
    let fleets = boards.into_iter().map(Fleet::of);
    let mut fleets: Vec<Fleet> = fleets.collect::<anyhow::Result<_>>()?;
    let mut counts = Counts::default();
    match test.name.as_deref() {
        None => counts += host_tests::run(None)?,
        Some("host") => {
            counts += host_tests::run(None)?;
            fleets.clear();
        }
        Some("emu") => {}
        Some(name) => {
            let known: Vec<String> = fleets
                .iter()
                .flat_map(|fleet| fleet.systems.iter().cloned())
                .collect();
            fleets = fleets.into_iter().map(|fleet| fleet.named(name)).collect();
            if fleets.iter().all(Fleet::is_empty) {
                fleets.clear();
                counts += host_tests::run(Some(name))?;
                if counts == Counts::default() {
                    let known = ["host", "emu"]
                        .into_iter()
                        .chain(known.iter().map(String::as_str));
                    return Err(ui::unknown("system, proof or host test", name, known));
                }
            }
        }
    }
    for fleet in &fleets {
        counts += fleet.run(choice)?;
    }
    println!("{counts}");
    Ok(if counts.failed == 0 && counts.passed > 0 {
        Status::Done
    } else {
        Status::Failed
    })
}

/// Runs programs that check the machine itself.
fn prove(
    board: &Board,
    proofs: &[Proof],
    choice: Option<ToolchainChoice>,
) -> anyhow::Result<Counts> {
    let mut counts = Counts::default();
    if proofs.is_empty() {
        return Ok(counts);
    }
    let toolchain = Toolchain::find(choice)?;
    emulator::prepare(board)?;
    for proof in proofs {
        println!("proof {} on {}", proof.name(), board.describe());
        let outcome = proof.run(board, &toolchain)?;
        counts += report(proof.program(), &outcome);
        if !outcome.has_passed() {
            let program = Ring::Kernel.elf(proof.program());
            eprint!("{}", verdict::explain(&outcome, &program, Watch::Silent));
        } else if proof.runs() > 1 {
            counts += repeat(proof, &outcome.fingerprint, board, &toolchain)?;
        }
    }
    Ok(counts)
}

/// Runs a program again and again: it must say the same each time, and execute as much.
fn repeat(
    proof: &Proof,
    first: &Fingerprint,
    board: &Board,
    toolchain: &Toolchain,
) -> anyhow::Result<Counts> {
    let mut counts = Counts::default();
    let mut word = format!("ok: {first}");
    for run in 2..=proof.runs() {
        let other = proof.run(board, toolchain)?.fingerprint;
        if other != *first {
            counts.failed = 1;
            word = on_output().red(&format!("FAILED: first {first}; in run {run} {other}"));
            break;
        }
    }
    counts.passed = 1 - counts.failed;
    println!(
        "  {}_repeats_itself_{}_times ... {word}",
        proof.program(),
        proof.runs()
    );
    Ok(counts)
}

/// Boots systems one after the other.
fn on_emulator(
    board: &Board,
    systems: &[String],
    choice: Option<ToolchainChoice>,
) -> anyhow::Result<Counts> {
    let toolchain = Toolchain::find(choice)?;
    ui::note(&toolchain.description());
    emulator::prepare(board)?;
    let mut counts = Counts::default();
    for name in systems {
        let built = match system::build(&toolchain, board.clone(), name) {
            Ok(built) => built,
            Err(error) => {
                // One system that cannot be built does not hide the others.
                ui::error(&error.context(format!("system {name}")));
                counts.failed += 1;
                continue;
            }
        };
        println!("system {name} on {}", board.describe());
        let boot = Boot {
            board,
            kernel: &built.kernel,
            image: &built.image,
            clock: Clock::Instructions,
        };
        let limit = Duration::from_secs(board.facts.time_limit_s);
        let outcome = emulator::run(&boot, Some(limit), Watch::Silent)?;
        counts += report(name, &outcome);
        if !outcome.has_passed() {
            eprint!(
                "{}",
                verdict::explain(&outcome, &built.kernel, Watch::Silent)
            );
        }
    }
    Ok(counts)
}

/// Prints how each test of a run ended, and counts them.
///
/// The run itself is one more test, which fails if it did not end well although no test
/// of it failed, and which is all there is for a system without tests.
fn report(system: &str, outcome: &Outcome) -> Counts {
    let paint = on_output();
    let mut counts = Counts::default();
    for test in &outcome.report.tests {
        let word = match test.verdict {
            Verdict::Passed => {
                counts.passed += 1;
                "ok".to_owned()
            }
            Verdict::Failed => {
                counts.failed += 1;
                paint.red("FAILED")
            }
            Verdict::Skipped => {
                counts.skipped += 1;
                paint.yellow(&format!("skipped: {}", test.note))
            }
        };
        println!("  {} ... {word}", test.name);
    }
    if outcome.has_passed() {
        counts.passed += 1;
        println!("  {system}_ends_by_itself ... ok");
    } else if counts.failed == 0 {
        counts.failed += 1;
        println!(
            "  {system}_ends_by_itself ... {}: {}",
            paint.red("FAILED"),
            outcome.ended
        );
    } else if let Ended::Hung(_) | Ended::WithoutVerdict(_) = outcome.ended {
        println!("  {}", outcome.ended);
    }
    counts
}
