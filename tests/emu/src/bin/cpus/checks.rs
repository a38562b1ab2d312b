//! The checks of `cpus`.
//!
//! All CPUs count at the same time, each its own instructions.

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU64, Ordering};

use emu_proofs::count::{self, FIXED, GP_FULL_WIDTH};
use emu_proofs::cpu::{read_at, write, write_at};
use emu_proofs::trap::CPUS;
use emu_proofs::{Outcome, Proof, fail, others, same, setting};
use x86_regs::pmu::{EventSelect, FixedCtrCtrl, FixedField, PerfEvtSel, PerfGlobalCtrl};
use x86_regs::{MsrBank as _, MsrReg as _};

global_asm!(include_str!("code.s"), options(att_syntax));

unsafe extern "C" {
    fn spin();
}

/// What a CPU has counted.
struct Counted {
    instructions: AtomicU64,
    branches: AtomicU64,
}

static COUNTED: [Counted; CPUS] = [const {
    Counted {
        instructions: AtomicU64::new(0),
        branches: AtomicU64::new(0),
    }
}; CPUS];

/// Each CPU spins another number of rounds.
fn rounds(cpu: usize) -> u64 {
    1000 * (cpu as u64 + 1)
}

/// Counts `rounds(cpu)` rounds on this CPU.
fn count_rounds(cpu: usize) {
    count::reset();
    write(FixedCtrCtrl::new().with_instructions(FixedField::new().with_kernel(true)));
    let branches = PerfEvtSel::new()
        .with_event(EventSelect::BRANCHES)
        .with_kernel(true);
    write_at(PerfEvtSel::FIRST.0, branches.with_enable(true).into());
    // SAFETY: 1. only GLOBAL_CTRL is written, and `spin` changes RDI only. Counted: WRMSR, CALL,
    // the rounds, XOR: the second WRMSR is not.
    unsafe {
        asm!(
            "wrmsr",
            "call {spin}",
            "xor eax, eax",
            "xor edx, edx",
            "wrmsr",
            spin = sym spin,
            in("ecx") PerfGlobalCtrl::ADDR.0,
            inout("eax") 1_u32 => _,
            inout("edx") 1_u32 => _,
            inout("rdi") rounds(cpu) => _,
        );
    }
    if let Some(counted) = COUNTED.get(cpu) {
        let store = |place: &AtomicU64, address| place.store(read_at(address), Ordering::SeqCst);
        store(&counted.instructions, FIXED);
        store(&counted.branches, GP_FULL_WIDTH);
    }
}

fn every_cpu_counts_its_own() -> Outcome {
    let cpus = setting("cpus").and_then(|word| word.parse().ok());
    let Some(cpus @ 2..=CPUS) = cpus else {
        return fail(format_args!("the settings must say cpus=2 to cpus={CPUS}"));
    };
    others::run(cpus, count_rounds);
    count_rounds(0);
    for (cpu, counted) in COUNTED.iter().enumerate().take(cpus) {
        let rounds = rounds(cpu);
        let instructions = counted.instructions.load(Ordering::SeqCst);
        // WRMSR, CALL, the rounds, RET, XOR, XOR.
        same!(
            instructions,
            2 + 2 * rounds + 1 + 2,
            "instructions of CPU {cpu}"
        );
        let branches = counted.branches.load(Ordering::SeqCst);
        same!(branches, 1 + rounds + 1, "branches of CPU {cpu}");
    }
    Ok(())
}

#[unsafe(no_mangle)]
fn proof_main(proof: &mut Proof) {
    proof.check(
        "cpus_count_their_own_instructions",
        every_cpu_counts_its_own,
    );
}
