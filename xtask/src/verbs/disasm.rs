//! `disasm`: the kernel's machine code, all of it or one function.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

use crate::bare;
use crate::cli::{Disasm, ToolchainChoice};
use crate::packages::{self, Need};
use crate::process;
use crate::refusal::Status;
use crate::symbols::Symbols;
use crate::toolchain::Toolchain;
use crate::ui;

/// What prints instructions.
pub(crate) const NEEDS: &[Need] = &[Need {
    what: "objdump",
    package: "binutils",
    why: "disassembles, for `disasm`",
}];

/// Prints every function whose name contains the symbol, or the whole kernel.
pub(crate) fn disasm(disasm: &Disasm, choice: Option<ToolchainChoice>) -> anyhow::Result<Status> {
    packages::ensure(NEEDS)?;
    let toolchain = Toolchain::find(choice)?;
    let kernel = bare::build_kernel(&toolchain)?;
    let Some(part) = &disasm.symbol else {
        return print(&instructions(&kernel, None)?);
    };
    let symbols = Symbols::of(&kernel)?;
    let functions = symbols.matching(part);
    if functions.is_empty() {
        return Err(ui::unknown("function", part, symbols.names().take(20)));
    }
    let mut text = String::new();
    for (start, end, name) in functions {
        text.push_str(&format!("{name}: {} bytes\n", end - start));
        text.push_str(&instructions(&kernel, Some((start, end)))?);
    }
    print(&text)
}

fn instructions(kernel: &Path, range: Option<(u64, u64)>) -> anyhow::Result<String> {
    let mut objdump = Command::new("objdump");
    objdump.args([
        "--disassemble",
        "--demangle",
        "--no-show-raw-insn",
        "-M",
        "intel",
    ]);
    if let Some((start, end)) = range {
        objdump
            .arg(format!("--start-address={start}"))
            .arg(format!("--stop-address={end}"));
    }
    let text = process::output_of(objdump.arg(kernel))?;
    if range.is_none() {
        return Ok(text);
    }
    // Without the file's and the section's headings, which would repeat.
    let is_instruction = |line: &&str| line.contains(":\t");
    Ok(text
        .lines()
        .filter(is_instruction)
        .flat_map(|line| [line, "\n"])
        .collect())
}

/// Prints a text; a reader that has seen enough (`| head`) is no error.
fn print(text: &str) -> anyhow::Result<Status> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Status::Done),
    }
}
