//! A VMM or the server of the counters dies: quiet counters, a working system.

use sel4_sys::pmu::PmuControlOp;
use sel4_sys::vcpu::{GuestSpaceOp, VcpuOp, VcpuReturn};
use sel4_sys::{CNodeOp, Error, MAP_EXECUTE, ObjectKind, slot};
use x86_regs::vmx::ExitReason;

use super::guests::{
    AT, CONTROL, FIXED_0, GuestStep, RDPMC_FIXED_0, SECOND, SERVER, VMM, WAKE_SERVER, World, run,
    system,
};
use super::invariants;
use super::system::vmm_slot;
use crate::object::{GuestSpaceId, Id, VcpuId};

const CPUID: GuestStep = GuestStep::Exit(ExitReason::CPUID);
const DIED: usize = 6;
const FRAME: u64 = 40;
/// Rights of a guest's page: read, write, execute.
const ALL: u64 = 3 | MAP_EXECUTE;

/// A guest with memory, whose counters run with the lease armed and the host's waiting.
fn guest_in_the_middle() -> World {
    let mut system = system();
    let memory = system.frame(4);
    system.give(VMM, FRAME, ObjectKind::Frame, memory);
    let mut w = World::of(&system);
    w.host_counts(false, 0, 0);
    w.arm(0);
    w.guest_counts(VMM, 0, false);
    w.vcpu(VMM, VcpuOp::OPEN_COUNTERS, &[FIXED_0, 0]);
    let map = w.m.invoke(
        VMM,
        vmm_slot::SPACE,
        GuestSpaceOp::MAP.0,
        &[0, ALL, 0, 4],
        &[FRAME],
    );
    assert_eq!(map, (0, vec![]));
    w.start(VMM, &[run(100), WAKE_SERVER, run(100), CPUID]);
    assert_eq!(w.m.running(), Some(SERVER));
    w
}

fn is_forgotten(w: &World) {
    let k = &w.m.k;
    let vcpu = &k.vcpus[VcpuId::new(VMM).unwrap()];
    assert_eq!(
        vcpu.context,
        pmu_drv::PmuContext::new(),
        "no count, no selector is left"
    );
    assert!(!k.pmu_leases[vcpu.lease].lease.is_armed());
    let space = &k.guest_spaces[GuestSpaceId::new(VMM).unwrap()];
    assert!(space.tables.mappings().is_empty());
    assert_eq!(w.account().resident, 0);
}

#[test]
fn a_vmm_that_dies_with_its_guest_on_the_counters_leaves_nothing_of_it() {
    let mut w = guest_in_the_middle();
    w.m.reset(VMM);
    invariants::check(&w.m.k);
    is_forgotten(&w);
    assert_eq!(w.account().puts[DIED], 1);
    // The host counts on, and the next generation of the VMM begins anew.
    w.host_retires(5);
    assert_eq!(w.serve_awake(PmuControlOp::READ, &[], &[])[2 + AT], 5);
    w.m.resume(VMM);
    w.m.yield_now(SECOND);
    assert_eq!(w.guest_count(VMM), 0);
    w.guest_counts(VMM, 0, false);
    assert_eq!(w.enter(VMM, &[run(3)]), VcpuReturn::LEASE_NEEDED);
    w.arm(0);
    let _ = w.enter(VMM, &[CPUID]);
    assert_eq!(w.guest_count(VMM), 100, "what the script still held");
}

#[test]
fn a_vmm_that_dies_elsewhere_is_forgotten_too() {
    let mut w = guest_in_the_middle();
    w.m.poll(SERVER, slot::NOTIFICATION);
    w.m.wait(SERVER, slot::NOTIFICATION);
    assert_eq!(w.answer(VMM).0, VcpuReturn::EXIT);
    w.disarm(0);
    w.m.reset(VMM);
    is_forgotten(&w);
    assert_eq!(w.account().puts[DIED], 0, "it was off already");
    assert_eq!(w.m.running(), Some(SECOND));
}

#[test]
fn a_pmi_of_a_guest_that_died_reaches_nobody() {
    let mut w = guest_in_the_middle();
    w.m.reset(VMM);
    w.m.interrupt(crate::arch::trap::Interrupt::GuestPmi { odd_epoch: true });
    let account = w.account();
    assert_eq!((account.guest_pmis, account.late_pmis), (0, 0));
    assert!(!w.m.k.vcpus[VcpuId::new(VMM).unwrap()].pmi.pending);
}

#[test]
fn a_server_that_dies_leaves_quiet_counters_and_guests_that_ask_again() {
    for how in ["reset", "revoked"] {
        let mut w = guest_in_the_middle();
        if how == "reset" {
            w.m.reset(SERVER);
        } else {
            let delete = CNodeOp::DELETE.0;
            assert_eq!(
                w.m.invoke(SERVER, slot::CNODE, delete, &[CONTROL], &[]).0,
                0
            );
            w.m.wait(SERVER, slot::NOTIFICATION);
        }
        invariants::check(&w.m.k);
        w.assert_quiet();
        w.host_retires(100);
        w.assert_quiet();
        assert_eq!(w.m.running(), Some(VMM));
        assert_eq!(w.answer(VMM).0, VcpuReturn::LEASE_NEEDED, "{how}");
        assert_eq!(w.guest_count(VMM), 100);
        // Guests without counters run on.
        w.m.yield_now(VMM);
        assert_eq!(w.enter(SECOND, &[run(1), CPUID]), VcpuReturn::EXIT);
        if how == "revoked" {
            continue;
        }
        w.m.resume(SERVER);
        w.m.wait(SERVER, slot::NOTIFICATION);
        w.host_counts(false, 0, 0);
        w.host_retires(7);
        assert_eq!(w.read().values[AT], 7, "nothing of the old host's is left");
        w.m.yield_now(SECOND);
        w.arm(0);
        let _ = w.enter(VMM, &[]);
        assert_eq!(w.guest_count(VMM), 200);
    }
}

#[test]
fn deleting_the_capability_of_a_virtual_cpu_takes_its_guest_off() {
    let mut system = system();
    system.give(SERVER, 41, ObjectKind::CNode, VMM);
    let mut w = World::of(&system);
    w.host_counts(false, 0, 0);
    w.arm(0);
    w.guest_counts(VMM, 0, false);
    w.start(VMM, &[run(100), WAKE_SERVER, run(100), CPUID]);
    let delete = CNodeOp::DELETE.0;
    assert_eq!(w.m.invoke(SERVER, 41, delete, &[vmm_slot::VCPU], &[]).0, 0);
    invariants::check(&w.m.k);
    assert_eq!((w.account().resident, w.account().puts[DIED]), (0, 1));
    w.m.wait(SERVER, slot::NOTIFICATION);
    assert_eq!(w.m.running(), Some(VMM), "its entry has ended");
}

#[test]
fn values_that_the_project_does_not_allow_reach_no_register() {
    let mut w = World::new();
    w.arm(0);
    w.guest_counts(VMM, 0, false);
    let _ = w.enter(VMM, &[run(1), CPUID]);
    let before = w.operations();
    let wrong: &[(VcpuOp, &[u64])] = &[
        (VcpuOp::SET_SELECTOR, &[8, 0]),
        (VcpuOp::SET_SELECTOR, &[u64::MAX, 0]),
        // AnyThread and pin control.
        (VcpuOp::SET_SELECTOR, &[0, 1 << 21]),
        (VcpuOp::SET_SELECTOR, &[0, 1 << 19]),
        (VcpuOp::SET_SELECTOR, &[0, 1 << 32]),
        (VcpuOp::SET_FIXED_CONTROL, &[1 << 2]),
        (VcpuOp::SET_FIXED_CONTROL, &[1 << 16]),
        (VcpuOp::SET_GLOBAL_CONTROL, &[1 << 48]),
        (VcpuOp::SET_GLOBAL_CONTROL, &[1 << 8]),
        (VcpuOp::OPEN_COUNTERS, &[1 << 40, 0]),
        (VcpuOp::OPEN_COUNTERS, &[1, 4]),
        (VcpuOp::READ_COUNTER, &[9]),
        (VcpuOp::READ_COUNTER, &[1 << 31]),
        (VcpuOp::WRITE_COUNTER, &[RDPMC_FIXED_0, 1 << 48]),
        (VcpuOp::CHANGE_STATUS, &[0, 1 << 62]),
    ];
    for &(operation, words) in wrong {
        let (label, _) = w.m.invoke(VMM, vmm_slot::VCPU, operation.0, words, &[]);
        assert_eq!(
            label,
            Error::InvalidArgument.label(),
            "{operation:?} {words:x?}"
        );
    }
    let (label, _) =
        w.m.invoke(VMM, vmm_slot::VCPU, VcpuOp::OPEN_RDPMC.0, &[1], &[]);
    assert_eq!(
        label,
        Error::IllegalOperation.label(),
        "not every counter is open"
    );
    assert_eq!(w.operations(), before);
    assert_eq!(w.guest_count(VMM), 1);
}

#[test]
fn a_program_of_the_host_is_refused_by_the_word_that_is_wrong() {
    let mut w = World::new();
    w.m.signal(SERVER);
    // Word, value: selectors, fixed and global control, includes, start, values, periods.
    for (at, value) in [
        (0, 1 << 19),
        (7, 1 << 33),
        (8, 1 << 2),
        (9, 1 << 8),
        (10, 1 << 48),
        (11, 1 << 12),
        (11, 1 << 63),
        (24, 1 << 48),
        (35, 1),
    ] {
        let mut words = [0; 36];
        words[at] = value;
        let refused =
            w.m.invoke(SERVER, CONTROL, PmuControlOp::PROGRAM.0, &words, &[]);
        let expected = (Error::InvalidArgument.label(), vec![at as u64]);
        assert_eq!(refused, expected, "word {at}");
    }
    let short =
        w.m.invoke(SERVER, CONTROL, PmuControlOp::PROGRAM.0, &[0; 35], &[]);
    assert_eq!(short.0, Error::TruncatedMessage.label());
    let lease =
        w.m.invoke(SERVER, CONTROL, PmuControlOp::ARM.0, &[], &[slot::THREAD]);
    assert_eq!(lease.0, Error::InvalidCapability.label());
}

#[test]
fn memory_of_a_guest_is_mapped_as_the_frames_capability_allows() {
    let mut system = system();
    let memory = system.frame(4);
    system.give(VMM, FRAME, ObjectKind::Frame, memory);
    let read_only = sel4_sys::CapRights::READ;
    system.give_with(VMM, FRAME + 1, ObjectKind::Frame, memory, read_only, 0);
    let mut w = World::of(&system);
    let (map, unmap) = (GuestSpaceOp::MAP.0, GuestSpaceOp::UNMAP.0);
    let range = Error::RangeError.label();
    for (operation, words, caps, expected) in [
        (map, &[0, ALL, 0, 4][..], &[FRAME][..], 0),
        (
            map,
            &[0x3000, ALL, 0, 1],
            &[FRAME],
            Error::DeleteFirst.label(),
        ),
        (unmap, &[0x1000, 3], &[], 0),
        (map, &[0x1000, 2, 0, 1], &[FRAME + 1], 0),
        (
            map,
            &[0x2000, 3, 0, 1],
            &[FRAME + 1],
            Error::InvalidCapability.label(),
        ),
        (
            map,
            &[0x2001, 2, 0, 1],
            &[FRAME],
            Error::AlignmentError.label(),
        ),
        (map, &[0x2000, 2, 1, 4], &[FRAME], range),
        (map, &[0x2000, 2, u64::MAX, 1], &[FRAME], range),
        (map, &[0x2000, 2, 0, 513], &[FRAME], range),
        (map, &[1 << 40, 2, 0, 1], &[FRAME], range),
        (
            map,
            &[0x2000, 8, 0, 1],
            &[FRAME],
            Error::InvalidArgument.label(),
        ),
        (
            map,
            &[0x2000, 2, 0, 1],
            &[slot::THREAD],
            Error::InvalidCapability.label(),
        ),
        (unmap, &[0, 0], &[], range),
    ] {
        let (label, _) = w.m.invoke(VMM, vmm_slot::SPACE, operation, words, caps);
        assert_eq!(label, expected, "{operation} {words:x?} {caps:?}");
    }
    let space = &w.m.k.guest_spaces[GuestSpaceId::new(VMM).unwrap()];
    let mapped: Vec<_> = space
        .tables
        .mappings()
        .iter()
        .map(|(&a, p)| (a, p.page, p.rights.write))
        .collect();
    assert_eq!(mapped, [(0, 0, true), (0x1000, 0, false)]);
    // Eight tables are declared: three for the first page, one more for each 2 MiB.
    let labels: Vec<u64> = (1..=6)
        .map(|n| {
            w.m.invoke(VMM, vmm_slot::SPACE, map, &[n << 21, 2, 0, 1], &[FRAME])
                .0
        })
        .collect();
    assert_eq!(labels, [0, 0, 0, 0, 0, Error::NotEnoughMemory.label()]);
}
