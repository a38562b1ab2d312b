//! Returning to where no program can be.
//!
//! SYSRET to an address that is not canonical faults in ring 0, on the program's stack. QEMU 7.2 does not check, and
//! the fault comes in ring 3, where it harms nobody; on Bochs a kernel that lets such an address through panics.

#![expect(unsafe_code, reason = "a system call where no compiler puts one")]

use assist::Command;
use sel4::cap::AddressSpace;
use sel4::{Cap, CapRights, Error, Word, init_slot};
use sel4_sys::{MAP_EXECUTE, Syscall, USER_END, layout};

use crate::caps;
use crate::expected::{Expected, PageFault};
use crate::harness::tests;
use crate::partner;

tests! {
    a_system_call_at_the_end_of_memory_returns_to_a_page_fault
    no_thread_can_be_sent_to_an_address_that_is_not_canonical
    the_page_before_the_hole_cannot_be_mapped
}

const PAGE: u64 = 4096;
const YIELD: Word = Syscall::YIELD.0.cast_unsigned();

fn space() -> AddressSpace {
    Cap::from_bits(init_slot::ADDRESS_SPACE)
}

/// READ, and instructions may be fetched.
fn run() -> CapRights {
    let execute = u8::try_from(MAP_EXECUTE).expect("it is a bit of the rights' byte");
    CapRights::from_bits_retain(CapRights::READ.bits() | execute)
}

/// The last instruction that can be there is a SYSCALL, and the kernel returns to the address behind it by SYSRET.
fn a_system_call_at_the_end_of_memory_returns_to_a_page_fault() {
    let written = caps::page.map(
        space(),
        layout::WINDOWS,
        CapRights::READ | CapRights::WRITE,
        0,
        1,
    );
    written.expect("the page can be mapped to be written");
    let code = USER_END - PAGE;
    let mapped = caps::page.map(space(), code, run(), 0, 1);
    mapped.expect("the page can be mapped to be run");
    let place = usize::try_from(layout::WINDOWS + PAGE - 2).expect("addresses have 64 bits");
    let place = core::ptr::with_exposed_provenance_mut::<[u8; 2]>(place);
    // SYSCALL, in the page's last two bytes.
    // SAFETY: 1. The page was mapped there just now, and nobody else uses it.
    unsafe { place.write([0x0f, 0x05]) };
    Expected::memory(USER_END, PageFault::RUN)
        .at(USER_END)
        .announce();
    // SAFETY: 1. There is one instruction, and behind it the task stops.
    unsafe { core::arch::asm!("jmp {}", in(reg) USER_END - 2, in("rdx") YIELD, options(noreturn)) }
}

/// The partner waits in a system call, so that it would go on by SYSRET.
fn no_thread_can_be_sent_to_an_address_that_is_not_canonical() {
    const HOLE: u64 = 1 << 47;
    for address in [
        HOLE,
        HOLE + 1,
        1 << 48,
        1 << 63,
        !HOLE,
        u64::MAX << 47,
        u64::MAX,
    ] {
        let [generation, ..] = partner::ask(Command::COUNT, [0; 4]);
        let waits = "the partner waits for a command";
        caps::assist.suspend().expect(waits);
        let mut registers = caps::assist.read_all_registers().expect(waits);
        registers.rip = address;
        let written = caps::assist.write_all_registers(&registers);
        written.expect("every value can be written");
        Expected::memory(0, PageFault::RUN)
            .at(0)
            .of_assist()
            .announce();
        caps::assist.resume().expect(waits);
        partner::let_it_run();
        let [next, ..] = partner::ask(Command::COUNT, [0; 4]);
        assert_eq!(next, generation + 1, "it died at {address:#x}");
    }
}

fn the_page_before_the_hole_cannot_be_mapped() {
    let refused = Err(Error::RangeError);
    assert_eq!(caps::page.map(space(), USER_END, run(), 0, 1), refused);
    let across = USER_END - PAGE;
    assert_eq!(caps::page.map(space(), across, run(), 0, 2), refused);
}
