//! The checks of `interrupts`, on machines with several delays.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

use emu_proofs::count::{self, GP_FULL_WIDTH, run};
use emu_proofs::cpu::{read, write, write_at};
use emu_proofs::trap::{self, Frame};
use emu_proofs::{Outcome, Proof, apic, same, setting};
use x86_regs::MsrBank as _;
use x86_regs::apic::LvtEntry;
use x86_regs::pmu::{EventSelect, GlobalStatus, PerfEvtSel, PerfGlobalCtrl};

global_asm!(include_str!("code.s"), options(att_syntax));

unsafe extern "C" {
    fn many();
    fn change_entry();
    fn sleep();
}

static INTERRUPTS: AtomicU64 = AtomicU64::new(0);
static VECTOR: AtomicU64 = AtomicU64::new(0);
static AT: AtomicU64 = AtomicU64::new(0);
static STATUS: AtomicU64 = AtomicU64::new(0);
static MASKED: AtomicU64 = AtomicU64::new(0);

fn interrupt(frame: &mut Frame) {
    write(PerfGlobalCtrl::new());
    INTERRUPTS.fetch_add(1, Ordering::Relaxed);
    VECTOR.store(frame.vector, Ordering::Relaxed);
    AT.store(frame.rip, Ordering::Relaxed);
    STATUS.store(read::<GlobalStatus>().into(), Ordering::Relaxed);
    MASKED.store(
        apic::read_performance_entry().masked().into(),
        Ordering::Relaxed,
    );
    if frame.vector != 2 {
        apic::end_of_interrupt();
    }
}

/// How many instructions after its overflow an interrupt of this machine comes.
fn delay() -> u64 {
    setting("pmi_delay")
        .and_then(|word| word.parse().ok())
        .unwrap_or(0)
}

/// Counter 0 will overflow with instruction `overflow`, counted from the WRMSR that starts it.
fn arm(overflow: u64, entry: LvtEntry) {
    count::reset();
    INTERRUPTS.store(0, Ordering::Relaxed);
    for vector in [2, apic::PMI_VECTOR, apic::PMI_VECTOR + 1] {
        trap::on(vector, interrupt);
    }
    let selector = PerfEvtSel::new()
        .with_event(EventSelect::INSTRUCTIONS)
        .with_kernel(true)
        .with_interrupt(true)
        .with_enable(true);
    write_at(PerfEvtSel::FIRST.0, selector.into());
    write_at(GP_FULL_WIDTH, (1 << 48) - overflow);
    apic::performance_entry(entry);
}

fn go(code: unsafe extern "C" fn()) {
    apic::allow_interrupts(true);
    run(1, code);
    apic::allow_interrupts(false);
}

const FIXED: LvtEntry = LvtEntry::new().with_vector(apic::PMI_VECTOR);
const NMI: LvtEntry = LvtEntry::new().with_delivery(LvtEntry::NMI);

fn comes_at_the_predicted_instruction(entry: LvtEntry, vector: u8) -> Outcome {
    for overflow in [1, 2, 3, 50, 199] {
        arm(overflow, entry);
        go(many);
        // Instruction n of the count is the NOP n - 3; the interrupt is taken before the one
        // that would be number overflow + delay + 1.
        let next = overflow + delay() + 1;
        same!(
            INTERRUPTS.load(Ordering::Relaxed),
            1_u64,
            "interrupts at overflow {overflow}"
        );
        same!(VECTOR.load(Ordering::Relaxed), vector, "vector");
        same!(STATUS.load(Ordering::Relaxed), 1_u64, "GLOBAL_STATUS");
        same!(
            MASKED.load(Ordering::Relaxed),
            1_u64,
            "the entry masks itself"
        );
        if next >= 3 {
            let first = many as *const () as u64;
            same!(
                AT.load(Ordering::Relaxed),
                first + next - 3,
                "RIP, overflow {overflow}"
            );
        }
    }
    Ok(())
}

fn a_masked_entry_loses_it() -> Outcome {
    arm(10, FIXED.with_masked(true));
    go(many);
    write(PerfGlobalCtrl::new());
    same!(u64::from(read::<GlobalStatus>()), 1_u64, "GLOBAL_STATUS");
    apic::performance_entry(FIXED);
    go(many);
    same!(
        INTERRUPTS.load(Ordering::Relaxed),
        0_u64,
        "interrupts after unmasking"
    );
    Ok(())
}

fn it_goes_where_the_entry_says_when_it_comes() -> Outcome {
    apic::enable_x2apic();
    arm(3, FIXED);
    go(change_entry);
    // Instruction 6 writes the entry; the interrupt comes after instruction 3 + delay.
    let wanted = if delay() < 3 {
        apic::PMI_VECTOR
    } else {
        apic::PMI_VECTOR + 1
    };
    same!(INTERRUPTS.load(Ordering::Relaxed), 1_u64, "interrupts");
    same!(VECTOR.load(Ordering::Relaxed), wanted, "vector");
    Ok(())
}

/// The overflow is at STI or at HLT itself; no instruction would ever count the delay down.
fn hlt_does_not_wait_for_it() -> Outcome {
    for overflow in [3, 4] {
        arm(overflow, FIXED);
        run(1, sleep);
        same!(
            INTERRUPTS.load(Ordering::Relaxed),
            1_u64,
            "interrupts, overflow {overflow}"
        );
    }
    Ok(())
}

#[unsafe(no_mangle)]
fn proof_main(proof: &mut Proof) {
    apic::enable_xapic();
    proof.check(
        "it_comes_at_the_predicted_instruction_in_xapic_mode",
        || comes_at_the_predicted_instruction(FIXED, apic::PMI_VECTOR),
    );
    proof.check("it_comes_as_an_nmi_in_xapic_mode", || {
        comes_at_the_predicted_instruction(NMI, 2)
    });
    proof.check("a_masked_entry_loses_it", a_masked_entry_loses_it);
    apic::enable_x2apic();
    proof.check(
        "it_comes_at_the_predicted_instruction_in_x2apic_mode",
        || comes_at_the_predicted_instruction(FIXED, apic::PMI_VECTOR),
    );
    proof.check("it_comes_as_an_nmi_in_x2apic_mode", || {
        comes_at_the_predicted_instruction(NMI, 2)
    });
    proof.check(
        "it_goes_where_the_entry_says_when_it_comes",
        it_goes_where_the_entry_says_when_it_comes,
    );
    proof.check("hlt_does_not_wait_for_a_late_one", hlt_does_not_wait_for_it);
}
