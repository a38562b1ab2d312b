//! What an architecture hands to the kernel once, when it starts.

use sel4_sys::CpuFeatures;

use crate::context::Context;
use crate::mm::{AddressSpace, Frame, MapError, MapRights};
use crate::vcpu::{GuestSpace, Vcpu};

/// No memory is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

/// What the machine is.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// CPUs that run, at least 1.
    pub cpus: u32,
    /// What was found and switched on.
    pub features: CpuFeatures,
    /// TSC ticks a second.
    pub tsc_hz: u64,
    /// TSC at the kernel's first instruction.
    pub tsc_at_entry: u64,
    /// Bytes of usable memory that the machine reported.
    pub memory_bytes: u64,
    /// Bytes of it in use, kernel and system image included, at the time of asking.
    pub used_bytes: u64,
    /// The CPU's brand string, UTF-8, padded with zero bytes.
    pub brand: [u8; 48],
}

/// The way to memory while the kernel starts; afterwards nothing allocates.
#[derive(Debug)]
pub struct Boot {
    image: &'static [u8],
    machine: Machine,
    spaces: u32,
    contexts: u32,
    vcpus: u32,
}

impl Boot {
    /// A machine that boots `image` with `cpus` CPUs and a TSC of 1 GHz. Only on the host.
    ///
    /// The bytes are aligned to 8 by copying.
    #[must_use]
    pub fn new(image: &[u8], cpus: u32) -> Self {
        // The image is read in place as records of 64-bit words; a word more leaves room to align.
        let padded: &'static mut [u8] = vec![0; image.len() + 8].leak();
        let skip = padded.as_ptr().align_offset(8);
        let (_, aligned) = padded.split_at_mut(skip);
        let (copy, _) = aligned.split_at_mut(image.len());
        copy.copy_from_slice(image);
        Self {
            image: copy,
            machine: Machine {
                cpus,
                features: CpuFeatures::all(),
                tsc_hz: 1_000_000_000,
                tsc_at_entry: 0,
                memory_bytes: 64 << 20,
                used_bytes: image.len() as u64,
                brand: *b"a CPU that exists in tests only\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            },
            spaces: 0,
            contexts: 0,
            vcpus: 0,
        }
    }

    /// The system image, aligned to 8 bytes; it stays where it is.
    #[must_use]
    pub fn image(&self) -> &'static [u8] {
        self.image
    }

    /// What the machine is.
    #[must_use]
    pub fn machine(&self) -> Machine {
        self.machine
    }

    /// `count` values, made by `init` from their index.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn carve<T>(
        &mut self,
        count: usize,
        init: impl FnMut(usize) -> T,
    ) -> Result<&'static mut [T], OutOfMemory> {
        self.machine.used_bytes += (count * size_of::<T>()) as u64;
        Ok((0..count).map(init).collect::<Vec<T>>().leak())
    }

    /// `count` contexts, to be started.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn carve_contexts(&mut self, count: usize) -> Result<&'static mut [Context], OutOfMemory> {
        let first = self.contexts;
        let contexts: Vec<Context> = (first..).take(count).map(Context::new).collect();
        self.contexts += u32::try_from(count).map_err(|_| OutOfMemory)?;
        Ok(contexts.leak())
    }

    /// `count` vCPUs, each as after a [`reset`](Vcpu::reset).
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn carve_vcpus(&mut self, count: usize) -> Result<&'static mut [Vcpu], OutOfMemory> {
        let first = self.vcpus;
        let vcpus: Vec<Vcpu> = (first..).take(count).map(Vcpu::new).collect();
        self.vcpus += u32::try_from(count).map_err(|_| OutOfMemory)?;
        Ok(vcpus.leak())
    }

    /// An empty guest memory without a reserve of tables.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn guest_space(&mut self) -> Result<GuestSpace, OutOfMemory> {
        Ok(GuestSpace::new())
    }

    /// Adds `count` tables to the reserve of `space`.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn add_guest_tables(
        &mut self,
        space: &mut GuestSpace,
        count: u32,
    ) -> Result<(), OutOfMemory> {
        space.add_tables(count);
        Ok(())
    }

    /// A frame of `pages` pages that begins with `contents` and goes on with zero bytes.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn frame(&mut self, pages: u32, contents: &[u8]) -> Result<Frame, OutOfMemory> {
        self.machine.used_bytes += u64::from(pages) * crate::mm::PAGE;
        Ok(Frame::memory(pages, contents))
    }

    /// A frame for the registers of a device at `physical`, which is page-aligned; mapped uncached.
    ///
    /// # Errors
    /// [`OutOfMemory`] when the range overlaps memory that the kernel uses.
    pub fn device_frame(&mut self, physical: u64, pages: u32) -> Result<Frame, OutOfMemory> {
        Ok(Frame::device(pages, physical))
    }

    /// An empty address space without a reserve of page tables.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn address_space(&mut self) -> Result<AddressSpace, OutOfMemory> {
        let id = self.spaces;
        self.spaces += 1;
        Ok(AddressSpace::new(id))
    }

    /// As [`AddressSpace::map`], but page tables come from the machine's memory. After a
    /// [`clear`](AddressSpace::clear) they are in the reserve, so the same mappings can be made again.
    ///
    /// # Errors
    /// [`MapError`]; `NoTable` when no memory is left.
    pub fn map(
        &mut self,
        space: &mut AddressSpace,
        address: u64,
        frame: &Frame,
        page: u32,
        rights: MapRights,
    ) -> Result<(), MapError> {
        loop {
            match space.map(address, frame, page, rights) {
                Err(MapError::NoTable) => space.add_tables(1),
                outcome => return outcome,
            }
        }
    }

    /// Adds `count` page tables to the reserve of `space`.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn add_tables(&mut self, space: &mut AddressSpace, count: u32) -> Result<(), OutOfMemory> {
        space.add_tables(count);
        Ok(())
    }
}
