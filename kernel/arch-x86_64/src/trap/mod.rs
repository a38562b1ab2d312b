//! What leads from ring 3 and devices into the kernel, and what comes afterwards.

pub(crate) mod descriptor;
pub(crate) mod vector;

#[cfg(bare)]
pub(crate) mod entry;
#[cfg(bare)]
pub(crate) mod handler;
#[cfg(bare)]
pub(crate) mod tables;
#[cfg(bare)]
#[doc(hidden)]
pub mod upcall;

/// What the CPU does when an upcall returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
#[repr(u32)]
pub enum Next {
    /// Resumes the context that [`switch_to`](crate::cpu::switch_to) named last on this CPU.
    Thread = 0,
    /// Waits for an interrupt, with interrupts on.
    Idle = 1,
}

/// Something a thread did that it may not do. The context holds its registers as they were at the
/// instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UserFault {
    /// A page fault. SDM vol. 3A, "Page-Fault Exceptions".
    Page {
        /// The address that it touched (CR2).
        address: u64,
        /// The page-fault error code.
        error_code: u64,
        /// Whether it was fetching an instruction.
        is_fetch: bool,
    },
    /// Any other exception.
    Exception {
        /// 0 to 31. SDM vol. 3A, "Exception and Interrupt Vectors".
        vector: u8,
        /// 0 for vectors without one.
        error_code: u64,
    },
}

/// Why the CPU was interrupted. The architecture has told the interrupt controller already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interrupt {
    /// The timer of this CPU; it is no longer armed.
    Timer,
    /// A device's line (global system interrupt number), which is masked now.
    Line(u32),
    /// The counters of the guest that is resident, or of one that was: its vector's parity.
    GuestPmi {
        /// The epoch was odd.
        odd_epoch: bool,
    },
    /// Samples of the host have reached the watermark.
    Samples,
    /// Nothing that anybody waits for.
    Spurious,
}
