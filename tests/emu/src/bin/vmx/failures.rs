//! Entries that fail, and who is charged for the entering instruction.

use emu_proofs::count::{self, FIXED};
use emu_proofs::cpu::{read, read_at, write};
use emu_proofs::vmx::{Guest, Wishes, failed, load_listed, set, usual};
use emu_proofs::{Outcome, same};
use x86_regs::MsrReg as _;
use x86_regs::pmu::{DebugCtl, FixedCtrCtrl, FixedField, PerfGlobalCtrl};
use x86_regs::vmx::state::GUEST_RIP;
use x86_regs::vmx::{
    EntryControls, ExitControls, ExitReason, GUEST_DEBUGCTL, GUEST_PERF_GLOBAL_CTRL,
    HOST_PERF_GLOBAL_CTRL,
};

use super::{COUNTING, Code, HOSTS, prepare, reason, ten_then_call};

/// VMfail: a host-state field is invalid.
const INVALID_HOST_STATE: u32 = 8;
/// The top bit of an exit reason: the entry failed.
const ENTRY_FAILED: u32 = 1 << 31;
/// A bit of GLOBAL_CTRL that no processor here has.
const RESERVED: u64 = 1 << 31;

fn failed_late(why: ExitReason) -> u32 {
    reason(why) | ENTRY_FAILED
}

/// Bits of GLOBAL_CTRL that name a counter of this processor.
fn counters() -> u64 {
    let ones = |count: u32| (1_u64 << count) - 1;
    ones(count::gp_counters()) | ones(count::fixed_counters()) << 32
}

/// The same guest without the controls that load GLOBAL_CTRL.
fn without_loads() -> Wishes {
    Wishes {
        exit: ExitControls::new(),
        entry: EntryControls::new(),
        ..usual()
    }
}

pub(super) fn each_bit_of_the_guests_field() -> Outcome {
    for bit in 0..64 {
        let mut guest = prepare(ten_then_call, usual());
        set(&GUEST_PERF_GLOBAL_CTRL, PerfGlobalCtrl::from(1 << bit));
        set(&HOST_PERF_GLOBAL_CTRL, HOSTS);
        let exists = counters() >> bit & 1 == 1;
        let invalid = failed_late(ExitReason::INVALID_GUEST_STATE);
        let wanted = if exists {
            reason(ExitReason::VMCALL)
        } else {
            invalid
        };
        same!(guest.enter().code(), wanted, "bit {bit}");
        let after = u64::from(read::<PerfGlobalCtrl>());
        write(PerfGlobalCtrl::new());
        same!(after, u64::from(HOSTS), "GLOBAL_CTRL afterwards, bit {bit}");
        let instructions = if bit == 32 { 10 } else { 0 };
        same!(
            read_at(FIXED),
            u64::from(instructions as u32),
            "instructions, bit {bit}"
        );
    }
    Ok(())
}

pub(super) fn each_bit_of_the_hosts_field() -> Outcome {
    for bit in 0..64 {
        let mut guest = prepare(ten_then_call, usual());
        let field = PerfGlobalCtrl::from(1 << bit);
        set(&GUEST_PERF_GLOBAL_CTRL, PerfGlobalCtrl::new());
        set(&HOST_PERF_GLOBAL_CTRL, field);
        let exists = counters() >> bit & 1 == 1;
        let vmcall = reason(ExitReason::VMCALL);
        let wanted = if exists {
            vmcall
        } else {
            failed(INVALID_HOST_STATE)
        };
        same!(guest.enter().code(), wanted, "bit {bit}");
        let after = u64::from(read::<PerfGlobalCtrl>());
        write(PerfGlobalCtrl::new());
        let wanted = if exists { u64::from(field) } else { 0 };
        same!(after, wanted, "GLOBAL_CTRL afterwards, bit {bit}");
    }
    Ok(())
}

pub(super) fn fields_that_no_control_names_may_be_anything() -> Outcome {
    let mut guest = prepare(ten_then_call, without_loads());
    set(&GUEST_PERF_GLOBAL_CTRL, PerfGlobalCtrl::from(RESERVED));
    set(&HOST_PERF_GLOBAL_CTRL, PerfGlobalCtrl::from(RESERVED));
    set(&GUEST_DEBUGCTL, DebugCtl::from(1 << 2));
    same!(guest.enter().code(), reason(ExitReason::VMCALL), "exit");
    Ok(())
}

pub(super) fn a_reserved_bit_of_debugctl_fails() -> Outcome {
    let mut wishes = usual();
    wishes.entry.set_load_debug_controls(true);
    let mut guest = prepare(ten_then_call, wishes);
    set(&GUEST_DEBUGCTL, DebugCtl::from(1 << 2));
    let wanted = failed_late(ExitReason::INVALID_GUEST_STATE);
    same!(guest.enter().code(), wanted, "exit");
    same!(read_at(FIXED), 0_u64, "instructions");
    Ok(())
}

pub(super) fn a_listed_register_with_a_reserved_bit_fails() -> Outcome {
    let mut guest = prepare(ten_then_call, usual());
    load_listed(PerfGlobalCtrl::ADDR.0, RESERVED);
    set(&HOST_PERF_GLOBAL_CTRL, HOSTS);
    let wanted = failed_late(ExitReason::MSR_LOADING);
    same!(guest.enter().code(), wanted, "exit");
    let after = u64::from(read::<PerfGlobalCtrl>());
    write(PerfGlobalCtrl::new());
    same!(after, u64::from(HOSTS), "GLOBAL_CTRL afterwards");
    same!(read_at(FIXED), 0_u64, "instructions");
    Ok(())
}

/// A guest that has been launched, at its start again, with nothing counted.
fn launched() -> Guest {
    let mut guest = prepare(ten_then_call, without_loads());
    guest.enter();
    set(&GUEST_RIP, ten_then_call as Code as usize as u64);
    count::reset();
    write(FixedCtrCtrl::new().with_instructions(FixedField::new().with_kernel(true)));
    guest
}

/// Without the load controls the same counters run on both sides.
pub(super) fn the_host_counts_the_entering_instruction() -> Outcome {
    let mut guest = launched();
    same!(
        guest.enter_counted(COUNTING.into()).code(),
        reason(ExitReason::VMCALL),
        "exit"
    );
    // WRMSR, VMRESUME; ten in the guest, VMCALL does not retire; MOV, MOV, XOR, XOR.
    same!(read_at(FIXED), 2 + 10 + 4_u64, "instructions of both");
    Ok(())
}

/// VMfail is an outcome of the instruction, which retires; a late failure is an exit, and it does
/// not, unless registers were being loaded from a list already.
pub(super) fn who_pays_for_an_entry_that_fails() -> Outcome {
    let mut guest = launched();
    set(&x86_regs::vmx::state::HOST_CR3, u64::MAX);
    let code = guest.enter_counted(COUNTING.into()).code();
    same!(code, failed(INVALID_HOST_STATE), "VMfail");
    // WRMSR, VMRESUME; MOV, JMP, MOV, XOR, XOR.
    same!(read_at(FIXED), 2 + 5_u64, "instructions, VMfail");

    let mut guest = launched();
    set(&x86_regs::vmx::state::GUEST_RFLAGS, 0);
    let code = guest.enter_counted(COUNTING.into()).code();
    same!(
        code,
        failed_late(ExitReason::INVALID_GUEST_STATE),
        "guest state"
    );
    same!(read_at(FIXED), 1 + 4_u64, "instructions, guest state");

    let mut guest = launched();
    load_listed(PerfGlobalCtrl::ADDR.0, RESERVED);
    let code = guest.enter_counted(COUNTING.into()).code();
    same!(code, failed_late(ExitReason::MSR_LOADING), "list");
    same!(read_at(FIXED), 2 + 4_u64, "instructions, list");
    Ok(())
}
