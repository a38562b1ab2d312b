//! The reference PMU behind a C interface, for emulators.
//!
//! One [`Pmu`] for each CPU, named by its number. The emulator reports what retired, asks how
//! much more may retire before it must report again, and passes on accesses to registers; the
//! order in which it must do so is stated by `pmu-model`. What the processor has comes from
//! the environment variable `BATON_PMU` (see [`settings::Settings`]), so one build of the
//! emulator serves every board.
//!
//! Pointers of C appear as references: the emulator's side passes the address of a live object.
#![expect(
    unsafe_code,
    reason = "exported names are `unsafe` attributes; there is no unsafe block"
)]

pub mod counts;
mod cpuid;
pub mod settings;

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use pmu_model::{Access, Cache, Pmu, Prediction, Predictor, Reach};

use crate::counts::{Counts, Limits};
use crate::settings::Settings;

/// CPUs that an emulated machine may have.
pub const CPUS: usize = 64;

/// What `BATON_PMU` says; `None` when it is not set. A mistake in it ends the program.
static SETTINGS: LazyLock<Option<Settings>> = LazyLock::new(|| {
    let text = std::env::var("BATON_PMU").ok()?;
    match text.parse() {
        Ok(settings) => Some(settings),
        Err(complaint) => {
            // The emulator is a C++ program: it has no way to pass this on.
            eprintln!("BATON_PMU: {complaint}");
            std::process::exit(2);
        }
    }
});

/// What belongs to one CPU.
#[derive(Clone, Debug)]
struct Cpu {
    pmu: Pmu,
    predictor: Predictor,
    cache: Cache,
}

static MACHINE: Mutex<Vec<Cpu>> = Mutex::new(Vec::new());

/// Every CPU's unit, created at first use.
fn machine() -> MutexGuard<'static, Vec<Cpu>> {
    // A poisoned lock cannot be: this library is built to abort at the first panic.
    let mut cpus = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    if cpus.is_empty()
        && let Some(settings) = &*SETTINGS
        && let Ok(pmu) = Pmu::new(settings.config)
    {
        *cpus = vec![
            Cpu {
                pmu,
                predictor: Predictor::new(),
                cache: Cache::new()
            };
            CPUS
        ];
    }
    cpus
}

/// Calls `f` with `cpu`, or answers `absent` when the machine has no counters.
fn with_cpu<R>(cpu: u32, absent: R, f: impl FnOnce(&mut Cpu) -> R) -> R {
    let index = usize::try_from(cpu).unwrap_or(usize::MAX);
    machine().get_mut(index).map_or(absent, f)
}

/// Calls `f` with the unit of `cpu`, or answers `absent` when the machine has none.
fn with<R>(cpu: u32, absent: R, f: impl FnOnce(&mut Pmu) -> R) -> R {
    with_cpu(cpu, absent, |cpu| f(&mut cpu.pmu))
}

/// What C sees of an access: 1 it happened, 0 it raises #GP, -1 it is not the unit's.
fn outcome<T>(access: Access<T>, keep: impl FnOnce(T)) -> i32 {
    match access {
        Access::Done(value) => {
            keep(value);
            1
        }
        Access::GeneralProtection => 0,
        Access::NotPmu => -1,
    }
}

/// Whether the machine has the unit at all: whether `BATON_PMU` is set.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_is_present() -> bool {
    SETTINGS.is_some()
}

/// Whether a VM exit can save GLOBAL_CTRL (bit 30 of the VM-exit controls).
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_has_save_on_exit() -> bool {
    SETTINGS
        .as_ref()
        .is_some_and(|settings| settings.save_on_exit)
}

/// Power-on or hardware reset of `cpu`.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_reset(cpu: u32) {
    with(cpu, (), Pmu::reset);
}

/// Tells what retired on `cpu` since the last report.
///
/// `is_asleep`: the CPU executes nothing more until something wakes it, so an interrupt that
/// was to come some instructions later comes now. The answer is whether one comes.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_advance(cpu: u32, counts: &Counts, is_asleep: bool) -> bool {
    with(cpu, false, |pmu| {
        pmu.advance(&counts.elapsed());
        if is_asleep {
            pmu.settle();
        }
        pmu.take_pmi()
    })
}

/// How much may retire on `cpu` before the next report is due.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_limits(cpu: u32, limits: &mut Limits) {
    with(cpu, (), |pmu| *limits = pmu.budget().into());
}

/// Whether the conditional branch at `address` went another way than predicted.
///
/// To be asked only while branch misses are wanted: the predictor learns from those branches.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_branch_is_missed(cpu: u32, address: u64, is_taken: bool) -> bool {
    with_cpu(cpu, false, |cpu| {
        cpu.predictor.conditional_branch(address, is_taken) == Prediction::Wrong
    })
}

/// How far an access to `physical` reaches: 0 no event, 1 a last-level reference, 2 also a miss.
///
/// To be asked only while one of the two is wanted: the cache holds what those accesses touched.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_access(cpu: u32, physical: u64) -> i32 {
    with_cpu(cpu, 0, |cpu| match cpu.cache.access(physical) {
        Reach::FirstLevel => 0,
        Reach::LastLevel => 1,
        Reach::Memory => 2,
    })
}

/// RDMSR. Report first.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_rdmsr(cpu: u32, index: u32, value: &mut u64) -> i32 {
    with(cpu, -1, |pmu| {
        outcome(pmu.rdmsr(index), |read| *value = read)
    })
}

/// WRMSR. Report first, and take new limits afterwards.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_wrmsr(cpu: u32, index: u32, value: u64) -> i32 {
    with(cpu, -1, |pmu| outcome(pmu.wrmsr(index, value), |()| ()))
}

/// RDPMC where CR4.PCE or ring 0 allows it; false is #GP. Report first.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_rdpmc(cpu: u32, ecx: u32, value: &mut u64) -> bool {
    with(cpu, false, |pmu| {
        outcome(pmu.rdpmc(ecx), |read| *value = read) == 1
    })
}

/// Whether a VM entry or exit may load `value` into GLOBAL_CTRL.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_global_ctrl_is_valid(cpu: u32, value: u64) -> bool {
    with(cpu, true, |pmu| pmu.global_ctrl_is_valid(value))
}

/// Whether a VM entry may load `value` into DEBUGCTL.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_debugctl_is_valid(cpu: u32, value: u64) -> bool {
    with(cpu, true, |pmu| pmu.debugctl_is_valid(value))
}

/// Loads GLOBAL_CTRL by VM entry or exit, after the check above. Report first, and take new
/// limits afterwards.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_load_global_ctrl(cpu: u32, value: u64) {
    with(cpu, (), |pmu| {
        assert_eq!(pmu.load_global_ctrl(value), Access::Done(()));
    });
}

/// Loads DEBUGCTL by VM entry, after the check above, or zero by VM exit.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_load_debugctl(cpu: u32, value: u64) {
    with(cpu, (), |pmu| {
        assert_eq!(pmu.load_debugctl(value), Access::Done(()));
    });
}

/// GLOBAL_CTRL, for a VM exit to save.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_global_ctrl(cpu: u32) -> u64 {
    with(cpu, 0, |pmu| pmu.global_ctrl())
}

/// DEBUGCTL, for a VM exit to save.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_debugctl(cpu: u32) -> u64 {
    with(cpu, 0, |pmu| pmu.debugctl())
}

/// Puts the unit's facts and the clock's into a CPUID leaf: EAX, EBX, ECX, EDX.
#[unsafe(no_mangle)]
pub extern "C" fn baton_pmu_cpuid(cpu: u32, leaf: u32, subleaf: u32, registers: &mut [u32; 4]) {
    if let Some(settings) = &*SETTINGS {
        with(cpu, (), |pmu| {
            cpuid::overlay(pmu, settings, leaf, subleaf, registers);
        });
    }
}
