//! The VMCS's lists of registers, where exits cannot save GLOBAL_CTRL.

use emu_proofs::count::FIXED;
use emu_proofs::cpu::{read, read_at, write};
use emu_proofs::vmx::{Wishes, get, listed, load_listed, set, store_listed, usual};
use emu_proofs::{Outcome, same};
use x86_regs::MsrReg as _;
use x86_regs::pmu::PerfGlobalCtrl;
use x86_regs::vmx::{EntryControls, ExitReason, GUEST_PERF_GLOBAL_CTRL, HOST_PERF_GLOBAL_CTRL};

use super::{COUNTING, HOSTS, prepare, reason, ten_then_call, write_global_ctrl};

/// What the guest wrote is in the list, though the exit loads the host's value.
pub(super) fn an_exit_stores_global_ctrl() -> Outcome {
    let mut guest = prepare(write_global_ctrl, usual());
    set(&HOST_PERF_GLOBAL_CTRL, HOSTS);
    store_listed(PerfGlobalCtrl::ADDR.0);
    let new = PerfGlobalCtrl::new().with_gp(2).with_fixed(1);
    // WRMSR takes the low halves of RAX and RDX only.
    guest.registers = [u64::from(new), 0, u64::from(new) >> 32, 0];
    same!(guest.enter().code(), reason(ExitReason::VMCALL), "exit");
    let after = u64::from(read::<PerfGlobalCtrl>());
    write(PerfGlobalCtrl::new());
    same!(listed(), u64::from(new), "the list");
    same!(after, u64::from(HOSTS), "GLOBAL_CTRL after the exit");
    same!(
        u64::from(get(&GUEST_PERF_GLOBAL_CTRL)),
        u64::from(COUNTING),
        "the guest's field"
    );
    same!(read_at(FIXED), 2_u64, "MOV and WRMSR");
    Ok(())
}

/// The counters that it starts count the guest's first instruction, and not the entering one.
pub(super) fn an_entry_loads_global_ctrl() -> Outcome {
    let wishes = Wishes {
        entry: EntryControls::new(),
        ..usual()
    };
    let mut guest = prepare(ten_then_call, wishes);
    load_listed(PerfGlobalCtrl::ADDR.0, COUNTING.into());
    same!(guest.enter().code(), reason(ExitReason::VMCALL), "exit");
    same!(
        u64::from(read::<PerfGlobalCtrl>()),
        0_u64,
        "GLOBAL_CTRL after the exit"
    );
    same!(read_at(FIXED), 10_u64, "instructions of the guest");
    Ok(())
}
