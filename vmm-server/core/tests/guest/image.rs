//! Loading an image.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use vmm_server_core::load::{GuestMemory, LoadError, Start, load};

const SIZE: u64 = 4 << 20;

/// Four MiB.
struct Memory(Vec<u8>);

impl Memory {
    fn new() -> Self {
        // Not zero, so that forgotten bytes show.
        Self(vec![0xaa; usize::try_from(SIZE).expect("it fits")])
    }

    fn at(&self, address: u64, length: usize) -> &[u8] {
        let first = usize::try_from(address).expect("it fits");
        &self.0[first..first + length]
    }

    fn word(&self, address: u64) -> u32 {
        u32::from_le_bytes(self.at(address, 4).try_into().expect("four bytes"))
    }
}

impl GuestMemory for Memory {
    fn size(&self) -> u64 {
        SIZE
    }
    fn write(&mut self, address: u64, bytes: &[u8]) {
        let first = usize::try_from(address).expect("it fits");
        self.0[first..first + bytes.len()].copy_from_slice(bytes);
    }
    fn zero(&mut self, address: u64, length: u64) {
        let first = usize::try_from(address).expect("it fits");
        let end = first + usize::try_from(length).expect("it fits");
        self.0[first..end].fill(0);
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn header(flags: u32) -> Vec<u8> {
    let sum = 0_u32.wrapping_sub(0x1bad_b002).wrapping_sub(flags);
    words(&[0x1bad_b002, flags, sum])
}

/// A flat image: header, addresses, eight bytes `7`.
fn flat(load: u32, load_end: u32, bss_end: u32, entry: u32) -> Vec<u8> {
    let mut image = header(1 << 16);
    image.extend(words(&[load, load, load_end, bss_end, entry]));
    image.extend([7; 8]);
    image
}

/// An ELF file with one part of 2000 bytes `9` and 3000 bytes of memory at 1 MiB, for addresses from 0xc0000000 on.
fn elf64() -> Vec<u8> {
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend(2_u16.to_le_bytes());
    file.extend(62_u16.to_le_bytes());
    file.extend(words(&[1]));
    for word in [0xc000_0010_u64, 64, 0] {
        file.extend(word.to_le_bytes());
    }
    file.extend(words(&[0]));
    for half in [64_u16, 56, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    file.extend(words(&[1, 5]));
    for word in [256_u64, 0xc000_0000, 0x10_0000, 2000, 3000, 4096] {
        file.extend(word.to_le_bytes());
    }
    file.extend(header(0));
    file.resize(256, 0);
    file.extend([9; 2000]);
    file
}

fn loaded(image: &[u8]) -> (Result<Start, LoadError>, Memory) {
    let mut memory = Memory::new();
    (load(image, "quiet", &mut memory), memory)
}

fn refused(image: &[u8], expected: &Expect) {
    let error = loaded(image).0.expect_err("refused");
    expected.assert_eq(&error.to_string());
}

#[test]
fn a_flat_image_goes_where_its_header_says_and_its_bss_is_zero() {
    let (start, memory) = loaded(&flat(0x10_0000, 0x10_0028, 0x10_0040, 0x10_0020));
    assert_eq!(start.expect("it is right").entry, 0x10_0020);
    assert_eq!(memory.at(0x10_0020, 8), [7; 8]);
    assert_eq!(memory.at(0x10_0028, 24), [0; 24]);
    assert_eq!(memory.at(0x10_0040, 1), [0xaa]);
}

#[test]
fn an_elf_file_goes_to_its_physical_addresses_and_starts_at_that_of_its_entry() {
    let (start, memory) = loaded(&elf64());
    assert_eq!(start.expect("it is right").entry, 0x10_0010);
    assert_eq!(memory.at(0x10_0000, 2000), [9; 2000]);
    assert_eq!(memory.at(0x10_07d0, 1000), [0; 1000]);
}

#[test]
fn the_guest_is_told_its_memory_and_its_command_line() {
    let (start, memory) = loaded(&elf64());
    let at = u64::from(start.expect("it is right").information);
    assert_eq!(memory.word(at) & 0b101, 0b101);
    assert_eq!((memory.word(at + 4), memory.word(at + 8)), (640, 3072));
    let line = u64::from(memory.word(at + 16));
    assert_eq!(memory.at(line, 6), b"quiet\0");
}

#[test]
fn what_is_wrong_with_an_image_is_said() {
    refused(
        b"hello",
        &expect!["there is no multiboot header (version 1) in the first 8192 bytes of the image"],
    );
    refused(
        &header(1 << 2),
        &expect!["the multiboot header requires flags 0x4, which this loader does not know"],
    );
    refused(
        &header(0),
        &expect![
            "the image is no ELF file, and its multiboot header does not say where it belongs"
        ],
    );
    refused(
        &flat(0x10_0000, 0, 0x200_0000, 0x10_0000),
        &expect![
            "0x1f00000 bytes at 0x100000 do not fit into the guest's 0x400000 bytes of memory"
        ],
    );
    refused(
        &flat(0x10_0000, 0, 0, 0x20_0000),
        &expect!["the entry point 0x200000 is in no part that was loaded"],
    );
    refused(
        &flat(0x10_0000, 0x10_0100, 0, 0x10_0000),
        &expect![
            "the addresses in the multiboot header contradict each other or the image's length"
        ],
    );
    refused(
        &elf64()[..1000],
        &expect!["program header 0 names bytes beyond the end of the ELF file"],
    );
}

proptest! {
    /// An image comes from a file that anybody wrote: whatever is in it, the loader answers.
    #[test]
    fn no_image_makes_the_loader_panic_or_write_outside_of_memory(
        place in 0_usize..400,
        bytes in prop::collection::vec(any::<u8>(), 1..16),
        is_elf in any::<bool>(),
    ) {
        let mut image = if is_elf { elf64() } else { flat(0x10_0000, 0x10_0028, 0x10_0040, 0x10_0020) };
        for (at, byte) in (place..).zip(bytes) {
            if let Some(old) = image.get_mut(at) {
                *old = byte;
            }
        }
        // `Memory` panics at any access outside of it.
        let _ = loaded(&image);
    }
}
