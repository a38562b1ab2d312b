//! Control registers, flags and the registers of the system-call instructions.

mod control;
mod efer;
mod flags;
mod identity;
mod segment_bases;
mod syscall;

pub use control::{Cr0, Cr4, Dr7, Xcr0};
pub use efer::Efer;
pub use flags::{PageFaultCode, RFlags};
pub use identity::{BiosSignature, MiscEnable, PageAttributes, TimeStampCounter};
pub use segment_bases::{FsBase, GsBase, KernelGsBase, TscAux};
pub use syscall::{Cstar, Lstar, Sfmask, Star, SysenterCs, SysenterEip, SysenterEsp};
