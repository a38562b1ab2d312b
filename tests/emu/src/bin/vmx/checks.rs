//! The checks of `vmx`. The guest shares the host's address space; the host's counters stand
//! still unless a check says otherwise, so whatever moves is the guest's doing.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

use emu_proofs::count::{self, FIXED, GP_FULL_WIDTH};
use emu_proofs::cpu::{read, read_at, write, write_at};
use emu_proofs::trap::{self, Frame};
use emu_proofs::vmx::{self, Guest, Wishes, failed, get, set, usual};
use emu_proofs::{Outcome, Proof, apic, same, setting};
use x86_regs::MsrBank as _;
use x86_regs::apic::LvtEntry;
use x86_regs::pmu::{DebugCtl, EventSelect, FixedCtrCtrl, FixedField, PerfEvtSel, PerfGlobalCtrl};
use x86_regs::vmx::state::GUEST_RIP;
use x86_regs::vmx::{
    ControlCapability as _, EXIT_INTERRUPTION_INFO, EntryCapability, EntryControls, ExitCapability,
    ExitControls, ExitReason, GUEST_DEBUGCTL, GUEST_PERF_GLOBAL_CTRL, HOST_PERF_GLOBAL_CTRL,
    PinControls,
};

#[path = "exits.rs"]
mod exits;
#[path = "failures.rs"]
mod failures;
#[path = "lists.rs"]
mod lists;

global_asm!(include_str!("code.s"), options(att_syntax));

type Code = unsafe extern "C" fn();

unsafe extern "C" {
    fn ten_then_call();
    fn branches_then_call();
    fn write_global_ctrl();
    fn read_counters();
    fn change_debugctl();
    fn run_on();
}

/// The guest's GLOBAL_CTRL in most checks: fixed counter 0 and counter 0.
const COUNTING: PerfGlobalCtrl = PerfGlobalCtrl::new().with_gp(1).with_fixed(1);
/// A value that no check writes otherwise, to see that an exit loaded it.
const HOSTS: PerfGlobalCtrl = PerfGlobalCtrl::new().with_gp(4);
/// VMfail: a control field is invalid.
const INVALID_CONTROL: u32 = 7;

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
    same!(read_at(FIXED), at, "instructions of the guest");
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
        exits::leave_the_guests_counts_alone,
    );
    proof.check(
        "exits_by_the_timer_count_what_is_before_rip",
        exits::timer_exits_count_what_is_before_rip,
    );
    proof.check(
        "the_entering_instruction_is_the_hosts",
        failures::the_host_counts_the_entering_instruction,
    );
    proof.check(
        "vmfail_retires_and_a_late_failure_does_not",
        failures::who_pays_for_an_entry_that_fails,
    );
    proof.check(
        "entries_fail_on_reserved_bits_of_the_guests_field",
        failures::each_bit_of_the_guests_field,
    );
    proof.check(
        "entries_fail_on_reserved_bits_of_the_hosts_field",
        failures::each_bit_of_the_hosts_field,
    );
    proof.check(
        "fields_that_no_control_names_may_be_anything",
        failures::fields_that_no_control_names_may_be_anything,
    );
    proof.check(
        "entries_fail_on_reserved_bits_of_debugctl",
        failures::a_reserved_bit_of_debugctl_fails,
    );
    proof.check(
        "entries_fail_on_reserved_bits_in_their_list",
        failures::a_listed_register_with_a_reserved_bit_fails,
    );
    proof.check(
        "an_exit_stores_global_ctrl_in_its_list",
        lists::an_exit_stores_global_ctrl,
    );
    proof.check(
        "an_entry_loads_global_ctrl_from_its_list",
        lists::an_entry_loads_global_ctrl,
    );
    proof.check(
        "debugctl_is_loaded_saved_and_cleared",
        debugctl_is_loaded_saved_and_cleared,
    );
    proof.check(
        "an_interrupt_exits_with_if_clear",
        an_interrupt_exits_although_the_guest_has_if_clear,
    );
    proof.check("an_nmi_exits", exits::an_nmi_exits);
    proof.check(
        "a_pending_interrupt_exits_at_once",
        a_pending_interrupt_exits_before_the_first_instruction,
    );
    proof.check(
        "a_late_interrupt_reaches_the_host",
        a_late_interrupt_of_the_guest_reaches_the_host,
    );
}
