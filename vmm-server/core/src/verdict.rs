//! Why a VM stops, in words for whoever started it.

use core::fmt;

use x86_regs::vmx::ExitReason;

/// What a guest did to memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryAccess {
    /// Read.
    Read,
    /// Write.
    Write,
    /// Instruction fetch.
    Fetch,
}

/// Why a VM stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The guest wrote its verdict to the debug-exit port, 0xf4.
    Exit {
        /// What it wrote.
        code: u32,
    },
    /// A fault while delivering a fault while delivering a fault.
    TripleFault {
        /// Where.
        rip: u64,
    },
    /// HLT with interrupts off: nothing can wake it.
    HaltedForEver {
        /// Where it would go on.
        rip: u64,
    },
    /// It accessed guest-physical memory that it has not.
    NoMemory {
        /// Guest-physical address.
        address: u64,
        /// How.
        access: MemoryAccess,
        /// Where.
        rip: u64,
    },
    /// It did something that this VM does not emulate.
    NotEmulated {
        /// What, in a few words.
        what: &'static str,
        /// Where.
        rip: u64,
    },
    /// An exit that this VM did not ask for.
    UnknownExit {
        /// The basic exit reason.
        reason: ExitReason,
        /// Exit qualification.
        qualification: u64,
        /// Where.
        rip: u64,
    },
    /// The CPU refused to enter the guest: its state is impossible.
    EntryFailed {
        /// The basic exit reason, 0 if the instruction itself failed.
        reason: ExitReason,
        /// VM-instruction error, if the instruction itself failed.
        instruction_error: u64,
    },
    /// The kernel answered something that this VMM does not know.
    UnknownReturn {
        /// What.
        number: u64,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit { code } => write!(f, "the guest ended with {code}"),
            Self::TripleFault { rip } => {
                write!(f, "the guest's CPU shut down (triple fault) at {rip:#x}")
            }
            Self::HaltedForEver { rip } => {
                write!(f, "the guest halted with interrupts off before {rip:#x}")
            }
            Self::NoMemory {
                address,
                access,
                rip,
            } => {
                let verb = match access {
                    MemoryAccess::Read => "read",
                    MemoryAccess::Write => "wrote",
                    MemoryAccess::Fetch => "fetched from",
                };
                write!(
                    f,
                    "the guest {verb} {address:#x}, where it has no memory, at {rip:#x}"
                )?;
                if address >> 12 == APIC_PAGE {
                    write!(
                        f,
                        " (that is the xAPIC; this VM has an x2APIC only, which is switched on)"
                    )?;
                }
                Ok(())
            }
            Self::NotEmulated { what, rip } => {
                write!(
                    f,
                    "the guest used {what} at {rip:#x}, which this VM does not emulate"
                )
            }
            Self::UnknownExit {
                reason,
                qualification,
                rip,
            } => write!(
                f,
                "the guest exited for reason {} (qualification {qualification:#x}) at {rip:#x}, which was not asked for",
                reason.0
            ),
            Self::EntryFailed {
                reason,
                instruction_error: 0,
            } => {
                write!(
                    f,
                    "the CPU refused the guest's state (exit reason {})",
                    reason.0
                )
            }
            Self::EntryFailed {
                instruction_error, ..
            } => {
                write!(
                    f,
                    "the CPU refused to enter the guest (VM-instruction error {instruction_error})"
                )
            }
            Self::UnknownReturn { number } => {
                write!(
                    f,
                    "the kernel returned {number}, which this VMM does not know"
                )
            }
        }
    }
}

/// Page number of the xAPIC on every PC.
const APIC_PAGE: u64 = 0xfee00;
