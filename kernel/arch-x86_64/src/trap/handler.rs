//! What the entry code calls: turns vectors into upcalls.

use core::sync::atomic::Ordering;

use x86_regs::system::PageFaultCode;

use super::vector::Vector;
use super::{Interrupt, Next, UserFault, entry, upcall};
use crate::cpu::instructions;
use crate::cpu::per_cpu::PerCpu;
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
    upcall::baton_interrupt(cpu, serve(entry::vector_of(return_address)))
}

/// Tells the controller of the interrupt with this vector and says what it is.
pub(crate) fn serve(vector: Vector) -> Interrupt {
    if let Some(line) = vector.line() {
        // Masked before the EOI: a level that is still high would come again at once.
        irq::mask(line);
        apic::end_of_interrupt();
        return Interrupt::Line(line);
    }
    if vector != Vector::SPURIOUS {
        apic::end_of_interrupt();
    }
    let [even, odd] = Vector::GUEST_PMI;
    match vector {
        Vector::TIMER => Interrupt::Timer,
        Vector::SAMPLES => Interrupt::Samples,
        _ if vector == even => Interrupt::GuestPmi { odd_epoch: false },
        _ if vector == odd => Interrupt::GuestPmi { odd_epoch: true },
        _ => Interrupt::Spurious,
    }
}

/// A non-maskable interrupt, on its own stack, wherever it came: without GS, without locks, and it cannot fault.
pub(super) extern "C" fn non_maskable(words: &PerCpu, rip: u64, code_segment: u64) {
    words.nmis.fetch_add(1, Ordering::Relaxed);
    let number = u32::try_from(words.cpu.load(Ordering::Relaxed)).ok();
    if let Some(cpu) = number.and_then(CpuId::new) {
        crate::pmu::non_maskable(cpu, rip, code_segment & 3 == 3);
    }
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
