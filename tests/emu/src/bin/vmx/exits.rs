//! Exits, of which none may change what the guest has counted.
//!
//! An instruction that exits does not retire, and whoever emulates it has to add it. Exits between
//! instructions leave exactly what is before RIP.

use emu_proofs::count::{FIXED, GP_FULL_WIDTH};
use emu_proofs::cpu::{read, read_at};
use emu_proofs::vmx::{Guest, get, limit_to_3_gib, set, trap_msr, usual};
use emu_proofs::{Outcome, apic, fail, same};
use x86_regs::MsrReg as _;
use x86_regs::apic::LvtEntry;
use x86_regs::pmu::PerfGlobalCtrl;
use x86_regs::vmx::state::{GUEST_RIP, PREEMPTION_TIMER};
use x86_regs::vmx::{ExitReason, PinControls, ProcessorControls};

use super::{Code, delay, overflowing, prepare, reason, run_on};

unsafe extern "C" {
    fn exits_by_vmcall();
    fn exits_by_cpuid();
    fn exits_by_hlt();
    fn exits_by_rdmsr();
    fn exits_by_wrmsr();
    fn exits_by_rdpmc();
    fn exits_by_rdtsc();
    fn exits_by_in();
    fn exits_by_pause();
    fn exits_by_invlpg();
    fn exits_by_cr3();
    fn exits_by_dr();
    fn exits_by_vmlaunch();
    fn exits_by_vmxoff();
    fn exits_by_invd();
    fn exits_by_ud2();
    fn exits_by_int3();
    fn exits_by_load();
}

/// How often each instruction stands in its guest.
const EXITS: u32 = 100;
/// Above the memory that the EPT gives to the guest; and above what the page tables map.
const BEHIND_THE_EPT: u64 = 0xc000_0000;
const BEHIND_THE_TABLES: u64 = 1 << 32;

/// What makes an instruction exit, and what its exit is.
struct Kind {
    name: &'static str,
    code: Code,
    processor: ProcessorControls,
    exceptions: u32,
    /// RDX.
    operand: u64,
    has_ept: bool,
    reason: u32,
    /// The instruction's length, where the processor does not say it.
    length: Option<u32>,
}

fn kind(name: &'static str, code: Code, processor: ProcessorControls, reason: u32) -> Kind {
    Kind {
        name,
        code,
        processor,
        exceptions: 0,
        operand: 0,
        has_ept: false,
        reason,
        length: None,
    }
}

/// An exception that exits: of a fault the processor does not say how long its instruction is.
fn exception(name: &'static str, code: Code, vector: u32, length: Option<u32>) -> Kind {
    Kind {
        exceptions: 1 << vector,
        operand: BEHIND_THE_TABLES,
        length,
        ..kind(name, code, ProcessorControls::new(), 0)
    }
}

fn kinds() -> [Kind; 19] {
    let none = ProcessorControls::new;
    [
        kind("VMCALL", exits_by_vmcall, none(), 18),
        kind("CPUID", exits_by_cpuid, none(), 10),
        kind("HLT", exits_by_hlt, none().with_hlt_exiting(true), 12),
        kind("RDMSR", exits_by_rdmsr, none(), 31),
        kind("WRMSR", exits_by_wrmsr, none(), 32),
        kind("RDPMC", exits_by_rdpmc, none().with_rdpmc_exiting(true), 15),
        kind("RDTSC", exits_by_rdtsc, none().with_rdtsc_exiting(true), 16),
        kind(
            "IN",
            exits_by_in,
            none().with_unconditional_io_exiting(true),
            30,
        ),
        kind("PAUSE", exits_by_pause, none().with_pause_exiting(true), 40),
        kind(
            "INVLPG",
            exits_by_invlpg,
            none().with_invlpg_exiting(true),
            14,
        ),
        kind(
            "MOV from CR3",
            exits_by_cr3,
            none().with_cr3_store_exiting(true),
            28,
        ),
        kind(
            "MOV from DR7",
            exits_by_dr,
            none().with_mov_dr_exiting(true),
            29,
        ),
        kind("VMLAUNCH", exits_by_vmlaunch, none(), 20),
        kind("VMXOFF", exits_by_vmxoff, none(), 26),
        kind("INVD", exits_by_invd, none(), 13),
        exception("#UD", exits_by_ud2, 6, Some(2)),
        exception("#BP", exits_by_int3, 3, None),
        exception("#PF", exits_by_load, 14, Some(2)),
        Kind {
            operand: BEHIND_THE_EPT,
            has_ept: true,
            length: Some(2),
            ..kind("EPT violation", exits_by_load, none(), 48)
        },
    ]
}

/// Enters so often, each time behind the instruction that exited.
fn exit_by(kind: &Kind) -> Outcome {
    let name = kind.name;
    let mut wishes = usual();
    wishes.processor = kind.processor.with_msr_bitmaps(true);
    wishes.exceptions = kind.exceptions;
    let mut guest: Guest = prepare(kind.code, wishes);
    if kind.has_ept {
        limit_to_3_gib();
    }
    guest.registers = [0, PerfGlobalCtrl::ADDR.0.into(), kind.operand, 0];
    for exit in 0..EXITS {
        same!(guest.enter().code(), kind.reason, "exit {exit} by {name}");
        match kind.length {
            Some(length) => guest.skip_bytes(length),
            None => guest.skip(),
        }
    }
    same!(guest.enter().code(), 18_u32, "the last exit of {name}");
    same!(
        read_at(FIXED),
        0_u64,
        "instructions, {EXITS} exits by {name}"
    );
    same!(
        read_at(GP_FULL_WIDTH),
        0_u64,
        "branches, {EXITS} exits by {name}"
    );
    Ok(())
}

pub(super) fn leave_the_guests_counts_alone() -> Outcome {
    // The MSR that the exits by RDMSR and WRMSR name: PERF_GLOBAL_CTRL.
    let trap = |exits| [false, true].map(|write| trap_msr(PerfGlobalCtrl::ADDR.0, write, exits));
    trap(true);
    let outcome = kinds().iter().try_for_each(exit_by);
    trap(false);
    outcome
}

/// What the guest of NOPs has counted is how far it has come.
fn counted_is_passed() -> Outcome {
    let passed = get(&GUEST_RIP) - run_on as Code as usize as u64;
    same!(read_at(FIXED), passed, "instructions of the guest");
    Ok(())
}

/// Slices of a guest of 400 NOPs. A processor may round the timer, so a slice is long enough for
/// some instruction in any case.
pub(super) fn timer_exits_count_what_is_before_rip() -> Outcome {
    let mut wishes = usual();
    wishes.pin = PinControls::new().with_preemption_timer(true);
    let mut guest = prepare(run_on, wishes);
    let mut last = 0;
    while last < 300 {
        set(&PREEMPTION_TIMER, 40);
        let wanted = reason(ExitReason::PREEMPTION_TIMER);
        same!(guest.enter().code(), wanted, "exit after {last}");
        counted_is_passed()?;
        let count = read_at(FIXED);
        if count <= last {
            return fail(format_args!("no progress after {last}"));
        }
        last = count;
    }
    Ok(())
}

/// A guest's PMI as NMI.
pub(super) fn an_nmi_exits() -> Outcome {
    let mut wishes = usual();
    wishes.pin = PinControls::new().with_nmi_exiting(true);
    let mut guest = overflowing(run_on, wishes, 20);
    apic::performance_entry(LvtEntry::new().with_delivery(LvtEntry::NMI));
    same!(
        guest.enter().code(),
        reason(ExitReason::EXCEPTION_OR_NMI),
        "exit"
    );
    same!(read_at(FIXED), 20 + delay(), "instructions of the guest");
    counted_is_passed()?;
    let global = read::<PerfGlobalCtrl>();
    same!(u64::from(global), 0_u64, "GLOBAL_CTRL after the exit");
    Ok(())
}
