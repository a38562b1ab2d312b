//! Why a task's life ended, in words.

use core::fmt;

use idl::supervisor::EndReason;
use sel4::{Fault, UserException, VmFault};

/// Why a task's life ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause<'a> {
    /// The kernel stopped it.
    Fault(Fault),
    /// It panicked, with this text.
    Panic(&'a str),
}

impl Cause<'_> {
    /// The cause as other tasks are told.
    #[must_use]
    pub const fn reason(&self) -> EndReason {
        match self {
            Self::Fault(Fault::Vm(_)) => EndReason::MemoryFault,
            Self::Fault(Fault::Cap(_) | Fault::UnknownSyscall(_)) => EndReason::SystemCallFault,
            Self::Fault(Fault::UserException(_)) => EndReason::Exception,
            Self::Fault(Fault::Timeout(_)) => EndReason::Timeout,
            Self::Panic(_) => EndReason::Panicked,
        }
    }
}

/// Continues "The task died: it …".
impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(text) => write!(f, "panicked at {text}"),
            Self::Fault(Fault::Vm(fault)) => memory(f, fault),
            Self::Fault(Fault::UserException(exception)) => {
                let UserException {
                    vector,
                    error_code,
                    rip,
                    ..
                } = exception;
                let name = exception_name(*vector);
                write!(
                    f,
                    "raised {name} (vector {vector}, code {error_code:#x}) at {rip:#x}"
                )
            }
            Self::Fault(Fault::Cap(fault)) => {
                let verb = if fault.in_receive {
                    "receive from"
                } else {
                    "send to"
                };
                write!(
                    f,
                    "tried to {verb} slot {}, which cannot be, at {:#x}",
                    fault.cptr, fault.rip
                )
            }
            Self::Fault(Fault::UnknownSyscall(fault)) => {
                let number = fault.number.cast_signed();
                write!(
                    f,
                    "made system call {number}, which does not exist, at {:#x}",
                    fault.rip
                )
            }
            Self::Fault(Fault::Timeout(fault)) => {
                write!(f, "used up its time after {} µs", fault.consumed)
            }
        }
    }
}

/// Bits of a page-fault error code. SDM vol. 3A, "Page-Fault Exceptions".
const PAGE_WAS_PRESENT: u64 = 1 << 0;
const ACCESS_WAS_WRITE: u64 = 1 << 1;

fn memory(f: &mut fmt::Formatter<'_>, fault: &VmFault) -> fmt::Result {
    let access = if fault.is_fetch != 0 {
        "run code"
    } else if fault.error_code & ACCESS_WAS_WRITE != 0 {
        "write"
    } else {
        "read"
    };
    let why = if fault.error_code & PAGE_WAS_PRESENT != 0 {
        "which it may not"
    } else {
        "where nothing is mapped"
    };
    let VmFault { address, rip, .. } = fault;
    write!(
        f,
        "tried to {access} at {address:#x}, {why} (instruction at {rip:#x})"
    )
}

/// SDM vol. 3A, "Exception and Interrupt Vectors".
const fn exception_name(vector: u64) -> &'static str {
    match vector {
        0 => "a divide error",
        1 => "a debug exception",
        3 => "a breakpoint",
        4 => "an overflow",
        5 => "a bound-range error",
        6 => "an invalid-opcode exception",
        7 => "a device-not-available exception",
        10 => "an invalid-TSS exception",
        11 => "a segment-not-present exception",
        12 => "a stack-segment fault",
        13 => "a general-protection fault",
        16 => "an x87 floating-point error",
        17 => "an alignment check",
        19 => "a SIMD floating-point exception",
        21 => "a control-protection exception",
        _ => "an exception",
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, Fault, VmFault};

    #[test]
    fn a_write_to_nowhere_reads_as_one() {
        let fault = VmFault {
            rip: 0x40_1000,
            address: 0x8,
            is_fetch: 0,
            error_code: 0b110,
        };
        assert_eq!(
            Cause::Fault(Fault::Vm(fault)).to_string(),
            "tried to write at 0x8, where nothing is mapped (instruction at 0x401000)"
        );
    }

    #[test]
    fn a_fetch_from_data_reads_as_one() {
        let fault = VmFault {
            rip: 0x3000,
            address: 0x3000,
            is_fetch: 1,
            error_code: 0b1_0101,
        };
        assert_eq!(
            Cause::Fault(Fault::Vm(fault)).to_string(),
            "tried to run code at 0x3000, which it may not (instruction at 0x3000)"
        );
    }
}
