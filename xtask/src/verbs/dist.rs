//! `dist`: builds kernel, tasks and the checked system image.

use crate::board::Board;
use crate::cli::{Dist, ToolchainChoice};
use crate::refusal::Status;
use crate::system;
use crate::toolchain::Toolchain;
use crate::workspace;

/// Builds, and says what was made of what.
pub(crate) fn dist(dist: &Dist, choice: Option<ToolchainChoice>) -> anyhow::Result<Status> {
    let board = Board::find(&dist.on.board)?;
    board.system(&dist.system)?;
    let toolchain = Toolchain::find(choice)?;
    let built = system::build(&toolchain, board, &dist.system)?;
    println!("board     {}", built.board.describe());
    println!("compiler  {}", toolchain.description());
    println!("kernel    {}", described(&built.kernel)?);
    println!("image     {}", described(&built.image)?);
    Ok(Status::Done)
}

fn described(path: &std::path::Path) -> anyhow::Result<String> {
    let bytes = std::fs::metadata(path)?.len();
    Ok(format!(
        "{} ({} KiB)",
        workspace::shown(path),
        bytes.div_ceil(1024)
    ))
}
