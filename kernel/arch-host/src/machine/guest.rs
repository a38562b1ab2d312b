//! What guests do: lists of steps that a test hands over.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use pmu_model::Elapsed;
use x86_regs::MsrAddr;
use x86_regs::vmx::ExitReason;

use crate::trap::Interrupt;

/// Something that a guest does, or that happens to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GuestStep {
    /// Instructions retire, and the counters that run count them.
    Retire(Elapsed),
    /// RDMSR of a register of the counters.
    ReadMsr(MsrAddr),
    /// WRMSR of a register of the counters.
    WriteMsr(MsrAddr, u64),
    /// RDPMC with this in ECX.
    ReadCounter(u32),
    /// Anything else that exits.
    Exit(ExitReason),
    /// An interrupt for the host.
    Interrupt(Interrupt),
    /// An NMI for the host.
    Nmi,
    /// The VM entry fails.
    FailEntry,
}

/// What a read of a guest gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GuestRead {
    /// The value.
    pub value: u64,
    /// Without an exit; otherwise the VMM's answer in RAX and RDX.
    pub is_direct: bool,
}

/// A vCPU's guest.
#[derive(Debug, Default)]
pub(crate) struct Guest {
    pub(crate) steps: VecDeque<GuestStep>,
    pub(crate) reads: Vec<GuestRead>,
    pub(crate) injections: Vec<u64>,
}

thread_local! {
    static GUESTS: RefCell<BTreeMap<u32, Guest>> = const { RefCell::new(BTreeMap::new()) };
}

/// Adds `steps` to what the guest of the `vcpu`-th carved vCPU does. When nothing is left, it halts (HLT).
pub fn guest_does(vcpu: u32, steps: &[GuestStep]) {
    with_guest(vcpu, |guest| guest.steps.extend(steps));
}

/// What the guest has read so far, oldest first; empty afterwards.
#[must_use]
pub fn take_guest_reads(vcpu: u32) -> Vec<GuestRead> {
    with_guest(vcpu, |guest| std::mem::take(&mut guest.reads))
}

/// What was injected into the guest so far: [`VcpuState::inject`](sel4_sys::vcpu::VcpuState::inject), oldest first; empty afterwards.
#[must_use]
pub fn take_guest_injections(vcpu: u32) -> Vec<u64> {
    with_guest(vcpu, |guest| std::mem::take(&mut guest.injections))
}

pub(super) fn power_on() {
    GUESTS.take();
}

pub(crate) fn with_guest<T>(vcpu: u32, act: impl FnOnce(&mut Guest) -> T) -> T {
    GUESTS.with_borrow_mut(|guests| act(guests.entry(vcpu).or_default()))
}
