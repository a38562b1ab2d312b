//! The checks of `vmx`. The guest shares the host's address space; the host's counters stand
//! still unless a check says otherwise, so whatever moves is the guest's doing.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

use emu_proofs::count::{self, FIXED, GP_FULL_WIDTH};
use emu_proofs::cpu::{read, read_at, write, write_at};
use emu_proofs::trap::{self, Frame};
use emu_proofs::vmx::{self, Guest, Wishes, failed, get, set, trap_msr, usual};
use emu_proofs::{Outcome, Proof, apic, same, setting};
use x86_regs::apic::LvtEntry;
use x86_regs::pmu::{DebugCtl, EventSelect, FixedCtrCtrl, FixedField, PerfEvtSel, PerfGlobalCtrl};
use x86_regs::vmx::state::GUEST_RIP;
use x86_regs::vmx::{
    ControlCapability as _, EXIT_INTERRUPTION_INFO, EntryCapability, EntryControls, ExitCapability,
    ExitControls, ExitReason, GUEST_DEBUGCTL, GUEST_PERF_GLOBAL_CTRL, HOST_PERF_GLOBAL_CTRL,
    PinControls, ProcessorControls,
};
use x86_regs::{MsrBank as _, MsrReg as _};

global_asm!(include_str!("code.s"), options(att_syntax));

type Code = unsafe extern "C" fn();

unsafe extern "C" {
    fn ten_then_call();
    fn branches_then_call();
    fn write_global_ctrl();
    fn read_counters();
    fn change_debugctl();
    fn run_on();
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
}

/// The guest's GLOBAL_CTRL in most checks: fixed counter 0 and counter 0.
const COUNTING: PerfGlobalCtrl = PerfGlobalCtrl::new().with_gp(1).with_fixed(1);
/// A value that no check writes otherwise, to see that an exit loaded it.
const HOSTS: PerfGlobalCtrl = PerfGlobalCtrl::new().with_gp(4);
/// VMfail: a control field is invalid; a host-state field is.
const INVALID_CONTROL: u32 = 7;
const INVALID_HOST_STATE: u32 = 8;
/// The top bit of an exit reason: the entry failed.
const ENTRY_FAILED: u32 = 1 << 31;

fn has_save_on_exit() -> bool {
    setting("save_on_exit") == Some("yes")
}

fn delay() -> u64 {
    setting("pmi_delay")
        .and_then(|word| word.parse().ok())
        .unwrap_or(0)
}

/// Fixed counter 0 counts instructions in ring 0, counter 0 branches.
fn prepare(code: Code, wishes: Wishes) -> Guest {
    count::reset();
    write(FixedCtrCtrl::new().with_instructions(FixedField::new().with_kernel(true)));
    let branches = PerfEvtSel::new()
        .with_event(EventSelect::BRANCHES)
        .with_kernel(true);
    write_at(PerfEvtSel::FIRST.0, branches.with_enable(true).into());
    let guest = Guest::new(code, wishes);
    set(&GUEST_PERF_GLOBAL_CTRL, COUNTING);
    set(&HOST_PERF_GLOBAL_CTRL, PerfGlobalCtrl::new());
    guest
}

fn reason(reason: ExitReason) -> u32 {
    reason.0.into()
}

fn the_capabilities_say_what_there_is() -> Outcome {
    let exit: ExitControls = read::<ExitCapability>().may_be_one();
    let entry: EntryControls = read::<EntryCapability>().may_be_one();
    same!(
        entry.load_perf_global_ctrl(),
        true,
        "entry: load GLOBAL_CTRL"
    );
    same!(exit.load_perf_global_ctrl(), true, "exit: load GLOBAL_CTRL");
    same!(
        exit.save_perf_global_ctrl(),
        has_save_on_exit(),
        "exit: save GLOBAL_CTRL"
    );
    let mut wishes = usual();
    wishes.exit.set_save_perf_global_ctrl(true);
    let wanted = if has_save_on_exit() {
        reason(ExitReason::VMCALL)
    } else {
        failed(INVALID_CONTROL)
    };
    same!(
        prepare(ten_then_call, wishes).enter().code(),
        wanted,
        "an entry with the control set"
    );
    Ok(())
}

fn only_the_guest_counts() -> Outcome {
    for (code, instructions, branches) in [
        (ten_then_call as Code, 10_u64, 0_u64),
        (branches_then_call, 41, 20),
    ] {
        let mut guest = prepare(code, usual());
        set(&HOST_PERF_GLOBAL_CTRL, HOSTS);
        same!(guest.enter().code(), reason(ExitReason::VMCALL), "exit");
        let after = read::<PerfGlobalCtrl>();
        write(PerfGlobalCtrl::new());
        same!(
            u64::from(after),
            u64::from(HOSTS),
            "GLOBAL_CTRL after the exit"
        );
        same!(read_at(FIXED), instructions, "instructions");
        same!(read_at(GP_FULL_WIDTH), branches, "branches");
    }
    Ok(())
}

fn an_exit_saves_global_ctrl_where_it_can() -> Outcome {
    let mut wishes = usual();
    wishes.exit.set_save_perf_global_ctrl(has_save_on_exit());
    let mut guest = prepare(write_global_ctrl, wishes);
    let new = PerfGlobalCtrl::new().with_gp(2).with_fixed(1);
    // WRMSR takes the low halves of RAX and RDX only.
    guest.registers = [u64::from(new), 0, u64::from(new) >> 32, 0];
    same!(guest.enter().code(), reason(ExitReason::VMCALL), "exit");
    let wanted = if has_save_on_exit() { new } else { COUNTING };
    same!(
        u64::from(get(&GUEST_PERF_GLOBAL_CTRL)),
        u64::from(wanted),
        "the guest's field"
    );
    same!(read_at(FIXED), 2_u64, "MOV and WRMSR");
    Ok(())
}

fn a_guest_reads_its_counters_without_exits() -> Outcome {
    let mut guest = prepare(read_counters, usual());
    same!(guest.enter().code(), reason(ExitReason::VMCALL), "exit");
    same!(guest.registers[3], 1_u64, "RDMSR as the second instruction");
    same!(guest.registers[0], 4_u64, "RDPMC as the fifth");
    Ok(())
}

fn exits_leave_the_guests_counts_alone() -> Outcome {
    let none = ProcessorControls::new;
    let kinds: [(Code, ProcessorControls, u32, &str); 15] = [
        (exits_by_vmcall, none(), 18, "VMCALL"),
        (exits_by_cpuid, none(), 10, "CPUID"),
        (exits_by_hlt, none().with_hlt_exiting(true), 12, "HLT"),
        (exits_by_rdmsr, none(), 31, "RDMSR"),
        (exits_by_wrmsr, none(), 32, "WRMSR"),
        (exits_by_rdpmc, none().with_rdpmc_exiting(true), 15, "RDPMC"),
        (exits_by_rdtsc, none().with_rdtsc_exiting(true), 16, "RDTSC"),
        (
            exits_by_in,
            none().with_unconditional_io_exiting(true),
            30,
            "IN",
        ),
        (exits_by_pause, none().with_pause_exiting(true), 40, "PAUSE"),
        (
            exits_by_invlpg,
            none().with_invlpg_exiting(true),
            14,
            "INVLPG",
        ),
        (
            exits_by_cr3,
            none().with_cr3_store_exiting(true),
            28,
            "MOV from CR3",
        ),
        (
            exits_by_dr,
            none().with_mov_dr_exiting(true),
            29,
            "MOV from DR7",
        ),
        (exits_by_vmlaunch, none(), 20, "VMLAUNCH"),
        (exits_by_vmxoff, none(), 26, "VMXOFF"),
        (exits_by_invd, none(), 13, "INVD"),
    ];
    // The MSR that the exits by RDMSR and WRMSR name: PERF_GLOBAL_CTRL.
    for write in [false, true] {
        trap_msr(PerfGlobalCtrl::ADDR.0, write, true);
    }
    for (code, processor, wanted, name) in kinds {
        let mut wishes = usual();
        wishes.processor = processor.with_msr_bitmaps(true);
        let mut guest = prepare(code, wishes);
        guest.registers[1] = PerfGlobalCtrl::ADDR.0.into();
        for exit in 0..100 {
            same!(guest.enter().code(), wanted, "exit {exit} by {name}");
            guest.skip();
        }
        same!(guest.enter().code(), 18_u32, "the last exit of {name}");
        same!(
            read_at(FIXED),
            0_u64,
            "instructions counted over 100 exits by {name}"
        );
        same!(
            read_at(GP_FULL_WIDTH),
            0_u64,
            "branches counted over 100 exits by {name}"
        );
    }
    for write in [false, true] {
        trap_msr(PerfGlobalCtrl::ADDR.0, write, false);
    }
    Ok(())
}

/// Without the load controls the same counters run on both sides.
fn the_host_counts_the_entering_instruction() -> Outcome {
    let wishes = Wishes {
        exit: ExitControls::new(),
        entry: EntryControls::new(),
        ..usual()
    };
    let mut guest = prepare(ten_then_call, wishes);
    same!(guest.enter().code(), reason(ExitReason::VMCALL), "exit");
    set(&GUEST_RIP, ten_then_call as Code as usize as u64);
    count::reset();
    write(FixedCtrCtrl::new().with_instructions(FixedField::new().with_kernel(true)));
    same!(
        guest.enter_counted(1 << 32).code(),
        reason(ExitReason::VMCALL),
        "exit"
    );
    // WRMSR, VMRESUME; ten in the guest, VMCALL does not retire; MOV, XOR, XOR.
    same!(read_at(FIXED), 2 + 10 + 3_u64, "instructions of both");
    Ok(())
}

fn entries_fail_on_reserved_bits() -> Outcome {
    let reserved = PerfGlobalCtrl::from(1 << 31);
    let mut guest = prepare(ten_then_call, usual());
    set(&GUEST_PERF_GLOBAL_CTRL, reserved);
    set(&HOST_PERF_GLOBAL_CTRL, HOSTS);
    let wanted = reason(ExitReason::INVALID_GUEST_STATE) | ENTRY_FAILED;
    same!(
        guest.enter().code(),
        wanted,
        "a reserved bit in the guest's field"
    );
    same!(
        u64::from(read::<PerfGlobalCtrl>()),
        u64::from(HOSTS),
        "GLOBAL_CTRL after the failure"
    );
    write(PerfGlobalCtrl::new());
    same!(read_at(FIXED), 0_u64, "instructions counted");

    let mut guest = prepare(ten_then_call, usual());
    set(&HOST_PERF_GLOBAL_CTRL, reserved);
    same!(
        guest.enter().code(),
        failed(INVALID_HOST_STATE),
        "a reserved bit in the host's field"
    );
    same!(
        u64::from(read::<PerfGlobalCtrl>()),
        0_u64,
        "GLOBAL_CTRL after VMfail"
    );

    // Without the controls the fields are not looked at.
    let wishes = Wishes {
        exit: ExitControls::new(),
        entry: EntryControls::new(),
        ..usual()
    };
    let mut guest = prepare(ten_then_call, wishes);
    set(&GUEST_PERF_GLOBAL_CTRL, reserved);
    set(&HOST_PERF_GLOBAL_CTRL, reserved);
    same!(
        guest.enter().code(),
        reason(ExitReason::VMCALL),
        "fields that no control names"
    );

    let mut wishes = usual();
    wishes.entry.set_load_debug_controls(true);
    let mut guest = prepare(ten_then_call, wishes);
    set(&GUEST_DEBUGCTL, DebugCtl::from(1 << 2));
    same!(
        guest.enter().code(),
        wanted,
        "a reserved bit in the guest's DEBUGCTL"
    );
    Ok(())
}

fn debugctl_is_loaded_saved_and_cleared() -> Outcome {
    let (guests, new) = (
        DebugCtl::new().with_freeze_counters_on_pmi(true),
        DebugCtl::new().with_freeze_branch_records_on_pmi(true),
    );
    for controlled in [true, false] {
        let mut wishes = usual();
        wishes.entry.set_load_debug_controls(controlled);
        wishes.exit.set_save_debug_controls(controlled);
        let mut guest = prepare(change_debugctl, wishes);
        set(&GUEST_DEBUGCTL, guests);
        guest.registers[0] = new.into();
        write(DebugCtl::new());
        same!(guest.enter().code(), reason(ExitReason::VMCALL), "exit");
        let (loaded, saved) = if controlled {
            (guests, new)
        } else {
            (DebugCtl::new(), guests)
        };
        same!(
            guest.registers[3],
            u64::from(loaded),
            "what the guest finds, control {controlled}"
        );
        same!(
            u64::from(get(&GUEST_DEBUGCTL)),
            u64::from(saved),
            "the field, control {controlled}"
        );
        same!(
            u64::from(read::<DebugCtl>()),
            0_u64,
            "the host's, control {controlled}"
        );
    }
    Ok(())
}

static INTERRUPTS: AtomicU64 = AtomicU64::new(0);

fn interrupt(frame: &mut Frame) {
    INTERRUPTS.fetch_add(1, Ordering::Relaxed);
    if frame.vector != 2 {
        apic::end_of_interrupt();
    }
}

/// Counter 0 counts instructions and raises an interrupt at number `overflow`.
fn overflowing(code: Code, wishes: Wishes, overflow: u64) -> Guest {
    let guest = prepare(code, wishes);
    trap::on(apic::PMI_VECTOR, interrupt);
    apic::performance_entry(LvtEntry::new().with_vector(apic::PMI_VECTOR));
    let selector = PerfEvtSel::new()
        .with_event(EventSelect::INSTRUCTIONS)
        .with_kernel(true)
        .with_interrupt(true)
        .with_enable(true);
    write_at(PerfEvtSel::FIRST.0, selector.into());
    write_at(GP_FULL_WIDTH, (1 << 48) - overflow);
    INTERRUPTS.store(0, Ordering::Relaxed);
    guest
}

/// The guest has IF = 0; with external-interrupt exiting that does not matter.
fn an_interrupt_exits_although_the_guest_has_if_clear() -> Outcome {
    let mut wishes = usual();
    wishes.pin = PinControls::new().with_external_interrupt_exiting(true);
    wishes.exit.set_acknowledge_interrupt(true);
    let mut guest = overflowing(run_on, wishes, 20);
    same!(
        guest.enter().code(),
        reason(ExitReason::EXTERNAL_INTERRUPT),
        "exit"
    );
    let at = get(&GUEST_RIP) - run_on as Code as usize as u64;
    same!(at, 20 + delay(), "NOPs that retired before the exit");
    same!(
        get(&EXIT_INTERRUPTION_INFO).vector(),
        apic::PMI_VECTOR,
        "vector"
    );
    same!(
        apic::read_performance_entry().masked(),
        true,
        "the entry masks itself"
    );
    apic::end_of_interrupt();
    Ok(())
}

/// An interrupt that is pending when a guest with IF = 0 is entered takes the guest away at once.
fn a_pending_interrupt_exits_before_the_first_instruction() -> Outcome {
    let mut wishes = usual();
    wishes.pin = PinControls::new().with_external_interrupt_exiting(true);
    let mut guest = overflowing(run_on, wishes, 1);
    // The overflow happens in the host, which has IF = 0 too.
    write(PerfGlobalCtrl::new().with_gp(1));
    for _ in 0..300 {
        core::hint::spin_loop();
    }
    write(PerfGlobalCtrl::new());
    same!(
        guest.enter().code(),
        reason(ExitReason::EXTERNAL_INTERRUPT),
        "exit"
    );
    same!(get(&GUEST_RIP), run_on as Code as usize as u64, "RIP");
    same!(read_at(FIXED), 0_u64, "instructions of the guest");
    apic::take_interrupts();
    same!(
        INTERRUPTS.load(Ordering::Relaxed),
        1_u64,
        "interrupts in the host"
    );
    Ok(())
}

/// It overflows at the guest's tenth instruction and VMCALL follows, so a late interrupt finds
/// the host, where it waits for IF.
fn a_late_interrupt_of_the_guest_reaches_the_host() -> Outcome {
    let mut wishes = usual();
    wishes.pin = PinControls::new().with_external_interrupt_exiting(true);
    let mut guest = overflowing(ten_then_call, wishes, 10);
    let wanted = if delay() == 0 {
        ExitReason::EXTERNAL_INTERRUPT
    } else {
        ExitReason::VMCALL
    };
    same!(guest.enter().code(), reason(wanted), "exit");
    same!(read_at(FIXED), 10_u64, "instructions of the guest");
    for _ in 0..300 {
        core::hint::spin_loop();
    }
    apic::take_interrupts();
    same!(
        INTERRUPTS.load(Ordering::Relaxed),
        1_u64,
        "interrupts in the host"
    );
    Ok(())
}

#[unsafe(no_mangle)]
fn proof_main(proof: &mut Proof) {
    apic::enable_xapic();
    vmx::set_up();
    proof.check(
        "the_capabilities_say_what_the_board_has",
        the_capabilities_say_what_there_is,
    );
    proof.check("entry_and_exit_switch_global_ctrl", only_the_guest_counts);
    proof.check(
        "an_exit_saves_global_ctrl_where_it_can",
        an_exit_saves_global_ctrl_where_it_can,
    );
    proof.check(
        "a_guest_reads_its_counters",
        a_guest_reads_its_counters_without_exits,
    );
    proof.check(
        "100_exits_of_each_kind_count_nothing",
        exits_leave_the_guests_counts_alone,
    );
    proof.check(
        "the_entering_instruction_is_the_hosts",
        the_host_counts_the_entering_instruction,
    );
    proof.check(
        "entries_fail_on_reserved_bits",
        entries_fail_on_reserved_bits,
    );
    proof.check(
        "debugctl_is_loaded_saved_and_cleared",
        debugctl_is_loaded_saved_and_cleared,
    );
    proof.check(
        "an_interrupt_exits_with_if_clear",
        an_interrupt_exits_although_the_guest_has_if_clear,
    );
    proof.check(
        "a_pending_interrupt_exits_at_once",
        a_pending_interrupt_exits_before_the_first_instruction,
    );
    proof.check(
        "a_late_interrupt_reaches_the_host",
        a_late_interrupt_of_the_guest_reaches_the_host,
    );
}
