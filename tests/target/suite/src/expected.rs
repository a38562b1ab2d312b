//! The fault that a test announces before it happens.

use idl::runner::{Culprit, Expectation};
use sel4::{Error, FaultLabel};

use crate::harness::runner;

const ALL: u64 = u64::MAX;

/// A fault message to come. Words that nothing is said about may be anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected(Expectation);

impl Expected {
    fn new(label: FaultLabel, culprit: Culprit) -> Self {
        Self(Expectation {
            label: label.0,
            words: [0; 6],
            masks: [0; 6],
            culprit,
            reserved: [0; 7],
        })
    }

    fn word(mut self, i: usize, value: u64, mask: u64) -> Self {
        if let (Some(word), Some(old_mask)) = (self.0.words.get_mut(i), self.0.masks.get_mut(i)) {
            *word = value;
            *old_mask = mask;
        }
        self
    }

    /// A CPU exception with this error code, 0 if it has none.
    pub(crate) fn exception(vector: u64, code: u64) -> Self {
        let new = Self::new(FaultLabel::USER_EXCEPTION, Culprit::Suite);
        new.word(3, vector, ALL).word(4, code, ALL)
    }

    /// A CPU exception whose error code names a gate of the interrupt table.
    ///
    /// Bit 1 says that, bit 0 that it came from outside of the program. SDM vol. 3A, "Error Code". The index above them
    /// is not compared: in 64-bit mode QEMU 7.2 reports the gate's offset there, 16 times the vector.
    pub(crate) fn gate(vector: u64) -> Self {
        Self::exception(vector, 0b10).word(4, 0b10, 0b111)
    }

    /// A page fault at this address, with this error code.
    pub(crate) fn memory(address: u64, code: PageFault) -> Self {
        let is_fetch = u64::from(code.0 & PageFault::FETCH.0 != 0);
        let new = Self::new(FaultLabel::VM, Culprit::Suite);
        new.word(1, address, ALL)
            .word(2, is_fetch, ALL)
            .word(3, code.0, ALL)
    }

    /// A page fault of kernel memory: whether it is mapped for the kernel is the kernel's business.
    pub(crate) fn kernel_memory(address: u64, code: PageFault) -> Self {
        Self::memory(address, code).word(3, code.0, !PageFault::PRESENT.0)
    }

    /// A system call with a capability that cannot take it.
    pub(crate) fn capability(slot: u64, half: Half, error: Error) -> Self {
        let new = Self::new(FaultLabel::CAP, Culprit::Suite);
        new.word(1, slot, ALL)
            .word(2, half as u64, ALL)
            .word(3, error.label(), ALL)
    }

    /// A system call that does not exist, with these two arguments.
    pub(crate) fn unknown_system_call(number: u64, rdi: u64, rsi: u64) -> Self {
        let new = Self::new(FaultLabel::UNKNOWN_SYSCALL, Culprit::Suite);
        new.word(3, number, ALL).word(4, rdi, ALL).word(5, rsi, ALL)
    }

    /// With the instruction pointer at this address.
    pub(crate) fn at(self, rip: u64) -> Self {
        self.word(0, rip, ALL)
    }

    /// The partner's fault, not the suite's own.
    pub(crate) fn of_assist(mut self) -> Self {
        self.0.culprit = Culprit::Assist;
        self
    }

    /// Tells the runner. The next fault has to be this one.
    pub(crate) fn announce(self) {
        runner().expect(self.0).expect("the runner answers");
    }
}

/// Which half of a system call a capability fault is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Half {
    Send = 0,
    Receive = 1,
}

/// A page-fault error code. SDM vol. 3A, "Page-Fault Exceptions".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PageFault(u64);

impl PageFault {
    const PRESENT: Self = Self(1 << 0);
    const WRITE_BIT: Self = Self(1 << 1);
    const USER: Self = Self(1 << 2);
    const FETCH: Self = Self(1 << 4);

    /// Reading where nothing is mapped.
    pub(crate) const READ: Self = Self::USER;
    /// Writing where nothing is mapped.
    pub(crate) const WRITE: Self = Self(Self::USER.0 | Self::WRITE_BIT.0);
    /// Running where nothing is mapped.
    pub(crate) const RUN: Self = Self(Self::USER.0 | Self::FETCH.0);
    /// Writing to what may only be read.
    pub(crate) const WRITE_FORBIDDEN: Self = Self(Self::WRITE.0 | Self::PRESENT.0);
    /// Running what may not be run.
    pub(crate) const RUN_FORBIDDEN: Self = Self(Self::RUN.0 | Self::PRESENT.0);
}
