//! The checks of `faults`.
//!
//! One row for each register, with its bits as the manual gives them.

use emu_proofs::cpu::{Access, cpuid, rdmsr, write_at, wrmsr};
use emu_proofs::{Outcome, Proof, count, same};
use x86_regs::pmu::{
    DebugCtl, DebugStoreArea, FixedCounter, FixedCtrCtrl, FullWidthCounter, GlobalInUse,
    GlobalStatus, GlobalStatusReset, GlobalStatusSet, LegacyCounter, PebsDataConfig, PebsEnable,
    PebsFrontend, PebsLoadLatency, PerfCapabilities, PerfEvtSel, PerfGlobalCtrl, PerfMetrics,
};
use x86_regs::{MsrBank, MsrReg};

/// What a write of one bit does.
#[derive(Clone, Copy)]
enum Write {
    /// The bits are kept; all others raise #GP.
    Keeps(u64),
    /// These bits are accepted, and the register reads as zero all the same.
    Swallows(u64),
    /// Every write raises #GP.
    Never,
}

/// The manual's bits of this processor, by its version.
struct Processor {
    version: u32,
    gp: u32,
    fixed: u32,
}

impl Processor {
    fn found() -> Self {
        let [eax, _, _, edx] = cpuid(0xa, 0);
        Self {
            version: eax & 0xff,
            gp: eax >> 8 & 0xff,
            fixed: edx & 0x1f,
        }
    }

    fn gp_bits(&self) -> u64 {
        (1 << self.gp) - 1
    }

    fn fixed_bits(&self) -> u64 {
        (1 << self.fixed) - 1
    }

    fn counters(&self) -> u64 {
        self.gp_bits() | self.fixed_bits() << 32
    }

    /// AnyThread exists where version 5 has not deprecated it.
    fn has_any_thread(&self) -> bool {
        self.version < 5
    }

    fn selector(&self) -> u64 {
        if self.has_any_thread() {
            0xffff_ffff
        } else {
            0xffdf_ffff
        }
    }

    fn fixed_control(&self) -> u64 {
        let field = if self.has_any_thread() { 0xf } else { 0xb };
        (0..self.fixed).fold(0, |bits, index| bits | field << (4 * index))
    }
}

const FULL_WIDTH: u64 = (1 << 48) - 1;
/// LBR_FRZ, CTR_FRZ, Uncore, OvfBuf; and CondChgd, which can be cleared only.
const STATUS: u64 = 1 << 58 | 1 << 59 | 1 << 61 | 1 << 62;
const CONDITION_CHANGED: u64 = 1 << 63;
/// BTF, FREEZE_LBRS_ON_PMI, FREEZE_PERFMON_ON_PMI, FREEZE_WHILE_SMM.
const DEBUG: u64 = 1 << 1 | 1 << 11 | 1 << 12 | 1 << 14;

fn check_every_bit(address: u32, name: &str, write: Write) -> Outcome {
    let Access::Done(before) = rdmsr(address) else {
        return emu_proofs::fail(format_args!("{name} ({address:#x}) cannot be read"));
    };
    for bit in 0..64 {
        let value = 1_u64 << bit;
        let outcome = wrmsr(address, value);
        let (is_accepted, wanted) = match write {
            Write::Keeps(bits) if bits & value != 0 => (true, value),
            Write::Swallows(bits) if bits & value != 0 => (true, before),
            _ => (false, before),
        };
        same!(
            outcome == Access::Done(()),
            is_accepted,
            "{name} ({address:#x}) accepts bit {bit}"
        );
        let Access::Done(after) = rdmsr(address) else {
            return emu_proofs::fail(format_args!("{name} cannot be read any more"));
        };
        same!(
            after,
            wanted,
            "{name} ({address:#x}) after a write of bit {bit}"
        );
        if is_accepted && matches!(write, Write::Keeps(_)) {
            write_at(address, before);
        }
    }
    Ok(())
}

fn one<R: MsrReg>(write: Write) -> Outcome {
    check_every_bit(R::ADDR.0, R::NAME, write)
}

fn bank<R: MsrBank>(exist: u32, write: Write) -> Outcome {
    for index in 0..R::COUNT {
        let address = R::FIRST.0 + index;
        if index < exist {
            check_every_bit(address, R::NAME, write)?;
        } else {
            same!(
                rdmsr(address) == Access::Fault,
                true,
                "{}{index}: RDMSR faults",
                R::NAME
            );
            same!(
                wrmsr(address, 0) == Access::Fault,
                true,
                "{}{index}: WRMSR faults",
                R::NAME
            );
        }
    }
    Ok(())
}

/// A legacy counter takes every value: it keeps 32 bits and extends the sign.
fn legacy(exist: u32) -> Outcome {
    for index in 0..LegacyCounter::COUNT {
        let address = LegacyCounter::FIRST.0 + index;
        if index >= exist {
            same!(
                rdmsr(address) == Access::Fault,
                true,
                "IA32_PMC{index}: RDMSR faults"
            );
            continue;
        }
        for bit in 0..64 {
            write_at(address, 1 << bit);
            let wanted: u64 = match bit {
                0..=30 => 1 << bit,
                31 => 0xffff_8000_0000,
                _ => 0,
            };
            same!(
                rdmsr(address).done(),
                wanted,
                "IA32_PMC{index} after bit {bit}"
            );
        }
        write_at(address, 0);
    }
    Ok(())
}

/// A register that faults whatever is done to it.
fn absent<R: MsrReg>() -> Outcome {
    let (address, name) = (R::ADDR.0, R::NAME);
    same!(rdmsr(address) == Access::Fault, true, "RDMSR of {name}");
    for value in core::iter::once(0).chain((0..64).map(|bit| 1 << bit)) {
        let faults = wrmsr(address, value) == Access::Fault;
        same!(faults, true, "WRMSR of {value:#x} to {name}");
    }
    Ok(())
}

fn precise_events_and_metrics_are_absent() -> Outcome {
    absent::<PerfMetrics>()?;
    absent::<PebsEnable>()?;
    absent::<PebsDataConfig>()?;
    absent::<PebsLoadLatency>()?;
    absent::<PebsFrontend>()?;
    absent::<DebugStoreArea>()
}

fn set_and_reset_act() -> Outcome {
    write_at(GlobalStatusSet::ADDR.0, 0x3 | 1 << 33);
    same!(
        rdmsr(GlobalStatus::ADDR.0).done(),
        0x3_u64 | 1 << 33,
        "the status after SET"
    );
    write_at(GlobalStatusReset::ADDR.0, 0x2);
    same!(
        rdmsr(GlobalStatus::ADDR.0).done(),
        0x1_u64 | 1 << 33,
        "the status after RESET"
    );
    write_at(GlobalStatusReset::ADDR.0, 0x1 | 1 << 33);
    same!(
        rdmsr(GlobalStatus::ADDR.0).done(),
        0_u64,
        "the status in the end"
    );
    Ok(())
}

#[unsafe(no_mangle)]
fn proof_main(proof: &mut Proof) {
    let it = Processor::found();
    count::reset();
    proof.check("every_bit_of_the_selectors", || {
        bank::<PerfEvtSel>(it.gp, Write::Keeps(it.selector()))
    });
    proof.check("every_bit_of_the_counters", || {
        bank::<FullWidthCounter>(it.gp, Write::Keeps(FULL_WIDTH))
    });
    proof.check("every_bit_of_the_counters_legacy_names", || legacy(it.gp));
    proof.check("every_bit_of_the_fixed_counters", || {
        bank::<FixedCounter>(it.fixed, Write::Keeps(FULL_WIDTH))
    });
    proof.check("every_bit_of_the_fixed_counters_control", || {
        one::<FixedCtrCtrl>(Write::Keeps(it.fixed_control()))
    });
    proof.check("every_bit_of_global_ctrl", || {
        one::<PerfGlobalCtrl>(Write::Keeps(it.counters()))
    });
    proof.check("the_status_is_read_only", || {
        one::<GlobalStatus>(Write::Never)
    });
    proof.check("every_bit_of_status_reset", || {
        one::<GlobalStatusReset>(Write::Swallows(it.counters() | STATUS | CONDITION_CHANGED))
    });
    proof.check("every_bit_of_status_set", || {
        one::<GlobalStatusSet>(Write::Swallows(it.counters() | STATUS))
    });
    write_at(GlobalStatusReset::ADDR.0, it.counters() | STATUS);
    proof.check("set_sets_and_reset_clears", set_and_reset_act);
    proof.check("inuse_is_read_only", || one::<GlobalInUse>(Write::Never));
    proof.check("the_capabilities_are_read_only", || {
        one::<PerfCapabilities>(Write::Never)
    });
    proof.check("every_bit_of_debugctl", || {
        one::<DebugCtl>(Write::Keeps(DEBUG))
    });
    proof.check(
        "precise_events_and_metrics_are_absent",
        precise_events_and_metrics_are_absent,
    );
}
