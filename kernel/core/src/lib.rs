//! The portable kernel: objects, capabilities, IPC, scheduling, system calls.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod arch;

use core::fmt;

use sysdesc::{ImageError, SystemImage};

use arch::CpuId;
use arch::boot::{Boot, OutOfMemory};
use arch::trap::{Interrupt, UserFault};

pub use arch::trap::Next;

/// Why the kernel cannot start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootError {
    /// The boot module is not a system image that this kernel takes.
    Image(ImageError),
    /// The machine has too little memory for the system.
    Memory,
}

impl From<ImageError> for BootError {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}

impl From<OutOfMemory> for BootError {
    fn from(_: OutOfMemory) -> Self {
        Self::Memory
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(error) => error.fmt(f),
            Self::Memory => write!(f, "the machine has too little memory for the system"),
        }
    }
}

/// The whole kernel: every object, every CPU's queues. It lies inside the one big lock.
#[derive(Debug)]
pub struct Kernel {
    #[expect(dead_code, reason = "the objects follow")]
    image: SystemImage<'static>,
}

impl Kernel {
    /// Makes every object that the system image declares.
    ///
    /// # Errors
    /// [`BootError`]; the machine cannot be used then.
    pub fn boot(boot: &mut Boot) -> Result<Self, BootError> {
        let image = SystemImage::check(boot.image())?;
        Ok(Self { image })
    }

    /// What `cpu` does first, once after [`Kernel::boot`].
    pub fn start(&mut self, _cpu: CpuId) -> Next {
        Next::Idle
    }

    /// The current thread of `cpu` made a system call.
    #[inline]
    pub fn syscall(&mut self, _cpu: CpuId) -> Next {
        Next::Idle
    }

    /// The current thread of `cpu` did something that it may not do.
    pub fn fault(&mut self, _cpu: CpuId, _fault: UserFault) -> Next {
        Next::Idle
    }

    /// `cpu` was interrupted, in ring 3 or while idle.
    pub fn interrupt(&mut self, _cpu: CpuId, _interrupt: Interrupt) -> Next {
        Next::Idle
    }
}
