//! `run`: builds a system, boots it and ends with its verdict.

use std::time::Duration;

use crate::board::Board;
use crate::cli::{Run, ToolchainChoice};
use crate::emulator::{self, Boot, Clock, Watch};
use crate::refusal::Status;
use crate::system::{self, Built};
use crate::toolchain::Toolchain;
use crate::ui::{self, on_output};
use crate::verdict;

/// Boots; the status is the system's verdict.
pub(crate) fn run(run: &Run, choice: Option<ToolchainChoice>) -> anyhow::Result<Status> {
    // Misspelt names first: everything after this may take minutes.
    let board = Board::find(&run.board)?;
    board.system(&run.system)?;
    let toolchain = Toolchain::find(choice)?;
    ui::note(&toolchain.description());
    emulator::prepare(&board)?;
    let built = system::build(&toolchain, board, &run.system)?;
    boot(&built, run.interactive)
}

/// Boots what was built, shows its console and says its verdict.
pub(crate) fn boot(built: &Built, interactive: bool) -> anyhow::Result<Status> {
    let limit = Duration::from_secs(built.board.facts.time_limit_s);
    let (limit, watch, clock) = if interactive {
        (None, Watch::Interact, Clock::Host)
    } else {
        (Some(limit), Watch::Stream, Clock::Instructions)
    };
    ui::note(&format!(
        "booting {} on {}",
        built.name,
        built.board.describe()
    ));
    let boot = Boot {
        board: &built.board,
        kernel: &built.kernel,
        image: &built.image,
        clock,
    };
    let outcome = emulator::run(&boot, limit, watch)?;
    let paint = on_output();
    if outcome.has_passed() {
        println!("{} {}", built.name, paint.green("passed"));
        return Ok(Status::Done);
    }
    eprint!("{}", verdict::explain(&outcome, &built.kernel, watch));
    println!("{} {}: {}", built.name, paint.red("failed"), outcome.ended);
    Ok(Status::Failed)
}
