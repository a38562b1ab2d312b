//! Operations of `PmuControl` and `PmuLease`: one CPU's performance counters.

use sel4_sys::pmu::{CounterWords, HostProgram, PmuControlOp, PmuDescription, PmuLeaseOp};
use sel4_sys::{Error, Word};
use zerocopy::transmute;

use super::{invoke, invoke_for_words, invoke_long, invoke_with_cap};
use crate::Result;
use crate::cap::{Frame, Notification, PmuControl, PmuLease};

/// How long a guest may stay on the counters of a CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum LeaseMode {
    /// Until another context must be loaded, or its lease is disarmed.
    Retain = 0,
    /// Until its thread leaves the CPU, or its slice ends.
    Yield = 1,
    /// Until an exit reaches the VMM.
    Eager = 2,
}

impl PmuControl {
    /// What counters the CPU has, and whether they can be handed over.
    ///
    /// # Errors
    /// The kernel's.
    pub fn describe(self) -> Result<PmuDescription> {
        let words: [Word; size_of::<PmuDescription>() / 8] =
            invoke_for_words(self.bits(), PmuControlOp::DESCRIBE.0)?;
        Ok(transmute!(words))
    }

    /// Sets what the host counts from now on.
    ///
    /// # Errors
    /// `InvalidArgument`: a value that the CPU or the project does not allow; nothing changed.
    pub fn program(self, program: &HostProgram) -> Result<()> {
        let words: [Word; size_of::<HostProgram>() / 8] = transmute!(*program);
        let (front, rest) = words.split_first_chunk().ok_or(Error::RangeError)?;
        invoke_long(self.bits(), PmuControlOp::PROGRAM.0, *front, rest).map(drop)
    }

    /// All counters and times of the host at one moment.
    ///
    /// # Errors
    /// The kernel's.
    pub fn read(self) -> Result<CounterWords> {
        let words: [Word; size_of::<CounterWords>() / 8] =
            invoke_for_words(self.bits(), PmuControlOp::READ.0)?;
        Ok(transmute!(words))
    }

    /// Sets how long guests may stay; `slice` in µs.
    ///
    /// # Errors
    /// `RangeError`: the slice is zero or beyond the clock.
    pub fn set_mode(self, mode: LeaseMode, slice: u64) -> Result<()> {
        let words = [mode as u64, slice, 0, 0];
        invoke(self.bits(), PmuControlOp::SET_MODE.0, 2, words).map(drop)
    }

    /// Lets the lease's VM have the counters. Answers the epoch that began, or goes on.
    ///
    /// # Errors
    /// `InvalidCapability`: not a lease of this CPU.
    pub fn arm(self, lease: PmuLease) -> Result<u64> {
        let words = [0; 4];
        let [epoch, ..] =
            invoke_with_cap(self.bits(), PmuControlOp::ARM.0, 0, words, lease.bits())?;
        Ok(epoch)
    }

    /// Takes the counters away from the lease's VM. Needs nobody's consent.
    ///
    /// # Errors
    /// As [`Self::arm`].
    pub fn disarm(self, lease: PmuLease) -> Result<()> {
        let words = [0; 4];
        invoke_with_cap(self.bits(), PmuControlOp::DISARM.0, 0, words, lease.bits()).map(drop)
    }

    /// Has samples of the host written to `frame`, as `sel4_sys::samples` says, and the notification signalled
    /// whenever `watermark` more have come.
    ///
    /// # Errors
    /// `InvalidCapability`: not a frame that may be written; `RangeError`: the watermark is zero or more than fit.
    pub fn set_ring(self, frame: Frame, watermark: u64) -> Result<()> {
        let words = [watermark, 0, 0, 0];
        let (label, frame) = (PmuControlOp::SET_RING.0, frame.bits());
        invoke_with_cap(self.bits(), label, 1, words, frame).map(drop)
    }

    /// Has a notification signalled when samples reach the watermark.
    ///
    /// # Errors
    /// `InvalidCapability`: it cannot be signalled.
    pub fn bind_notification(self, notification: Notification) -> Result<()> {
        let words = [0; 4];
        invoke_with_cap(
            self.bits(),
            PmuControlOp::BIND_NOTIFICATION.0,
            0,
            words,
            notification.bits(),
        )
        .map(drop)
    }
}

impl PmuLease {
    /// The task that enters the VM's vCPUs, as the badge of its calls; `None`: none does.
    ///
    /// # Errors
    /// The kernel's.
    pub fn vmm(self) -> Result<Option<Word>> {
        let [task, ..] = invoke(self.bits(), PmuLeaseOp::DESCRIBE.0, 0, [0; 4])?;
        Ok(Some(task).filter(|&task| task != 0))
    }
}
