//! Mapping frames while the task runs.

#![expect(unsafe_code, reason = "looks at what was mapped")]

use sel4::cap::{AddressSpace, Frame};
use sel4::{Cap, CapRights, Error, MAP_EXECUTE, MessageInfo, init_slot, with_ipc_buffer_mut};
use sel4_sys::layout::{IPC_BUFFER, PROGRAM};
use sel4_sys::{FrameOp, USER_END};

use crate::caps;
use crate::expected::{Expected, PageFault};
use crate::harness::tests;

tests! {
    what_is_written_at_one_address_is_read_at_another
    a_page_in_the_middle_of_a_frame_can_be_mapped
    a_fresh_frame_is_zero
    a_place_that_is_taken_stays_as_it_is
    the_programs_own_pages_cannot_be_replaced
    an_address_that_is_not_a_pages_is_refused
    no_address_outside_of_ring_3_can_be_mapped
    pages_that_the_frame_has_not_are_refused
    a_capability_to_read_maps_nothing_to_write
    nothing_is_mapped_to_write_and_to_run
    page_tables_end_with_the_reserve
    half_a_mapping_is_none
    what_was_unmapped_is_gone
    a_page_mapped_to_read_cannot_be_written
    a_page_mapped_to_read_cannot_be_run
    a_page_of_code_runs
}

const PAGE: u64 = 4096;
/// Two places in the first GiB, under one page table, which the address space has not yet.
const HERE: u64 = 0x1000_0000;
const THERE: u64 = 0x1001_0000;
const READ: CapRights = CapRights::READ;
const WRITE: CapRights = CapRights::READ.union(CapRights::WRITE);

fn space() -> AddressSpace {
    Cap::from_bits(init_slot::ADDRESS_SPACE)
}

fn map(address: u64, rights: CapRights, first: u64, pages: u64) -> sel4::Result<()> {
    caps::page.map(space(), address, rights, first, pages)
}

/// Maps with the word for the rights as it is. `None`: it was mapped.
fn map_raw(frame: Frame, address: u64, rights: u64) -> Option<Error> {
    with_ipc_buffer_mut(|buffer| buffer.caps_or_badges_mut()[0] = space().bits());
    let info = MessageInfo::new(FrameOp::MAP.0, 0, 1, 4);
    let frame: sel4::cap::Endpoint = frame.cast();
    let answer = frame.call_with_mrs(info, [address, rights, 0, 1]);
    Error::from_label(answer.info.label())
}

fn as_size(address: u64) -> usize {
    usize::try_from(address).expect("addresses have 64 bits")
}

fn read(address: u64) -> u64 {
    let pointer = core::ptr::with_exposed_provenance::<u64>(as_size(address));
    // SAFETY: 1. A test maps the address first, or has announced the fault that stops it here. 2. No Rust object lies there.
    unsafe { pointer.read_volatile() }
}

fn write(address: u64, word: u64) {
    let pointer = core::ptr::with_exposed_provenance_mut::<u64>(as_size(address));
    // SAFETY: 1. and 2. As in `read`.
    unsafe { pointer.write_volatile(word) }
}

fn run(address: u64) {
    // SAFETY: 1. There is a RET, or a fault that was announced and stops this task.
    unsafe { core::arch::asm!("call {}", in(reg) address, clobber_abi("C")) }
}

fn what_is_written_at_one_address_is_read_at_another() {
    assert_eq!(map(HERE, WRITE, 0, 2), Ok(()));
    assert_eq!(map(THERE, READ, 0, 2), Ok(()));
    for (offset, word) in [(0, 1), (PAGE - 8, 2), (PAGE, 3), (2 * PAGE - 8, u64::MAX)] {
        write(HERE + offset, word);
        assert_eq!(read(THERE + offset), word, "at {offset}");
    }
}

fn a_page_in_the_middle_of_a_frame_can_be_mapped() {
    assert_eq!(map(HERE, WRITE, 0, 2), Ok(()));
    write(HERE + PAGE, 77);
    assert_eq!(map(THERE, READ, 1, 1), Ok(()));
    assert_eq!(read(THERE), 77);
}

fn a_fresh_frame_is_zero() {
    assert_eq!(map(HERE, WRITE, 0, 2), Ok(()));
    write(HERE + 8, 5);
    assert_eq!(caps::page.reset(), Ok(()));
    let words = (0..2 * PAGE).step_by(8);
    assert!(words.into_iter().all(|offset| read(HERE + offset) == 0));
}

fn a_place_that_is_taken_stays_as_it_is() {
    assert_eq!(map(HERE, WRITE, 0, 1), Ok(()));
    write(HERE, 1);
    assert_eq!(map(HERE, READ, 1, 1), Err(Error::DeleteFirst));
    write(HERE, 2);
    assert_eq!(read(HERE), 2);
}

fn the_programs_own_pages_cannot_be_replaced() {
    for address in [PROGRAM, IPC_BUFFER] {
        assert_eq!(map(address, WRITE, 0, 1), Err(Error::DeleteFirst));
    }
}

fn an_address_that_is_not_a_pages_is_refused() {
    for address in [1, HERE + 8, HERE + PAGE - 1, u64::MAX] {
        assert_eq!(map(address, READ, 0, 1), Err(Error::AlignmentError));
    }
}

fn no_address_outside_of_ring_3_can_be_mapped() {
    let kernel = 0xffff_ffff_8010_0000;
    let non_canonical = 0x0000_8000_0000_0000;
    for address in [0, USER_END, non_canonical, kernel, 0_u64.wrapping_sub(PAGE)] {
        assert_eq!(
            map(address, READ, 0, 1),
            Err(Error::RangeError),
            "{address:#x}"
        );
    }
    let over_the_end = USER_END - PAGE;
    assert_eq!(map(over_the_end, READ, 0, 2), Err(Error::RangeError));
}

fn pages_that_the_frame_has_not_are_refused() {
    for (first, pages) in [(0, 0), (0, 3), (2, 1), (1, 2), (u64::MAX, 1), (1, u64::MAX)] {
        assert_eq!(
            map(HERE, READ, first, pages),
            Err(Error::RangeError),
            "{first} {pages}"
        );
    }
}

fn a_capability_to_read_maps_nothing_to_write() {
    let refused = caps::page_to_read.map(space(), HERE, WRITE, 0, 1);
    assert_eq!(refused, Err(Error::InvalidCapability));
    assert_eq!(caps::page_to_read.map(space(), HERE, READ, 0, 1), Ok(()));
    assert_eq!(caps::page_to_read.reset(), Err(Error::InvalidCapability));
}

fn nothing_is_mapped_to_write_and_to_run() {
    let both = u64::from(WRITE.bits()) | MAP_EXECUTE;
    assert_eq!(
        map_raw(caps::page, HERE, both),
        Some(Error::InvalidArgument)
    );
    // Bits without a meaning.
    for rights in [1 << 4, 1 << 8, u64::MAX] {
        assert_eq!(
            map_raw(caps::page, HERE, rights),
            Some(Error::InvalidArgument)
        );
    }
}

fn page_tables_end_with_the_reserve() {
    // The system description gives this task 4 tables. A page under another entry of the root needs 3.
    let far = 0x0080_0000_0000;
    assert_eq!(map(far, READ, 0, 1), Ok(()));
    assert_eq!(map(2 * far, READ, 0, 1), Err(Error::NotEnoughMemory));
    // What was taken for nothing stays in place, and serves another try no better.
    assert_eq!(map(2 * far, READ, 0, 1), Err(Error::NotEnoughMemory));
    assert_eq!(map(far + PAGE, READ, 0, 1), Ok(()), "its tables are there");
}

fn half_a_mapping_is_none() {
    assert_eq!(map(HERE + PAGE, READ, 0, 1), Ok(()));
    assert_eq!(map(HERE, READ, 0, 2), Err(Error::DeleteFirst));
    assert_eq!(
        map(HERE, READ, 0, 1),
        Ok(()),
        "the first of the two pages is free again"
    );
}

fn what_was_unmapped_is_gone() {
    assert_eq!(map(HERE, WRITE, 0, 1), Ok(()));
    write(HERE, 1);
    assert_eq!(caps::page.unmap(space(), HERE, 1), Ok(()));
    Expected::memory(HERE, PageFault::READ).announce();
    read(HERE);
}

fn a_page_mapped_to_read_cannot_be_written() {
    assert_eq!(map(HERE, READ, 0, 1), Ok(()));
    read(HERE);
    Expected::memory(HERE, PageFault::WRITE_FORBIDDEN).announce();
    write(HERE, 1);
}

/// Puts a RET into the frame.
fn write_code() {
    assert_eq!(map(THERE, WRITE, 0, 1), Ok(()));
    write(THERE, 0xc3);
}

fn a_page_mapped_to_read_cannot_be_run() {
    write_code();
    assert_eq!(map(HERE, READ, 0, 1), Ok(()));
    let fault = Expected::memory(HERE, PageFault::RUN_FORBIDDEN);
    fault.at(HERE).announce();
    run(HERE);
}

fn a_page_of_code_runs() {
    write_code();
    let rights = u64::from(READ.bits()) | MAP_EXECUTE;
    assert_eq!(map_raw(caps::page, HERE, rights), None);
    run(HERE);
}
