//! What the entry code calls: turns vectors into upcalls.

use x86_regs::system::PageFaultCode;

use super::vector::Vector;
use super::{Interrupt, Next, UserFault, entry, upcall};
use crate::cpu::instructions;
use crate::{CpuId, apic, irq};

/// An exception in ring 3.
pub(super) extern "C" fn user_exception(cpu: CpuId, vector: u64, error_code: u64) -> Next {
    // The stubs push a vector below 32.
    let vector = Vector(u8::try_from(vector).unwrap_or(u8::MAX));
    let fault = if vector == Vector::PAGE_FAULT {
        UserFault::Page {
            address: instructions::read_cr2(),
            error_code,
            is_fetch: PageFaultCode::from_bits(error_code).fetch(),
        }
    } else {
        UserFault::Exception {
            vector: vector.0,
            error_code,
        }
    };
    upcall::baton_fault(cpu, fault)
}

/// An interrupt, in ring 3 or in the idle loop.
pub(super) extern "C" fn device_interrupt(cpu: CpuId, return_address: u64) -> Next {
    let vector = entry::vector_of(return_address);
    let interrupt = if let Some(line) = vector.line() {
        // Masked before the EOI: a level that is still high would come again at once.
        irq::mask(line);
        apic::end_of_interrupt();
        Interrupt::Line(line)
    } else if vector == Vector::TIMER {
        apic::end_of_interrupt();
        Interrupt::Timer
    } else {
        if vector != Vector::SPURIOUS {
            apic::end_of_interrupt();
        }
        Interrupt::Spurious
    };
    upcall::baton_interrupt(cpu, interrupt)
}

/// The registers at an exception in ring 0, as the entry code pushed them.
#[derive(Debug)]
#[repr(C)]
pub(super) struct FatalFrame {
    rbp: u64,
    /// R15 down to R8.
    r15_to_r8: [u64; 8],
    rdi: u64,
    rsi: u64,
    rdx: u64,
    rcx: u64,
    rbx: u64,
    rax: u64,
    vector: u64,
    error_code: u64,
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

/// An exception in ring 0: a bug of the kernel or of the hardware.
pub(super) extern "C" fn kernel_exception(frame: &FatalFrame) -> ! {
    let vector = Vector(u8::try_from(frame.vector).unwrap_or(u8::MAX));
    let [r15, r14, r13, r12, r11, r10, r9, r8] = frame.r15_to_r8;
    panic!(
        "{} in ring 0, error code {:#x}, cr2 {:#x}\n\
         rip {:#x} cs {:#x} rflags {:#x} rsp {:#x} ss {:#x}\n\
         rax {:#x} rbx {:#x} rcx {:#x} rdx {:#x} rsi {:#x} rdi {:#x} rbp {:#x}\n\
         r8 {r8:#x} r9 {r9:#x} r10 {r10:#x} r11 {r11:#x} r12 {r12:#x} r13 {r13:#x} r14 {r14:#x} r15 {r15:#x}",
        vector.name(),
        frame.error_code,
        instructions::read_cr2(),
        frame.rip,
        frame.cs,
        frame.rflags,
        frame.rsp,
        frame.ss,
        frame.rax,
        frame.rbx,
        frame.rcx,
        frame.rdx,
        frame.rsi,
        frame.rdi,
        frame.rbp,
    )
}
