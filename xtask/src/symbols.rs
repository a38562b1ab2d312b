//! Turns addresses of a program into functions, files and lines.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use addr2line::gimli::{self, EndianSlice, LittleEndian};
use anyhow::{Context as _, anyhow};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};

use crate::workspace;

/// What a panic prints before its addresses.
const BACKTRACE: &str = "backtrace:";

/// The symbols and line tables of one ELF file.
pub(crate) struct Symbols {
    /// Functions by address: start, size, demangled name. Sorted.
    functions: Vec<(u64, u64, String)>,
    lines: addr2line::Context<EndianSlice<'static, LittleEndian>>,
}

impl Symbols {
    /// Reads a program's symbols.
    ///
    /// The file's bytes stay in memory until this process ends: the line tables borrow
    /// them, and a run reads one file.
    pub(crate) fn of(elf: &Path) -> anyhow::Result<Self> {
        let bytes =
            fs::read(elf).with_context(|| format!("cannot read {}", workspace::shown(elf)))?;
        let bytes: &'static [u8] = bytes.leak();
        let file = object::File::parse(bytes)
            .with_context(|| format!("{} is not an ELF file", workspace::shown(elf)))?;
        let mut functions: Vec<_> = file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text)
            .filter_map(|symbol| {
                Some((
                    symbol.address(),
                    symbol.size(),
                    demangled(symbol.name().ok()?),
                ))
            })
            .collect();
        functions.sort();
        let section = |id: gimli::SectionId| -> Result<_, gimli::Error> {
            let data = file
                .section_by_name(id.name())
                .and_then(|section| section.data().ok());
            Ok(EndianSlice::new(data.unwrap_or_default(), LittleEndian))
        };
        let dwarf = gimli::Dwarf::load(section).map_err(|error| anyhow!("debug info: {error}"))?;
        let lines = addr2line::Context::from_dwarf(dwarf)
            .map_err(|error| anyhow!("line tables of {}: {error}", workspace::shown(elf)))?;
        Ok(Self { functions, lines })
    }

    /// Functions whose demangled name contains `part`: start, end, name.
    pub(crate) fn matching(&self, part: &str) -> Vec<(u64, u64, &str)> {
        let hits = self
            .functions
            .iter()
            .filter(|(_, size, name)| *size > 0 && name.contains(part));
        hits.map(|(start, size, name)| (*start, start + size, name.as_str()))
            .collect()
    }

    /// The names of all functions.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.iter().map(|(_, _, name)| name.as_str())
    }

    /// The function and the source line of an address, inlined callers included.
    pub(crate) fn describe(&self, address: u64) -> Vec<String> {
        let mut described = Vec::new();
        if let Ok(mut frames) = self.lines.find_frames(address).skip_all_loads() {
            while let Ok(Some(frame)) = frames.next() {
                let name = frame
                    .function
                    .as_ref()
                    .and_then(|f| f.demangle().ok())
                    .map(Cow::into_owned);
                let name = name.or_else(|| self.function_at(address).map(str::to_owned));
                let place = frame.location.map_or(String::new(), |location| {
                    let file = location.file.unwrap_or("?");
                    let file = workspace::shown(Path::new(file));
                    format!(" at {file}:{}", location.line.unwrap_or(0))
                });
                described.push(format!("{}{place}", name.unwrap_or_else(|| "?".into())));
            }
        }
        if described.is_empty() {
            described.push(
                self.function_at(address)
                    .unwrap_or("no function of this program")
                    .into(),
            );
        }
        described
    }

    fn function_at(&self, address: u64) -> Option<&str> {
        let after = self
            .functions
            .partition_point(|(start, _, _)| *start <= address);
        let (start, size, name) = self.functions.get(after.checked_sub(1)?)?;
        // Assembly often has no size: then everything up to the next symbol is its own.
        (*size == 0 || address < start + size).then_some(name)
    }

    /// The text of a panic, with a line for each address of its `backtrace:` lines.
    pub(crate) fn annotate(&self, text: &str) -> String {
        let mut out = String::new();
        for line in text.lines() {
            let Some((_, addresses)) = line.split_once(BACKTRACE) else {
                out.push_str(line);
                out.push('\n');
                continue;
            };
            out.push_str(BACKTRACE);
            out.push('\n');
            for address in addresses.split_whitespace() {
                out.push_str(&self.annotate_address(address));
            }
        }
        out
    }

    fn annotate_address(&self, text: &str) -> String {
        let Some(address) = text
            .strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        else {
            return format!("  {text}\n");
        };
        // A return address is behind its call, which may be the function's last byte.
        let frames = self.describe(address.saturating_sub(1));
        let inlined = frames.split_last().map_or(&[][..], |(_, inlined)| inlined);
        let mut out = String::new();
        for frame in inlined {
            out.push_str(&format!("  {:18} {frame} (inlined)\n", ""));
        }
        if let Some(frame) = frames.last() {
            out.push_str(&format!("  {address:#018x} {frame}\n"));
        }
        out
    }
}

/// A symbol's name as people write it, without the compiler's hash.
fn demangled(name: &str) -> String {
    let language = Some(gimli::DW_LANG_Rust);
    addr2line::demangle_auto(Cow::Borrowed(name), language).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function whose address this test looks up in its own program.
    #[inline(never)]
    fn landmark() -> u64 {
        std::hint::black_box(7)
    }

    #[test]
    fn an_address_of_this_program_is_its_function_and_line() {
        let own = std::env::current_exe().expect("Linux knows the program's file");
        let symbols = Symbols::of(&own).expect("tests are built with symbols");
        assert_eq!(landmark(), 7);
        let [(start, end, name)] = symbols.matching("symbols::tests::landmark")[..] else {
            panic!("one function of that name");
        };
        assert!(
            start < end && name.starts_with("xtask::symbols::tests::landmark"),
            "{name}"
        );
        let text = format!("panicked: x\nbacktrace: {:#x} zzz\n", start + 1);
        let annotated = symbols.annotate(&text);
        let lines: Vec<&str> = annotated.lines().collect();
        assert_eq!(lines[..2], ["panicked: x", "backtrace:"]);
        assert!(
            lines[2].contains("xtask::symbols::tests::landmark"),
            "{annotated}"
        );
        assert!(lines[2].contains("symbols.rs:"), "{annotated}");
        assert_eq!(lines[3], "  zzz");
    }
}
