//! Turns VMX on, and knows what each CPU has current.
//!
//! UNSAFETY: CR4.VMXE, FEATURE_CONTROL, VMXON. Invariant *regions*: a page that was given to VMX belongs to the CPU for ever.

#![expect(unsafe_code, reason = "VMXON and its registers")]

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use x86_regs::vmx::{Cr0MustBeOne, Cr4MustBeOne, FeatureControl, VmxBasic};

use super::Unsupported;
use super::controls::{Capabilities, Controls};
use super::instructions::{Current, vmclear, vmptrld, vmxon};
use crate::cpu::features::Features;
use crate::cpu::{CpuId, MAX_CPUS, instructions};
use crate::mm::direct::{self, Page};
use crate::sync::Lock;
use crate::trap::tables::TableAddresses;

static CONTROLS: Lock<Result<Controls, Unsupported>> = Lock::new(Err(Unsupported::NoVmx));

/// What VMX knows of one CPU.
struct Root {
    /// Physical address of the current VMCS, 0 for none.
    current: AtomicU64,
    task_state: AtomicU64,
    global: AtomicU64,
    gates: AtomicU64,
}

static ROOTS: [Root; MAX_CPUS] = [const {
    Root {
        current: AtomicU64::new(0),
        task_state: AtomicU64::new(0),
        global: AtomicU64::new(0),
        gates: AtomicU64::new(0),
    }
}; MAX_CPUS];

fn root(cpu: CpuId) -> &'static Root {
    #[expect(clippy::indexing_slicing, reason = "CpuId::index is below MAX_CPUS")]
    &ROOTS[cpu.index()]
}

/// Whether this machine can run guests.
///
/// # Errors
/// [`Unsupported`] says why it cannot.
pub fn support() -> Result<(), Unsupported> {
    controls().map(|_| ())
}

/// The controls of every VMCS.
///
/// # Errors
/// As [`support`].
pub(super) fn controls() -> Result<Controls, Unsupported> {
    *CONTROLS.lock()
}

/// Turns VMX on where the CPU has what this kernel needs. `region` is an empty page.
pub(crate) fn prepare(
    cpu: CpuId,
    features: &Features,
    tables: TableAddresses,
    region: &'static Page,
) {
    let root = root(cpu);
    root.task_state.store(tables.task_state, Relaxed);
    root.global.store(tables.global, Relaxed);
    root.gates.store(tables.gates, Relaxed);
    *CONTROLS.lock() = turn_on(features, region);
}

/// Where the tables of `cpu` are.
pub(super) fn tables(cpu: CpuId) -> TableAddresses {
    let root = root(cpu);
    TableAddresses {
        task_state: root.task_state.load(Relaxed),
        global: root.global.load(Relaxed),
        gates: root.gates.load(Relaxed),
    }
}

fn turn_on(features: &Features, region: &'static Page) -> Result<Controls, Unsupported> {
    if !features.vmx {
        return Err(Unsupported::NoVmx);
    }
    unlock()?;
    let controls = Controls::choose(&Capabilities {
        basic: instructions::read_msr(),
        pin: instructions::read_msr(),
        processor: instructions::read_msr(),
        secondary: instructions::read_msr(),
        exit: instructions::read_msr(),
        entry: instructions::read_msr(),
        ept: instructions::read_msr(),
    })?;
    let cr4 = instructions::read_cr4().with_vmx(true);
    let Cr0MustBeOne(cr0_bits) = instructions::read_msr();
    let Cr4MustBeOne(cr4_bits) = instructions::read_msr();
    let missing = cr0_bits & !instructions::read_cr0().into_bits() | cr4_bits & !cr4.into_bits();
    if missing != 0 {
        return Err(Unsupported::FixedBits);
    }
    // SAFETY: 1. CPUID has VMX. 2. The other bits stay.
    unsafe { instructions::write_cr4(cr4) }
    mark(region);
    // SAFETY: 1. CPUID has VMX, FEATURE_CONTROL allows it (`unlock`), CR0 and CR4 were compared with what it wants.
    // 2. *regions*: the page is only used here.
    unsafe { vmxon(direct::physical_of(region)) }.map_err(|_| Unsupported::Refused)?;
    Ok(controls)
}

/// Lets VMXON work, unless firmware has decided otherwise.
fn unlock() -> Result<(), Unsupported> {
    let control = instructions::read_msr::<FeatureControl>();
    if control.locked() {
        return if control.vmx_outside_smx() {
            Ok(())
        } else {
            Err(Unsupported::Locked)
        };
    }
    let allowed = control.with_vmx_outside_smx(true).with_locked(true);
    // SAFETY: 1. The register exists where CPUID has VMX and is not locked. 2. It only allows what CPUID offers.
    unsafe { instructions::write_msr(allowed) }
    Ok(())
}

/// Writes the revision that VMX expects at the start of a region.
fn mark(region: &Page) {
    let basic: VmxBasic = instructions::read_msr();
    if let Some(first) = region.first() {
        first.store(u64::from(basic.revision()), Relaxed);
    }
}

/// Makes `region` a VMCS whose fields are all to be written, and current on `cpu`, which is the one this runs on.
pub(super) fn start(cpu: CpuId, region: &'static Page) -> Current {
    let physical = direct::physical_of(region);
    // SAFETY: 1. VMX is on: vCPUs refuse to enter without `controls`. 2. *regions*: the page is this vCPU's VMCS only.
    let cleared = unsafe { vmclear(physical) };
    assert!(cleared.is_ok(), "VMCLEAR of a vCPU's own region failed");
    mark(region);
    root(cpu).current.store(0, Relaxed);
    resume(cpu, region)
}

/// Makes the VMCS in `region`, which was started on this CPU, current on `cpu`.
pub(super) fn resume(cpu: CpuId, region: &'static Page) -> Current {
    let physical = direct::physical_of(region);
    let current = &root(cpu).current;
    if current.load(Relaxed) != physical {
        // SAFETY: 1. As in `start`. 2. `start` has written the revision.
        let loaded = unsafe { vmptrld(physical) };
        assert!(loaded.is_ok(), "VMPTRLD of a vCPU's own region failed");
        current.store(physical, Relaxed);
    }
    // SAFETY: 1. The VMCS in `region` is current now.
    unsafe { Current::assume() }
}

/// The VMCS in `region` if it is current on `cpu`.
pub(super) fn current(cpu: CpuId, region: &'static Page) -> Option<Current> {
    let is_current = root(cpu).current.load(Relaxed) == direct::physical_of(region);
    // SAFETY: 1. `resume` made a VMCS current, and nothing but `resume` changes that.
    is_current.then(|| unsafe { Current::assume() })
}
