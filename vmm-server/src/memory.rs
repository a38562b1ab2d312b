//! The guest's memory and its image, as the loader sees them.

use sel4::{Cap, CapRights, Result, Window, init_slot};
use vmm_server_core::load::{GuestMemory, Image};

use crate::caps;

/// Bytes that are zeroed at once.
const PIECE: usize = 1024;

/// The guest's memory: one frame, from guest-physical address 0.
#[derive(Debug)]
pub(crate) struct Memory(Window);

impl Memory {
    /// Maps the frame for the guest, and here, so that the image can be put into it.
    pub(crate) fn open() -> Result<Self> {
        // An earlier life of this VMM may have left its mappings.
        caps::space.unmap(0, caps::memory.pages()?)?;
        caps::space.map_all(caps::memory, 0)?;
        let rights = CapRights::READ.union(CapRights::WRITE);
        Window::open(
            caps::memory,
            Cap::from_bits(init_slot::ADDRESS_SPACE),
            rights,
        )
        .map(Self)
    }
}

impl GuestMemory for Memory {
    fn size(&self) -> u64 {
        self.0.len()
    }

    fn write(&mut self, address: u64, bytes: &[u8]) {
        // The loader has checked that the bytes fit.
        let _ = self.0.write(address, bytes);
    }

    fn zero(&mut self, address: u64, length: u64) {
        let mut done = 0;
        while done < length {
            let piece = usize::try_from(length - done).unwrap_or(PIECE).min(PIECE);
            let zeros = [0; PIECE];
            let _ = self
                .0
                .write(address + done, zeros.get(..piece).unwrap_or_default());
            done += piece as u64;
        }
    }
}

/// The guest's file. Its last page is filled up with zeros.
#[derive(Debug)]
pub(crate) struct File(Window);

impl File {
    pub(crate) fn open() -> Result<Self> {
        let space = Cap::from_bits(init_slot::ADDRESS_SPACE);
        Window::open(caps::image, space, CapRights::READ).map(Self)
    }
}

impl Image for File {
    fn size(&self) -> u64 {
        self.0.len()
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Option<()> {
        self.0.read(offset, bytes)
    }
}
