//! I/O ports.
//!
//! UNSAFETY: IN and OUT. What a device does with a port is not known here; who may use which port is
//! decided by capabilities, and the kernel's own devices are not handed out.

#![expect(unsafe_code, reason = "port instructions")]

use core::arch::asm;

/// How many bytes an access moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// One.
    Byte,
    /// Two.
    Word,
    /// Four.
    Dword,
}

impl Width {
    /// The width of this many bytes, `None` unless 1, 2 or 4.
    #[must_use]
    pub fn of_bytes(bytes: u64) -> Option<Self> {
        match bytes {
            1 => Some(Self::Byte),
            2 => Some(Self::Word),
            4 => Some(Self::Dword),
            _ => None,
        }
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Word => 2,
            Self::Dword => 4,
        }
    }
}

/// Reads from `port`.
#[must_use]
pub fn read(port: u16, width: Width) -> u32 {
    let mut value = 0_u32;
    match width {
        // SAFETY: 1. Port reads touch no memory of Rust's (module comment).
        Width::Byte => unsafe {
            asm!("in al, dx", in("dx") port, inout("eax") value, options(nomem, nostack, preserves_flags));
        },
        // SAFETY: 1. As above.
        Width::Word => unsafe {
            asm!("in ax, dx", in("dx") port, inout("eax") value, options(nomem, nostack, preserves_flags));
        },
        // SAFETY: 1. As above.
        Width::Dword => unsafe {
            asm!("in eax, dx", in("dx") port, inout("eax") value, options(nomem, nostack, preserves_flags));
        },
    }
    value
}

/// Writes the low bytes of `value` to `port`.
pub fn write(port: u16, width: Width, value: u32) {
    match width {
        // SAFETY: 1. Port writes touch no memory of Rust's (module comment). A device that masters the bus is given
        // to a task with all that follows from it.
        Width::Byte => unsafe {
            asm!("out dx, al", in("dx") port, in("eax") value, options(nomem, nostack, preserves_flags));
        },
        // SAFETY: 1. As above.
        Width::Word => unsafe {
            asm!("out dx, ax", in("dx") port, in("eax") value, options(nomem, nostack, preserves_flags));
        },
        // SAFETY: 1. As above.
        Width::Dword => unsafe {
            asm!("out dx, eax", in("dx") port, in("eax") value, options(nomem, nostack, preserves_flags));
        },
    }
}
