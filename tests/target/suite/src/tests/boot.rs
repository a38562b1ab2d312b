//! What the kernel says about the machine, held against what the CPU says.

#![expect(unsafe_code, reason = "reads flags with an instruction")]

use core::arch::x86_64::{__cpuid, __cpuid_count};

use idl::runner::Machine;
use sel4::CpuFeatures;

use crate::harness::{runner, tests};

tests! {
    every_protection_that_the_cpu_offers_is_on
    the_clock_has_a_plausible_frequency
    the_kernel_uses_less_memory_than_there_is
    the_time_stamp_counter_moves_forward
    a_task_begins_with_interrupts_on_and_no_other_flag
}

fn machine() -> Machine {
    runner().machine().expect("the runner answers")
}

fn every_protection_that_the_cpu_offers_is_on() {
    let features = CpuFeatures::from_bits(machine().features).expect("all bits have a meaning");
    // SDM vol. 2A, "CPUID": leaf 1 ECX, leaf 7 EBX and ECX, leaf 8000_0001H EDX.
    let (basic, extended, amd) = (__cpuid(1), __cpuid_count(7, 0), __cpuid(0x8000_0001));
    let offered = [
        (CpuFeatures::SMEP, extended.ebx, 7),
        (CpuFeatures::SMAP, extended.ebx, 20),
        (CpuFeatures::UMIP, extended.ecx, 2),
        (CpuFeatures::NX, amd.edx, 20),
        (CpuFeatures::XSAVE, basic.ecx, 26),
        (CpuFeatures::X2APIC, basic.ecx, 21),
        (CpuFeatures::TSC_DEADLINE, basic.ecx, 24),
    ];
    for (feature, register, bit) in offered {
        let is_offered = register >> bit & 1 == 1;
        assert_eq!(features.contains(feature), is_offered, "{feature:?}");
    }
}

fn the_clock_has_a_plausible_frequency() {
    let hz = machine().tsc_hz;
    assert!((100_000_000..10_000_000_000).contains(&hz), "{hz} Hz");
}

fn the_kernel_uses_less_memory_than_there_is() {
    let Machine {
        used_bytes,
        memory_bytes,
        ..
    } = machine();
    assert!(used_bytes > 0, "the kernel needs memory");
    assert!(used_bytes < memory_bytes, "{used_bytes} of {memory_bytes}");
}

fn the_time_stamp_counter_moves_forward() {
    let first = sel4::timestamp();
    let second = sel4::timestamp();
    assert!(second > first, "{first} then {second}");
}

fn a_task_begins_with_interrupts_on_and_no_other_flag() {
    let flags: u64;
    // SAFETY: 1. Pushes a word and takes it off again.
    unsafe { core::arch::asm!("pushfq", "pop {}", out(reg) flags) };
    // SDM vol. 1, "EFLAGS Register": IF is bit 9; the six status flags change with every instruction.
    let status = 0b1000_1101_0101;
    assert_eq!(flags & !status, 1 << 9 | 1 << 1, "{flags:#x}");
}
