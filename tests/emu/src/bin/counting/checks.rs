//! The checks of `counting`.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

use emu_proofs::count::{self, AROUND, BRANCHES_AROUND, FIXED, GP_FULL_WIDTH, run};
use emu_proofs::cpu::{Access, allow_rdpmc, cpuid, rdpmc, read, read_at, write, write_at};
use emu_proofs::trap::{self, Frame};
use emu_proofs::{Outcome, Proof, apic, same};
use x86_regs::MsrBank as _;
use x86_regs::pmu::{DebugCtl, EventSelect, FixedCtrCtrl, FixedField, GlobalStatus, PerfEvtSel};
use x86_regs::system::{Lstar, Star};

global_asm!(include_str!("code.s"), options(att_syntax));

unsafe extern "C" {
    fn ten();
    fn rounds();
    fn all_branches();
    fn return_at_once();
    fn faulting();
    fn skip_two_bytes();
    fn halting();
    fn loads();
    fn visit_ring_3();
    fn visit_ring_3_by_sysret();
    fn user_sevens_then_syscall();
    fn back_from_ring_3();
    fn user_sevens();
    fn user_rdpmc();
    fn user_long_store();
}

/// GLOBAL_CTRL bits: general-purpose counter 0 and 1, fixed counters 0, 1 and 2.
const GP_0: u64 = 1;
const GP_1: u64 = 2;
const FIXED_0: u64 = 1 << 32;
const FIXED_ALL: u64 = 7 << 32;

fn selector(index: u32, value: PerfEvtSel) {
    write_at(PerfEvtSel::FIRST.0 + index, value.into());
}

fn event(event: EventSelect) -> PerfEvtSel {
    PerfEvtSel::new()
        .with_event(event)
        .with_kernel(true)
        .with_enable(true)
}

fn fixed(field: FixedField) {
    let mut control = FixedCtrCtrl::new();
    for index in 0..3 {
        control = control.with_field(index, field);
    }
    write(control);
}

fn kernel_only() -> FixedField {
    FixedField::new().with_kernel(true)
}

fn instructions_and_cycles() -> Outcome {
    count::reset();
    fixed(kernel_only());
    selector(0, event(EventSelect::INSTRUCTIONS));
    selector(1, event(EventSelect::CYCLES));
    run(FIXED_ALL | GP_0 | GP_1, ten);
    for (address, what) in [
        (FIXED, "fixed counter 0"),
        (FIXED + 1, "fixed counter 1, one cycle an instruction"),
        (FIXED + 2, "fixed counter 2, at ratio 1"),
        (GP_FULL_WIDTH, "counter 0"),
        (GP_FULL_WIDTH + 1, "counter 1, cycles"),
    ] {
        same!(read_at(address), AROUND + 10, "{what}");
    }
    Ok(())
}

/// Four in a cycle, and a cycle an instruction; where CPUID says that they can be counted.
fn slots() -> Outcome {
    let by_event = cpuid(0xa, 0)[1] >> 7 & 1 == 0 && cpuid(0xa, 0)[0] >> 24 > 7;
    let by_fixed = count::fixed_counters() > 3;
    count::reset();
    let mut global = GP_0;
    selector(0, event(EventSelect::TOPDOWN_SLOTS));
    if by_fixed {
        global |= 1 << 35;
        write(FixedCtrCtrl::new().with_field(3, kernel_only()));
    }
    run(global, ten);
    let wanted = 4 * (AROUND + 10);
    same!(
        read_at(GP_FULL_WIDTH),
        if by_event { wanted } else { 0 },
        "counter 0"
    );
    if by_fixed {
        same!(read_at(FIXED + 3), wanted, "fixed counter 3");
    }
    Ok(())
}

fn nothing_moves_a_stopped_counter() -> Outcome {
    count::reset();
    fixed(kernel_only());
    selector(0, event(EventSelect::INSTRUCTIONS));
    run(0, rounds);
    same!(read_at(FIXED), 0_u64, "fixed counter 0");
    same!(read_at(GP_FULL_WIDTH), 0_u64, "counter 0");
    Ok(())
}

fn branches() -> Outcome {
    trap::gate(0x81, return_at_once);
    for (code, wanted, what) in [
        (
            rounds as unsafe extern "C" fn(),
            101,
            "a loop of 100 rounds",
        ),
        // JMP twice, CALL and RET twice, JZ, JNZ, JRCXZ, LOOP, INT, IRETQ, RET.
        (all_branches, 13, "every kind of branch"),
    ] {
        count::reset();
        selector(0, event(EventSelect::BRANCHES));
        run(GP_0, code);
        same!(read_at(GP_FULL_WIDTH), BRANCHES_AROUND + wanted, "{what}");
    }
    Ok(())
}

fn mispredictions() -> Outcome {
    count::reset();
    selector(0, event(EventSelect::BRANCH_MISSES));
    selector(1, event(EventSelect::BRANCHES));
    run(GP_0 | GP_1, rounds);
    same!(
        read_at(GP_FULL_WIDTH),
        2_u64,
        "the first and the last round"
    );
    same!(
        read_at(GP_FULL_WIDTH + 1),
        BRANCHES_AROUND + 101,
        "branches beside them"
    );
    Ok(())
}

/// The CALL's stack line, the data's line, and for the RET the stack's line again.
fn cache_references() -> Outcome {
    count::reset();
    selector(0, event(EventSelect::LLC_REFERENCES));
    selector(1, event(EventSelect::LLC_MISSES));
    run(GP_0 | GP_1, loads);
    same!(read_at(GP_FULL_WIDTH), 3_u64, "references");
    same!(read_at(GP_FULL_WIDTH + 1), 2_u64, "misses");
    Ok(())
}

fn faults_do_not_retire() -> Outcome {
    trap::gate(6, skip_two_bytes);
    count::reset();
    fixed(kernel_only());
    run(FIXED_0, faulting);
    same!(read_at(FIXED), AROUND + 3, "ADD, IRETQ, RET");
    Ok(())
}

fn halt_retires_once() -> Outcome {
    trap::gate(apic::TIMER_VECTOR, return_at_once);
    count::reset();
    fixed(kernel_only());
    apic::enable_xapic();
    apic::timer(100_000);
    run(FIXED_ALL, halting);
    apic::end_of_interrupt();
    same!(read_at(FIXED), AROUND + 5, "STI, HLT, IRETQ, CLI, RET");
    same!(read_at(FIXED + 1), AROUND + 5, "cycles stand still in HLT");
    Ok(())
}

fn visit(code: unsafe extern "C" fn()) {
    trap::gate(0x80, back_from_ring_3);
    // SAFETY: 1. `visit_ring_3` keeps to the C convention and comes back by vector 0x80.
    unsafe {
        core::arch::asm!(
            "call {visit}",
            visit = sym visit_ring_3,
            in("rdi") code,
            clobber_abi("C")
        );
    }
}

/// The same by SYSRET, and back by SYSCALL.
fn visit_by_sysret(code: unsafe extern "C" fn()) {
    // The kernel's segments are 0x08 and 0x10; SYSRET adds 8 and 16 to its own number.
    write(Star::new().with_kernel(0x08).with_user(trap::USER_DATA - 8));
    write(Lstar(back_from_ring_3 as *const () as u64));
    // SAFETY: 1. `visit_ring_3_by_sysret` keeps to the C convention and comes back by SYSCALL.
    unsafe {
        core::arch::asm!(
            "call {visit}",
            visit = sym visit_ring_3_by_sysret,
            in("rdi") code,
            clobber_abi("C")
        );
    }
}

fn system_calls_change_rings_too() -> Outcome {
    count::reset();
    write(FixedCtrCtrl::new().with_instructions(FixedField::new().with_user(true)));
    selector(
        0,
        event(EventSelect::BRANCHES)
            .with_kernel(false)
            .with_user(true),
    );
    write_at(global_ctrl(), FIXED_0 | GP_0);
    visit_by_sysret(user_sevens_then_syscall);
    write_at(global_ctrl(), 0);
    same!(
        read_at(FIXED),
        8_u64,
        "ring 3: SYSRET into it and seven NOPs, but not SYSCALL"
    );
    same!(read_at(GP_FULL_WIDTH), 1_u64, "branches of ring 3: SYSRET");
    Ok(())
}

fn rings_are_told_apart() -> Outcome {
    count::reset();
    write(FixedCtrCtrl::new().with_instructions(FixedField::new().with_user(true)));
    selector(0, event(EventSelect::INSTRUCTIONS));
    selector(1, event(EventSelect::INSTRUCTIONS).with_user(true));
    selector(
        2,
        event(EventSelect::BRANCHES)
            .with_kernel(false)
            .with_user(true),
    );
    // The visit's code takes an argument, so the counters are started by hand.
    write_at(global_ctrl(), FIXED_0 | 7);
    visit(user_sevens);
    write_at(global_ctrl(), 0);
    let (kernel, both) = (read_at(GP_FULL_WIDTH), read_at(GP_FULL_WIDTH + 1));
    same!(
        read_at(FIXED),
        8_u64,
        "ring 3: IRETQ into it and seven NOPs, but not INT"
    );
    same!(both - kernel, 8_u64, "both rings less ring 0");
    same!(
        read_at(GP_FULL_WIDTH + 2),
        1_u64,
        "branches of ring 3: IRETQ into it"
    );
    Ok(())
}

fn global_ctrl() -> u32 {
    <x86_regs::pmu::PerfGlobalCtrl as x86_regs::MsrReg>::ADDR.0
}

fn every_form_of_rdpmc() -> Outcome {
    count::reset();
    for index in 0..count::gp_counters() {
        write_at(GP_FULL_WIDTH + index, 0x1000 + u64::from(index));
    }
    for index in 0..count::fixed_counters() {
        write_at(FIXED + index, 0x2000 + u64::from(index));
    }
    for index in 0..count::gp_counters() {
        let Access::Done(value) = rdpmc(index) else {
            same!(0_u64, index, "#GP at index");
            continue;
        };
        same!(value, 0x1000 + u64::from(index), "counter {index}");
    }
    for index in 0..count::fixed_counters() {
        let Access::Done(value) = rdpmc(0x4000_0000 | index) else {
            same!(0_u64, index, "#GP at fixed index");
            continue;
        };
        same!(value, 0x2000 + u64::from(index), "fixed counter {index}");
    }
    for index in [
        count::gp_counters(),
        0x4000_0000 | count::fixed_counters(),
        0x2000_0000,
        0x8000_0000,
        0x0001_0000,
        0xffff_ffff,
    ] {
        same!(
            rdpmc(index) == Access::Fault,
            true,
            "#GP at index {index:#x}"
        );
    }
    Ok(())
}

fn rdpmc_needs_pce_in_ring_3() -> Outcome {
    static FAULTS: AtomicU64 = AtomicU64::new(0);
    fn fault(frame: &mut Frame) {
        FAULTS.fetch_add(1, Ordering::Relaxed);
        frame.rip += 2;
    }
    trap::on(13, fault);
    allow_rdpmc(false);
    visit(user_rdpmc);
    same!(FAULTS.load(Ordering::Relaxed), 1_u64, "#GP without CR4.PCE");
    allow_rdpmc(true);
    visit(user_rdpmc);
    allow_rdpmc(false);
    same!(FAULTS.load(Ordering::Relaxed), 1_u64, "#GP with CR4.PCE");
    Ok(())
}

fn an_interrupted_rep_counts_once() -> Outcome {
    static INTERRUPTED_AT: AtomicU64 = AtomicU64::new(0);
    static INTERRUPTS: AtomicU64 = AtomicU64::new(0);
    fn tick(frame: &mut Frame) {
        INTERRUPTED_AT.store(frame.rbp_rbx_rdx_rcx[3], Ordering::Relaxed);
        INTERRUPTS.fetch_add(1, Ordering::Relaxed);
        apic::end_of_interrupt();
    }
    count::reset();
    trap::on(apic::TIMER_VECTOR, tick);
    write(FixedCtrCtrl::new().with_instructions(FixedField::new().with_user(true)));
    apic::enable_xapic();
    write_at(global_ctrl(), FIXED_0);
    apic::timer(20_000);
    apic::allow_interrupts(true);
    visit(user_long_store);
    apic::allow_interrupts(false);
    write_at(global_ctrl(), 0);
    let left = INTERRUPTED_AT.load(Ordering::Relaxed);
    same!(INTERRUPTS.load(Ordering::Relaxed), 1_u64, "interrupts");
    same!(
        left > 0 && left < 60_000,
        true,
        "interrupted in the middle, {left} left"
    );
    same!(
        read_at(FIXED),
        1 + 4 + 1_u64,
        "IRETQ, four instructions, IRETQ after the interrupt"
    );
    Ok(())
}

fn counters_freeze_at_the_overflow() -> Outcome {
    count::reset();
    apic::enable_xapic();
    apic::performance_entry(apic::MASKED);
    fixed(kernel_only());
    selector(0, event(EventSelect::INSTRUCTIONS).with_interrupt(true));
    write_at(GP_FULL_WIDTH, (1 << 48) - 20);
    write(DebugCtl::new().with_freeze_counters_on_pmi(true));
    run(FIXED_ALL | GP_0, rounds);
    let status = read::<GlobalStatus>();
    write(DebugCtl::new());
    same!(
        read_at(FIXED),
        20_u64,
        "the overflowing instruction is the last one counted"
    );
    same!(
        read_at(GP_FULL_WIDTH),
        0_u64,
        "the counter has wrapped to zero and stands"
    );
    same!(status.counters_frozen(), true, "CTR_FRZ");
    same!(status.gp(), 1_u64, "overflow of counter 0");
    write_at(count::STATUS_RESET, u64::from(status));
    same!(
        u64::from(read::<GlobalStatus>()),
        0_u64,
        "the status after its reset"
    );
    run(FIXED_0, ten);
    same!(
        read_at(FIXED),
        20 + AROUND + 10,
        "counting goes on after the freeze is reset"
    );
    Ok(())
}

fn legacy_writes_extend_the_sign() -> Outcome {
    count::reset();
    let legacy = x86_regs::pmu::LegacyCounter::FIRST.0;
    write_at(legacy, 0x8000_0000);
    same!(
        read_at(legacy),
        0xffff_8000_0000_u64,
        "bit 31 goes up to bit 47"
    );
    write_at(legacy, 0x1234_7fff_ffff);
    same!(
        read_at(legacy),
        0x7fff_ffff_u64,
        "the upper half of a legacy write is ignored"
    );
    write_at(GP_FULL_WIDTH, 0x1234_7fff_ffff);
    same!(
        read_at(legacy),
        0x1234_7fff_ffff_u64,
        "a full-width write keeps it"
    );
    Ok(())
}

#[unsafe(no_mangle)]
fn proof_main(proof: &mut Proof) {
    proof.check(
        "instructions_and_cycles_are_counted_exactly",
        instructions_and_cycles,
    );
    proof.check("slots_are_four_a_cycle_where_there_are_any", slots);
    proof.check(
        "nothing_moves_a_counter_that_global_ctrl_stops",
        nothing_moves_a_stopped_counter,
    );
    proof.check("every_kind_of_branch_counts_once", branches);
    proof.check(
        "a_loop_is_mispredicted_at_its_first_and_last_round",
        mispredictions,
    );
    proof.check(
        "accesses_to_one_line_are_one_cache_reference",
        cache_references,
    );
    proof.check(
        "an_instruction_that_faults_does_not_retire",
        faults_do_not_retire,
    );
    proof.check("hlt_retires_once_however_long_it_sleeps", halt_retires_once);
    proof.check(
        "rings_are_told_apart_and_the_new_ring_is_charged",
        rings_are_told_apart,
    );
    proof.check(
        "sysret_is_charged_to_ring_3_and_syscall_to_ring_0",
        system_calls_change_rings_too,
    );
    proof.check(
        "rdpmc_reads_every_counter_and_faults_on_every_other",
        every_form_of_rdpmc,
    );
    proof.check("rdpmc_in_ring_3_needs_cr4_pce", rdpmc_needs_pce_in_ring_3);
    proof.check(
        "an_interrupted_rep_counts_once",
        an_interrupted_rep_counts_once,
    );
    proof.check(
        "counters_freeze_with_the_overflowing_instruction",
        counters_freeze_at_the_overflow,
    );
    proof.check(
        "a_legacy_write_extends_bit_31",
        legacy_writes_extend_the_sign,
    );
}
