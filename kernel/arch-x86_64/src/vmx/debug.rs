//! The debug registers that no VMCS field holds: DR0 to DR3 and DR6.
//!
//! A guest's first access exits; from then on they are switched. The host does not use them: DR7, which every exit loads, has
//! all breakpoints off.
//!
//! UNSAFETY: moves to and from debug registers.

#![expect(unsafe_code, reason = "moves to and from debug registers")]

use core::arch::asm;

/// DR6 after reset: nothing happened. SDM vol. 3B, "Debug Status Register (DR6)".
const QUIET: u64 = 0xffff_0ff0;

/// A guest's debug registers while it does not run.
#[derive(Debug)]
pub(super) struct DebugRegisters {
    addresses: [u64; 4],
    status: u64,
    is_open: bool,
}

impl DebugRegisters {
    /// As after reset; the first access exits.
    pub(super) const fn new() -> Self {
        Self {
            addresses: [0; 4],
            status: QUIET,
            is_open: false,
        }
    }

    /// The guest has used them: they are switched from now on.
    pub(super) fn open(&mut self) {
        self.is_open = true;
    }

    /// Before an entry.
    #[inline]
    pub(super) fn load(&self) {
        if self.is_open {
            self.load_all();
        }
    }

    /// After an exit, whether the guest ran or not.
    #[inline]
    pub(super) fn save(&mut self) {
        if self.is_open {
            self.save_all();
        }
    }

    #[cold]
    fn load_all(&self) {
        write(self.addresses, self.status);
    }

    #[cold]
    fn save_all(&mut self) {
        (self.addresses, self.status) = read();
        write([0; 4], QUIET);
    }
}

fn read() -> ([u64; 4], u64) {
    let (a, b, c, d, status);
    // SAFETY: 1. Ring 0 may read them: DR7.GD is off while the host runs.
    unsafe {
        asm!("mov {}, dr0", "mov {}, dr1", "mov {}, dr2", "mov {}, dr3", "mov {}, dr6",
            out(reg) a, out(reg) b, out(reg) c, out(reg) d, out(reg) status, options(nomem, nostack, preserves_flags));
    }
    ([a, b, c, d], status)
}

fn write([a, b, c, d]: [u64; 4], status: u64) {
    // SAFETY: 1. As in `read`. 2. Breakpoints are off in DR7, so no address has an effect; the status came from the CPU.
    unsafe {
        asm!("mov dr0, {}", "mov dr1, {}", "mov dr2, {}", "mov dr3, {}", "mov dr6, {}",
            in(reg) a, in(reg) b, in(reg) c, in(reg) d, in(reg) status, options(nomem, nostack, preserves_flags));
    }
}
