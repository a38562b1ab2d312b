//! Counters change hands, and every count is exact.

use core::mem::offset_of;

use sel4_sys::pmu::PmuControlOp;
use sel4_sys::slot;
use sel4_sys::vcpu::{VcpuOp, VcpuReturn, VcpuState};
use x86_regs::vmx::ExitReason;

use super::guests::{
    AT, FIXED_0, GuestStep, LEASES, OTHER, RDPMC_FIXED_0, SECOND, SERVER, VMM, WAKE_SERVER, World,
    run,
};
use super::machine::message;
use super::system::vmm_slot;
use crate::arch::trap::Interrupt;

const RETAIN: u64 = 0;
const YIELD: u64 = 1;
const EAGER: u64 = 2;

/// Puts by reason, in the order of the account.
const LEFT: usize = 0;
const SLICE_END: usize = 1;
const EXIT_TO_VMM: usize = 2;
const REVOKED: usize = 3;
const MODE_CHANGE: usize = 4;
const REPLACED: usize = 5;

const CPUID: GuestStep = GuestStep::Exit(ExitReason::CPUID);
const TICK: GuestStep = GuestStep::Interrupt(Interrupt::Spurious);

/// The other task runs for a moment, in which the host retires instructions.
fn other_runs(w: &mut World, instructions: u64) {
    w.m.signal(OTHER);
    assert_eq!(w.m.running(), Some(OTHER));
    w.host_retires(instructions);
    w.m.wait(OTHER, slot::NOTIFICATION);
}

#[test]
fn host_and_guest_count_exactly_over_a_thousand_handovers() {
    let mut w = World::new();
    w.host_counts(false, 5, 0);
    w.set_mode(YIELD);
    w.arm(0);
    w.guest_counts(VMM, 7, false);
    let (mut host, mut guest, mut inside) = (5, 7, 0);
    for round in 0..1000_u64 {
        let (a, b, c) = (round % 7 + 1, round % 11 + 1, round % 13 + 1);
        w.host_retires(a);
        host += a;
        assert_eq!(
            w.enter(VMM, &[run(b), TICK, run(c), CPUID]),
            VcpuReturn::EXIT
        );
        guest += b + c;
        // The VMM's own work is nobody's: the guest stays on the counters, and the host's event excludes it.
        w.host_retires(9);
        inside += 9;
        other_runs(&mut w, c);
        host += c;
    }
    assert_eq!(w.guest_count(VMM), guest);
    assert_eq!(w.read().values[AT], host);
    let account = w.account();
    assert_eq!((account.loads, account.puts[LEFT]), (1000, 1000));
    assert_eq!(account.exits, 2000);
    assert_eq!(
        account.exits_kept, 2000,
        "an exit by itself takes nothing off"
    );
    assert_eq!(inside, 9000);
    assert_eq!(w.state(VMM).exits, 2000);
}

#[test]
fn an_exit_with_the_lease_kept_and_the_entry_after_it_touch_no_register_of_the_counters() {
    for mode in [RETAIN, YIELD] {
        let mut w = World::new();
        w.host_counts(false, 0, 0);
        w.set_mode(mode);
        w.arm(0);
        w.guest_counts(VMM, 0, false);
        let _ = w.enter(VMM, &[run(1), CPUID]);
        let before = w.operations();
        for _ in 0..50 {
            let _ = w.enter(VMM, &[run(1), TICK, run(1), CPUID]);
        }
        let account = w.account();
        assert_eq!(w.operations(), before);
        assert_eq!(
            (account.exits, account.exits_kept, account.loads),
            (101, 101, 1)
        );
        assert_eq!(w.guest_count(VMM), 101);
    }
}

#[test]
fn a_guest_whose_counters_are_idle_costs_nothing_and_needs_no_lease() {
    let mut w = World::new();
    w.host_counts(false, 0, 0);
    let before = w.operations();
    for _ in 0..20 {
        assert_eq!(
            w.enter(VMM, &[run(100), TICK, run(100), CPUID]),
            VcpuReturn::EXIT
        );
        w.host_retires(3);
    }
    let account = w.account();
    assert_eq!(w.operations(), before);
    assert_eq!((account.loads, account.refused_entries), (0, 0));
    assert_eq!((account.idle_entries, account.exits), (40, 40));
    assert_eq!(w.read().values[AT], 60, "the host's event excludes guests");
    // One that includes them counts on while the guest runs.
    w.host_counts(true, 0, 0);
    let _ = w.enter(VMM, &[run(100), CPUID]);
    w.host_retires(5);
    assert_eq!(w.read().values[AT], 105);
}

#[test]
fn without_an_armed_lease_the_guest_waits_or_runs_blind_and_says_for_how_long() {
    let mut w = World::new();
    w.guest_counts(VMM, 0, false);
    assert_eq!(w.enter(VMM, &[run(10), CPUID]), VcpuReturn::LEASE_NEEDED);
    assert_eq!(w.account().refused_entries, 1);
    w.vcpu(VMM, VcpuOp::SET_BLIND, &[1]);
    assert_eq!(
        w.enter(VMM, &[]),
        VcpuReturn::EXIT,
        "the steps are still there"
    );
    assert_eq!(w.guest_count(VMM), 0);
    assert_eq!(w.account().loads, 0);
    w.arm(0);
    assert_eq!(w.enter(VMM, &[run(10), CPUID]), VcpuReturn::EXIT);
    assert_eq!(w.guest_count(VMM), 10);
}

#[test]
fn a_revoked_guest_is_off_at_once_with_all_it_counted() {
    let mut w = World::new();
    w.host_counts(false, 0, 0);
    w.arm(0);
    w.guest_counts(VMM, 0, false);
    w.start(VMM, &[run(1000), WAKE_SERVER, run(500), CPUID]);
    assert_eq!(
        w.m.running(),
        Some(SERVER),
        "it is more urgent than the guest's thread"
    );
    w.serve_awake(PmuControlOp::DISARM, &[], &[LEASES[0]]);
    assert_eq!(w.answer(VMM).0, VcpuReturn::LEASE_NEEDED);
    w.host_retires(4);
    assert_eq!(w.guest_count(VMM), 1000);
    assert_eq!(w.read().values[AT], 4);
    assert_eq!(w.account().puts[REVOKED], 1);
    assert_eq!(w.enter(VMM, &[]), VcpuReturn::LEASE_NEEDED);
    w.arm(0);
    assert_eq!(
        w.enter(VMM, &[]),
        VcpuReturn::EXIT,
        "it goes on where it was"
    );
    assert_eq!(w.guest_count(VMM), 1500);
}

#[test]
fn in_mode_yield_a_slice_ends_at_the_next_exit_and_the_next_entry_begins_another() {
    let mut w = World::new();
    w.set_mode(YIELD);
    w.arm(0);
    w.guest_counts(VMM, 0, false);
    let _ = w.enter(VMM, &[run(1), CPUID]);
    let deadline = arch_host::machine::deadline().unwrap().0;
    assert!(
        deadline <= 100_000,
        "the timer is armed for the slice of 100 us"
    );
    w.m.pass(100_000);
    assert_eq!(w.account().puts[SLICE_END], 1);
    let _ = w.enter(VMM, &[run(1), CPUID]);
    assert_eq!((w.account().loads, w.guest_count(VMM)), (2, 2));
    // While the guest runs, the timer's exit is what ends it.
    let timer = GuestStep::Interrupt(Interrupt::Timer);
    arch_host::machine::advance(100_000);
    let _ = w.enter(VMM, &[run(1), timer, run(1), CPUID]);
    let account = w.account();
    assert_eq!((account.puts[SLICE_END], account.loads), (2, 3));
    assert_eq!(w.guest_count(VMM), 4);
}

#[test]
fn in_mode_eager_every_exit_that_reaches_the_vmm_gives_the_counters_back() {
    let mut w = World::new();
    w.host_counts(false, 0, 0);
    w.set_mode(EAGER);
    w.arm(0);
    w.guest_counts(VMM, 0, false);
    for _ in 0..10 {
        let _ = w.enter(VMM, &[run(1), TICK, run(1), CPUID]);
        w.host_retires(3);
    }
    let account = w.account();
    assert_eq!((account.loads, account.puts[EXIT_TO_VMM]), (10, 10));
    assert_eq!(account.exits_kept, 10, "those that the kernel served");
    assert_eq!((w.guest_count(VMM), w.read().values[AT]), (20, 30));
}

#[test]
fn in_mode_retain_a_guest_stays_until_another_one_needs_the_counters() {
    let mut w = World::new();
    w.arm(0);
    w.arm(1);
    w.guest_counts(VMM, 0, false);
    let _ = w.enter(VMM, &[run(10), CPUID]);
    other_runs(&mut w, 1);
    assert_eq!(w.account().puts, [0; 7]);
    w.m.yield_now(VMM);
    w.guest_counts(SECOND, 100, false);
    let _ = w.enter(SECOND, &[run(20), CPUID]);
    let account = w.account();
    assert_eq!((account.loads, account.puts[REPLACED]), (2, 1));
    assert_eq!(w.guest_count(SECOND), 120);
    w.m.yield_now(SECOND);
    assert_eq!(w.guest_count(VMM), 10, "saved when it was replaced");
    let _ = w.enter(VMM, &[run(10), CPUID]);
    assert_eq!(w.guest_count(VMM), 20);
    w.m.yield_now(VMM);
    assert_eq!(w.guest_count(SECOND), 120);
}

#[test]
fn a_guest_without_counters_does_not_disturb_the_one_that_has_them() {
    let mut w = World::new();
    w.arm(0);
    w.guest_counts(VMM, 0, false);
    let _ = w.enter(VMM, &[run(10), CPUID]);
    let before = w.operations();
    w.m.yield_now(VMM);
    let _ = w.enter(SECOND, &[run(50), TICK, run(50), CPUID]);
    w.m.yield_now(SECOND);
    let _ = w.enter(VMM, &[run(10), CPUID]);
    assert_eq!(w.operations(), before);
    assert_eq!(w.guest_count(VMM), 20);
}

#[test]
fn setting_a_mode_in_which_a_guest_may_not_stay_takes_it_off() {
    let mut w = World::new();
    w.arm(0);
    w.guest_counts(VMM, 0, false);
    let _ = w.enter(VMM, &[run(10), CPUID]);
    w.set_mode(YIELD);
    assert_eq!(w.account().puts[MODE_CHANGE], 1);
    assert_eq!(w.guest_count(VMM), 10);
    // The server itself had taken the CPU, but in the old mode.
    assert_eq!(w.account().puts[LEFT], 0);
}

#[test]
fn the_host_can_be_read_and_set_while_a_guest_is_resident() {
    let mut w = World::new();
    w.host_counts(false, 0, 0);
    w.host_retires(11);
    w.arm(0);
    w.guest_counts(VMM, 0, false);
    let _ = w.enter(VMM, &[run(10), CPUID]);
    arch_host::machine::advance(500);
    let read = w.read();
    assert_eq!(read.values[AT], 11);
    assert_eq!(read.guest_time, 500, "up to now");
    w.host_counts(false, 40, 0);
    w.disarm(0);
    w.host_retires(2);
    assert_eq!(w.read().values[AT], 42);
    assert_eq!(w.guest_count(VMM), 10);
}

#[test]
fn the_server_hears_of_a_put_if_the_host_wants_the_counters() {
    for wants in [false, true] {
        let mut w = World::new();
        if wants {
            w.host_counts(false, 0, 0);
        }
        w.serve(PmuControlOp::BIND_NOTIFICATION, &[], &[slot::NOTIFICATION]);
        w.set_mode(YIELD);
        w.arm(0);
        w.guest_counts(VMM, 0, false);
        let _ = w.enter(VMM, &[run(1), CPUID]);
        w.m.wait(VMM, slot::NOTIFICATION);
        let expected = if wants { SERVER } else { SECOND };
        assert_eq!(w.m.running(), Some(expected));
        assert_eq!(w.account().puts[LEFT], 1);
    }
}

#[test]
fn counters_that_the_guest_reaches_by_itself_are_the_guests_and_only_while_resident() {
    let mut w = World::new();
    w.arm(0);
    w.guest_counts(VMM, 3, false);
    w.vcpu(VMM, VcpuOp::OPEN_COUNTERS, &[FIXED_0, 0]);
    let address = x86_regs::msr::MsrAddr(0x309);
    let read = GuestStep::ReadMsr(address);
    let _ = w.enter(
        VMM,
        &[
            run(4),
            read,
            GuestStep::WriteMsr(address, 100),
            run(1),
            CPUID,
        ],
    );
    let reads = arch_host::machine::take_guest_reads(0);
    assert_eq!(reads.len(), 1);
    assert!(reads[0].is_direct && reads[0].value == 7);
    assert_eq!(w.guest_count(VMM), 101);
    w.disarm(0);
    w.vcpu(VMM, VcpuOp::SET_FIXED_CONTROL, &[0]);
    let _ = w.enter(VMM, &[read]);
    assert_eq!(
        w.state(VMM).exit_reason,
        u64::from(ExitReason::RDMSR.0),
        "trapped"
    );
    assert_eq!(w.guest_count(VMM), 101);
}

#[test]
fn a_stopped_thread_finds_an_exit_for_an_interrupt_and_its_guest_where_it_was() {
    let mut w = World::new();
    w.arm(0);
    w.guest_counts(VMM, 0, false);
    w.start(VMM, &[run(10), WAKE_SERVER, run(5), CPUID]);
    assert_eq!(w.m.running(), Some(SERVER));
    w.m.stop(VMM);
    w.m.resume(VMM);
    w.m.wait(SERVER, slot::NOTIFICATION);
    w.m.yield_now(SECOND);
    assert_eq!(w.answer(VMM).0, VcpuReturn::EXIT);
    assert_eq!(
        w.state(VMM).exit_reason,
        u64::from(ExitReason::EXTERNAL_INTERRUPT.0)
    );
    let _ = w.enter(VMM, &[]);
    assert_eq!(w.guest_count(VMM), 15);
}

#[test]
fn deadlines_and_signals_end_an_entry_and_a_halted_guest_gives_the_cpu_away() {
    let mut w = World::new();
    let deadline = offset_of!(VcpuState, deadline);
    let activity = offset_of!(VcpuState, activity);
    w.set_state(VMM, deadline, 1);
    arch_host::machine::advance(2);
    assert_eq!(w.enter(VMM, &[]), VcpuReturn::DEADLINE);
    assert_eq!((w.state(VMM).deadline, w.account().exits), (0, 0));
    // A signal that is there already, and one that comes while the guest runs.
    w.m.k.signal(crate::object::Id::new(VMM).unwrap(), 6);
    assert_eq!(w.enter(VMM, &[]), VcpuReturn::SIGNALLED);
    assert_eq!(w.answer(VMM), (VcpuReturn::SIGNALLED, 6));
    // Halted: the others run until the deadline.
    w.set_state(VMM, activity, 1);
    w.set_state(VMM, deadline, 50_000);
    w.start(VMM, &[]);
    assert_eq!(w.m.running(), Some(SECOND));
    w.m.pass(60_000);
    w.m.yield_now(SECOND);
    assert_eq!(w.m.running(), Some(VMM));
    assert_eq!(w.answer(VMM).0, VcpuReturn::DEADLINE);
    w.start(VMM, &[]);
    assert_eq!(w.m.running(), Some(SECOND));
    w.m.signal_bits(VMM, 8);
    w.m.yield_now(SECOND);
    assert_eq!(w.answer(VMM), (VcpuReturn::SIGNALLED, 8));
    assert_eq!(w.account().exits, 0, "it never ran");
    // Stopped while it sleeps, it goes back to sleep when it is resumed.
    w.start(VMM, &[]);
    w.m.stop(VMM);
    w.m.resume(VMM);
    w.m.yield_now(SECOND);
    assert_eq!(w.m.running(), Some(VMM), "it makes its call again");
}

#[test]
fn a_deadline_is_an_alarm_while_the_guest_runs() {
    let mut w = World::new();
    w.set_state(VMM, offset_of!(VcpuState, deadline), 30_000);
    w.start(VMM, &[run(1), WAKE_SERVER, CPUID]);
    assert_eq!(w.m.running(), Some(SERVER));
    let armed = arch_host::machine::deadline().unwrap().0;
    assert!(armed <= 30_000, "the timer fires in time, not at {armed}");
    arch_host::machine::advance(30_000);
    w.m.wait(SERVER, slot::NOTIFICATION);
    assert_eq!(w.m.running(), Some(VMM));
    assert_eq!(w.answer(VMM).0, VcpuReturn::DEADLINE);
    assert_eq!(w.enter(VMM, &[]), VcpuReturn::EXIT, "the guest goes on");
}

#[test]
fn instructions_that_software_completed_are_counted_and_may_overflow() {
    for resident in [true, false] {
        let mut w = World::new();
        w.arm(0);
        w.guest_counts(VMM, (1 << 48) - 10, true);
        let _ = w.enter(VMM, &[run(3), CPUID]);
        if !resident {
            w.disarm(0);
        }
        w.set_state(VMM, offset_of!(VcpuState, emulated_instructions), 2);
        let _ = w.enter(VMM, &[CPUID]);
        assert_eq!(w.guest_count(VMM), (1 << 48) - 5);
        assert_eq!(w.state(VMM).emulated_instructions, 0);
        w.set_state(VMM, offset_of!(VcpuState, emulated_instructions), 5);
        w.arm(0);
        assert_eq!(w.enter(VMM, &[CPUID]), VcpuReturn::PMI);
        assert_eq!((w.guest_count(VMM), w.state(VMM).pmi_pending), (0, 1));
        assert_eq!(w.vcpu(VMM, VcpuOp::READ_STATUS, &[]), [FIXED_0]);
        w.vcpu(VMM, VcpuOp::CHANGE_STATUS, &[FIXED_0, 0]);
        assert_eq!(w.vcpu(VMM, VcpuOp::READ_STATUS, &[]), [0]);
        assert_eq!(w.account().emulated, 7);
    }
}

#[test]
fn a_guest_is_interrupted_at_the_instruction_that_overflows() {
    let mut w = World::new();
    w.arm(0);
    w.guest_counts(VMM, (1 << 48) - 10, true);
    assert_eq!(w.enter(VMM, &[run(10), run(7), CPUID]), VcpuReturn::PMI);
    assert_eq!((w.guest_count(VMM), w.state(VMM).pmi_pending), (0, 1));
    assert_eq!(w.account().guest_pmis, 1);
    // LVTPC masked itself; until the guest unmasks it, no other one comes.
    w.vcpu(VMM, VcpuOp::WRITE_COUNTER, &[RDPMC_FIXED_0, (1 << 48) - 1]);
    assert_eq!(w.enter(VMM, &[]), VcpuReturn::EXIT);
    w.vcpu(VMM, VcpuOp::CHANGE_STATUS, &[FIXED_0, 0]);
    w.vcpu(VMM, VcpuOp::SET_PMI_MASK, &[0]);
    w.vcpu(VMM, VcpuOp::WRITE_COUNTER, &[RDPMC_FIXED_0, (1 << 48) - 1]);
    assert_eq!(w.enter(VMM, &[run(1), CPUID]), VcpuReturn::PMI);
}

#[test]
fn an_interrupt_that_comes_after_the_put_reaches_the_guest_that_caused_it() {
    let mut w = World::new();
    w.arm(0);
    w.arm(1);
    w.guest_counts(VMM, 0, true);
    let _ = w.enter(VMM, &[run(1), CPUID]);
    w.m.yield_now(VMM);
    w.guest_counts(SECOND, 0, true);
    let _ = w.enter(SECOND, &[run(1), CPUID]);
    // The first residency had number 1, the second number 2.
    w.m.interrupt(Interrupt::GuestPmi { odd_epoch: true });
    assert_eq!(w.account().late_pmis, 1);
    let _ = w.enter(SECOND, &[CPUID]);
    assert_eq!(w.state(SECOND).pmi_pending, 0);
    w.m.yield_now(SECOND);
    assert_eq!(w.enter(VMM, &[CPUID]), VcpuReturn::PMI);
}

#[test]
fn the_host_samples_by_period_and_its_watermark_wakes_the_server() {
    let mut system = super::guests::system();
    let frame = system.frame(1);
    system.give(SERVER, 30, sel4_sys::ObjectKind::Frame, frame);
    let mut w = World::of(&system);
    w.serve(PmuControlOp::SET_RING, &[2], &[30]);
    w.serve(PmuControlOp::BIND_NOTIFICATION, &[], &[slot::NOTIFICATION]);
    w.host_counts(false, (1 << 48) - 1000, 1000);
    w.host_retires(1000);
    assert_eq!(
        arch_host::machine::next_interrupt(super::machine::CPU),
        None
    );
    w.host_retires(1000);
    let raised = arch_host::machine::next_interrupt(super::machine::CPU).unwrap();
    w.m.interrupt(raised);
    assert_eq!(w.m.running(), Some(SERVER));
    let words = w.serve_awake(PmuControlOp::READ, &[], &[]);
    assert_eq!(words[2 + 12 + AT], 2, "overflows");
    assert_eq!(w.account().host_pmis, 2);
}

#[test]
fn values_and_overflow_counts_that_are_read_belong_together() {
    let mut w = World::new();
    let start = (1 << 48) - 1000;
    w.host_counts(false, start, 1000);
    w.host_retires(998);
    // The overflow comes after the counter was read and before its count is.
    arch_host::machine::retire_at_next_read(super::guests::instructions(5));
    let read = w.read();
    assert_eq!(read.overflows[AT], 1);
    let counted = read.values[AT] + 1000 * read.overflows[AT] - start;
    assert_eq!(counted, 1003);
}

#[test]
fn a_virtual_cpu_is_entered_by_its_own_thread_and_by_call_only() {
    let mut system = super::guests::system();
    system.give(OTHER, vmm_slot::VCPU, sel4_sys::ObjectKind::Vcpu, 0);
    let mut w = World::of(&system);
    w.m.signal(OTHER);
    let refused = sel4_sys::Error::IllegalOperation.label();
    let enter = VcpuOp::ENTER.0;
    assert_eq!(
        w.m.invoke(OTHER, vmm_slot::VCPU, enter, &[], &[]).0,
        refused
    );
    w.m.wait(OTHER, slot::NOTIFICATION);
    w.m.send(VMM, vmm_slot::VCPU, &message(enter, &[]));
    assert_eq!(
        w.m.state(VMM),
        crate::object::State::Stopped,
        "a fault that nobody handles"
    );
}

#[test]
fn a_failed_entry_is_told() {
    let mut w = World::new();
    w.arm(0);
    w.guest_counts(VMM, 9, false);
    assert_eq!(
        w.enter(VMM, &[GuestStep::FailEntry]),
        VcpuReturn::ENTRY_FAILED
    );
    assert_eq!(w.state(VMM).exit_reason >> 31 & 1, 1);
    assert_eq!(w.guest_count(VMM), 9);
    let _ = w.enter(VMM, &[run(1), CPUID]);
    assert_eq!(w.guest_count(VMM), 10, "GLOBAL_CTRL is still the guest's");
}
