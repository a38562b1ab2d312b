//! Interrupt lines of devices, by global system interrupt number.
//!
//! A line that fires is masked before the kernel hears of it.

use crate::apic;

/// The machine has no such line, or keeps it for itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoSuchLine;

/// How a line signals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineFlags {
    /// Level triggered, else edge.
    pub level: bool,
    /// Active low, else high.
    pub active_low: bool,
}

/// Routes `line` to the CPU that booted, masked.
///
/// # Errors
/// [`NoSuchLine`].
pub fn configure(line: u32, flags: LineFlags) -> Result<(), NoSuchLine> {
    apic::io::configure(line, flags, apic::identity())
}

/// Lets nothing of `line` through. A line that was not configured is left alone.
pub fn mask(line: u32) {
    apic::io::set_masked(line, true);
}

/// Lets `line` through again. A line that was not configured is left alone.
pub fn unmask(line: u32) {
    apic::io::set_masked(line, false);
}
