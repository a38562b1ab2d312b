//! ELF files of 32 and 64 bits, as far as a loader needs them.
//!
//! "Tool Interface Standard, Executable and Linking Format Specification" and "System V ABI, ELF-64 Object File Format".
//! Parts go to their physical addresses, which is where a kernel without paging starts.

use core::fmt;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Image, Part, structure};

const MAGIC: [u8; 4] = *b"\x7fELF";
const LITTLE_ENDIAN: u8 = 1;
const MACHINE_386: u16 = 3;
const MACHINE_X86_64: u16 = 62;
const LOAD: u32 = 1;

/// What is wrong with an ELF file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ElfError {
    /// It is none, and its multiboot header gives no addresses.
    NotElf,
    /// It is not for x86, or not little-endian.
    Machine,
    /// It ends within a header.
    CutOff,
    /// Part `index` lies outside of the file.
    PartOutside {
        /// Number of the program header.
        index: u16,
    },
    /// Part `index` has more bytes in the file than in memory.
    PartSize {
        /// Number of the program header.
        index: u16,
    },
}

impl fmt::Display for ElfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf => write!(
                f,
                "the image is no ELF file, and its multiboot header does not say where it belongs"
            ),
            Self::Machine => write!(f, "the ELF file is not for x86"),
            Self::CutOff => write!(f, "the ELF file ends within its headers"),
            Self::PartOutside { index } => {
                write!(
                    f,
                    "program header {index} names bytes beyond the end of the ELF file"
                )
            }
            Self::PartSize { index } => {
                write!(
                    f,
                    "program header {index} has more bytes in the file than in memory"
                )
            }
        }
    }
}

#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Identification {
    magic: [u8; 4],
    class: u8,
    order: u8,
    rest: [u8; 10],
    kind: U16,
    machine: U16,
    version: U32,
}

/// Where the rest of the file header lies.
const BEHIND: u64 = size_of::<Identification>() as u64;

/// Declares a file header and a program header of one width.
macro_rules! headers {
    ($file:ident, $program:ident, $word:ty, { $($before:ident)? }, { $($after:ident)? }) => {
        #[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
        #[repr(C)]
        struct $file {
            entry: $word,
            program_offset: $word,
            section_offset: $word,
            flags: U32,
            header_size: U16,
            program_size: U16,
            program_count: U16,
        }
        #[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
        #[repr(C)]
        struct $program {
            kind: U32,
            $($before: U32,)?
            offset: $word,
            linear: $word,
            physical: $word,
            file_size: $word,
            memory_size: $word,
            $($after: U32,)?
            align: $word,
        }
        impl From<$file> for FileHeader {
            fn from(header: $file) -> Self {
                Self {
                    entry: header.entry.get().into(),
                    program_offset: header.program_offset.get().into(),
                    program_size: header.program_size.get(),
                    program_count: header.program_count.get(),
                }
            }
        }
        impl From<$program> for ProgramHeader {
            fn from(header: $program) -> Self {
                Self {
                    kind: header.kind.get(),
                    offset: header.offset.get().into(),
                    linear: header.linear.get().into(),
                    physical: header.physical.get().into(),
                    file_size: header.file_size.get().into(),
                    memory_size: header.memory_size.get().into(),
                }
            }
        }
    };
}

headers!(File32, Program32, U32, {}, { flags });
headers!(File64, Program64, U64, { flags }, {});

#[derive(Clone, Copy, Debug)]
struct FileHeader {
    entry: u64,
    program_offset: u64,
    program_size: u16,
    program_count: u16,
}

#[derive(Clone, Copy, Debug)]
struct ProgramHeader {
    kind: u32,
    offset: u64,
    linear: u64,
    physical: u64,
    file_size: u64,
    memory_size: u64,
}

#[derive(Clone, Copy, Debug)]
enum Class {
    Bits32,
    Bits64,
}

/// An ELF file whose headers make sense.
#[derive(Debug)]
pub(super) struct Elf<'a, I: ?Sized> {
    image: &'a I,
    class: Class,
    header: FileHeader,
}

impl<'a, I: Image + ?Sized> Elf<'a, I> {
    pub(super) fn read(image: &'a I) -> Result<Self, ElfError> {
        if structure(image, 0) != Some(MAGIC) {
            return Err(ElfError::NotElf);
        }
        let identification: Identification = structure(image, 0).ok_or(ElfError::CutOff)?;
        let machine = identification.machine.get();
        let class = match identification.class {
            1 => Class::Bits32,
            2 => Class::Bits64,
            _ => return Err(ElfError::Machine),
        };
        if identification.order != LITTLE_ENDIAN || !matches!(machine, MACHINE_386 | MACHINE_X86_64)
        {
            return Err(ElfError::Machine);
        }
        let header = match class {
            Class::Bits32 => structure::<File32>(image, BEHIND).map(Into::into),
            Class::Bits64 => structure::<File64>(image, BEHIND).map(Into::into),
        };
        let header = header.ok_or(ElfError::CutOff)?;
        Ok(Self {
            image,
            class,
            header,
        })
    }

    /// The entry point's physical address: the file gives the linear one, and the part that has it says where it lies.
    pub(super) fn entry(&self) -> u64 {
        let entry = self.header.entry;
        let own = self.loaded().find_map(|program| {
            let (_, program) = program.ok()?;
            let inside = entry.checked_sub(program.linear)?;
            (inside < program.memory_size).then(|| program.physical.checked_add(inside))?
        });
        own.unwrap_or(entry)
    }

    /// The parts to load. Empty ones are left out.
    pub(super) fn parts(&self) -> impl Iterator<Item = Result<Part, ElfError>> {
        let size = self.image.size();
        self.loaded().map(move |program| {
            let (index, program) = program?;
            if program.file_size > program.memory_size {
                return Err(ElfError::PartSize { index });
            }
            let end = program.offset.checked_add(program.file_size);
            if end.is_none_or(|end| end > size) {
                return Err(ElfError::PartOutside { index });
            }
            Ok(Part {
                address: program.physical,
                offset: program.offset,
                copied: program.file_size,
                length: program.memory_size,
            })
        })
    }

    fn loaded(&self) -> impl Iterator<Item = Result<(u16, ProgramHeader), ElfError>> {
        let programs = (0..self.header.program_count).map(|index| {
            let program = self.program(index).ok_or(ElfError::CutOff)?;
            Ok((index, program))
        });
        programs.filter(|program| match program {
            Ok((_, program)) => program.kind == LOAD && program.memory_size > 0,
            Err(_) => true,
        })
    }

    fn program(&self, index: u16) -> Option<ProgramHeader> {
        let step = u64::from(index) * u64::from(self.header.program_size);
        let offset = self.header.program_offset.checked_add(step)?;
        match self.class {
            Class::Bits32 => structure::<Program32>(self.image, offset).map(Into::into),
            Class::Bits64 => structure::<Program64>(self.image, offset).map(Into::into),
        }
    }
}
