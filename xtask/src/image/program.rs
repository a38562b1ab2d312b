//! A task's ELF file: its segments, its first instruction, its declaration.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use object::elf::{PF_W, PF_X};
use object::{Object as _, ObjectSection as _, ObjectSegment as _, SegmentFlags};
use sel4_sys::layout::{PROGRAM, STACK_TOP};
use sysdesc::{DeclarationKind, MANIFEST_SECTION, Manifest, PAGE};

use crate::workspace;

/// What the builder needs to know of a program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    /// The address of the first instruction.
    pub(crate) entry: u64,
    /// What is loaded where, by address; no two share a page.
    pub(crate) segments: Vec<Segment>,
    /// What it needs, in slot order.
    pub(crate) declarations: Vec<Declaration>,
}

/// Pages with the same rights.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// The address of the first page.
    pub(crate) address: u64,
    /// How many pages.
    pub(crate) pages: u32,
    /// The first contents, from the first page's start; zero from there on.
    pub(crate) data: Vec<u8>,
    /// May be written.
    pub(crate) is_writable: bool,
    /// May be executed.
    pub(crate) is_executable: bool,
}

/// A capability that a program asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declaration {
    /// Where it expects it.
    pub(crate) slot: u64,
    /// What it is.
    pub(crate) kind: DeclarationKind,
    /// The program's name for it.
    pub(crate) name: String,
    /// The interface, or nothing.
    pub(crate) detail: Option<String>,
}

impl Declaration {
    /// The interface that it calls or serves.
    pub(crate) fn interface(&self) -> &str {
        self.detail.as_deref().unwrap_or(&self.name)
    }
}

impl Program {
    /// Reads a program's file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = workspace::shown(path);
        let bytes = fs::read(path).with_context(|| format!("cannot read {shown}"))?;
        Self::parse(&bytes).with_context(|| shown.clone())
    }

    fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let file = object::File::parse(bytes).context("not an ELF file")?;
        let section = file
            .section_by_name(MANIFEST_SECTION)
            .ok_or_else(|| anyhow!("declares nothing: it has no section {MANIFEST_SECTION}"))?;
        let declarations = declarations_of(section.data()?)?;
        let mut segments = Vec::new();
        for segment in file.segments().filter(|segment| segment.size() > 0) {
            segments.push(Segment::of(&segment)?);
        }
        segments.sort_by_key(|segment| segment.address);
        for (one, next) in segments.iter().zip(segments.iter().skip(1)) {
            if one.end() > next.address {
                bail!("two segments share the page at {:#x}", next.address);
            }
        }
        let entry = file.entry();
        let holds_entry = |s: &&Segment| s.is_executable && (s.address..s.end()).contains(&entry);
        if segments.iter().find(holds_entry).is_none() {
            bail!("its first instruction, at {entry:#x}, is in no executable segment");
        }
        Ok(Self {
            entry,
            segments,
            declarations,
        })
    }
}

/// Reads the declaration in a program's section.
pub(crate) fn declarations_of(section: &[u8]) -> anyhow::Result<Vec<Declaration>> {
    let manifest = Manifest::parse(section).map_err(|error| anyhow!("{error}"))?;
    let owned = manifest.declarations().map(|declaration| Declaration {
        slot: declaration.slot,
        kind: declaration.kind,
        name: declaration.name.to_owned(),
        detail: (declaration.detail != "-").then(|| declaration.detail.to_owned()),
    });
    Ok(owned.collect())
}

impl Segment {
    /// The address behind its last page.
    pub(crate) fn end(&self) -> u64 {
        self.address + u64::from(self.pages) * PAGE
    }

    fn of(segment: &object::Segment<'_, '_>) -> anyhow::Result<Self> {
        let (start, size) = (segment.address(), segment.size());
        let end = start
            .checked_add(size)
            .filter(|end| *end < STACK_TOP && start >= PROGRAM);
        let Some(end) = end else {
            bail!(
                "a segment at {start:#x} of {size} bytes lies outside {PROGRAM:#x}..{STACK_TOP:#x}"
            );
        };
        let SegmentFlags::Elf { p_flags } = segment.flags() else {
            bail!("not an ELF segment")
        };
        let (is_writable, is_executable) = (p_flags & PF_W != 0, p_flags & PF_X != 0);
        if is_writable && is_executable {
            bail!("the segment at {start:#x} is writable and executable");
        }
        let address = start - start % PAGE;
        let pages = u32::try_from((end - address).div_ceil(PAGE))?;
        let mut data = vec![0; usize::try_from(start - address)?];
        data.extend(segment.data()?);
        Ok(Self {
            address,
            pages,
            data,
            is_writable,
            is_executable,
        })
    }
}
