//! The performance counters of each CPU: registers, NMIs and samples.
//!
//! What a register means is `pmu-drv`'s business; here is how it is reached. The NMI handler's part runs at any moment, so
//! everything it touches is an atomic of its CPU.
//!
//! UNSAFETY: MSRs and RDPMC.

#![expect(unsafe_code, reason = "MSRs and RDPMC")]

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pmu_drv::{
    CounterSet, Interrupted, LocalVector, NmiCounts, NmiOrigin, Phase, PhaseSet, PmuContext,
    PmuPort, RateLimit, Sampling,
};
use x86_regs::MsrAddr;
use x86_regs::apic::{LvtEntry, LvtPmc};
use x86_regs::pmu::PerfCapabilities;

use crate::cpu::features::Features;
use crate::cpu::{CpuId, MAX_CPUS, instructions};
use crate::mm::Frame;
use crate::trap::vector::Vector;
use crate::{apic, timer};

mod ring;

pub use pmu_drv::{Layout, Unsupported};

/// What the NMI handler of one CPU has.
struct Unit {
    sampling: Sampling,
    ring: ring::Ring,
}

static UNITS: [Unit; MAX_CPUS] = [const {
    Unit {
        sampling: Sampling::new(),
        ring: ring::Ring::new(),
    }
}; MAX_CPUS];

/// Counters of the CPUs, one bit each as in GLOBAL_CTRL; 0 while nothing may be touched.
static COUNTERS: AtomicU64 = AtomicU64::new(0);
/// Their width, that of the fixed ones, and the version, a byte each.
static SHAPE: AtomicU64 = AtomicU64::new(0);

/// Which counters the CPUs have.
///
/// # Errors
/// [`Unsupported`] when they cannot be handed over.
pub fn layout() -> Result<Layout, Unsupported> {
    describe(&Features::find(instructions::cpuid))
}

fn describe(features: &Features) -> Result<Layout, Unsupported> {
    let capabilities = if features.perf_capabilities {
        instructions::read_msr()
    } else {
        PerfCapabilities::new()
    };
    let leaf = features.perfmon;
    Layout::describe(leaf.eax, leaf.ecx, leaf.edx, capabilities)
}

/// Makes the counters known to the NMI handler, once, before any of them runs.
pub(crate) fn prepare(features: &Features) {
    if let Ok(layout) = describe(features) {
        let shape = [layout.gp_width, layout.fixed_width, layout.version];
        let [gp, fixed, version] = shape.map(u64::from);
        SHAPE.store(gp | fixed << 8 | version << 16, Relaxed);
        COUNTERS.store(layout.counters.bits(), Relaxed);
    }
}

/// The layout without asking the CPU, `None` where there is none.
fn known_layout() -> Option<Layout> {
    let counters = COUNTERS.load(Relaxed);
    let [gp_width, fixed_width, version, ..] = SHAPE.load(Relaxed).to_le_bytes();
    (counters != 0).then(|| Layout {
        counters: CounterSet::from_bits(counters),
        gp_width,
        fixed_width,
        version,
    })
}

fn unit(cpu: CpuId) -> &'static Unit {
    #[expect(clippy::indexing_slicing, reason = "CpuId::index is below MAX_CPUS")]
    &UNITS[cpu.index()]
}

/// The vector of a guest's PMI. Neighbouring epochs get different ones, so that a PMI that is still
/// pending when another guest is loaded is told apart.
#[must_use]
pub const fn guest_vector(odd_epoch: bool) -> u8 {
    let [even, odd] = Vector::GUEST_PMI;
    if odd_epoch { odd.0 } else { even.0 }
}

/// Access to one CPU's counters. Used on that CPU only.
#[derive(Debug)]
pub struct Port {
    cpu: CpuId,
}

/// The counters of `cpu`. Only where [`layout`] says that there are any.
#[must_use]
pub fn port(cpu: CpuId) -> Port {
    Port { cpu }
}

impl PmuPort for Port {
    #[inline]
    fn read_msr(&mut self, address: MsrAddr) -> u64 {
        Registers.read_msr(address)
    }
    #[inline]
    fn write_msr(&mut self, address: MsrAddr, value: u64) {
        Registers.write_msr(address, value);
    }
    #[inline]
    fn read_counter(&mut self, ecx: u32) -> u64 {
        Registers.read_counter(ecx)
    }
    #[inline]
    fn set_local_vector(&mut self, vector: LocalVector) {
        Registers.set_local_vector(vector);
    }
    fn set_phase(&mut self, phase: Phase) {
        let Unit { sampling, ring } = unit(self.cpu);
        while sampling.set_phase(&mut Registers, phase) == PhaseSet::NmiWaits {
            let Some(layout) = known_layout() else {
                return;
            };
            let now = timer::now().0;
            let at = Interrupted {
                rip: 0,
                is_user: false,
                now,
            };
            let origin = sampling.serve_held(&mut Registers, &layout, &limit(), at);
            tell(ring.record(origin));
        }
    }
}

/// The registers of the CPU that this runs on, without a phase.
#[derive(Debug)]
struct Registers;

impl PmuPort for Registers {
    #[inline]
    fn read_msr(&mut self, address: MsrAddr) -> u64 {
        // SAFETY: 1. `pmu-drv` names registers that its layout has (`layout`), all of which exist. 2. Reading them has no effect.
        unsafe { instructions::read_msr_at(address) }
    }
    #[inline]
    fn write_msr(&mut self, address: MsrAddr, value: u64) {
        // SAFETY: 1. As in `read_msr`. 2. `pmu-drv` writes values that its checks allow, which cannot fault, and of
        // registers that only count: no memory is written, since PEBS, BTS and LBR are never enabled.
        unsafe { instructions::write_msr_at(address, value) }
    }
    #[inline]
    fn read_counter(&mut self, ecx: u32) -> u64 {
        let (low, high): (u32, u32);
        // SAFETY: 1. `pmu-drv` names counters that its layout has. 2. RDPMC reads a counter and nothing else.
        unsafe {
            asm!("rdpmc", in("ecx") ecx, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
        }
        u64::from(high) << 32 | u64::from(low)
    }
    fn set_local_vector(&mut self, vector: LocalVector) {
        let entry = LvtEntry::new();
        apic::write(LvtPmc(match vector {
            LocalVector::Nmi => entry.with_delivery(LvtEntry::NMI),
            LocalVector::Fixed { vector, masked } => entry.with_vector(vector).with_masked(masked),
            LocalVector::Masked => entry.with_vector(Vector::SPURIOUS.0).with_masked(true),
        }));
    }
    fn set_phase(&mut self, _phase: Phase) {}
}

/// Sampling periods of the host's counters: general-purpose ones first, then the fixed ones; 0: the counter only counts.
pub fn set_periods(cpu: CpuId, periods: &[u64; 12]) {
    unit(cpu).sampling.set_periods(periods);
}

/// Where samples go from now on, and after how many unread ones
/// [`Interrupt::Samples`](crate::trap::Interrupt::Samples) comes. Without a frame samples are dropped.
pub fn set_ring(cpu: CpuId, ring: Option<&Frame>, watermark: u64) {
    unit(cpu).ring.set(ring, watermark);
}

/// For a load: it stopped the host and acknowledged `overflowed`. Writes the samples, marked late, sets the counters in
/// `saved` back by their periods, and expects the NMI.
pub fn record_late(cpu: CpuId, overflowed: CounterSet, saved: &mut PmuContext, layout: &Layout) {
    let Unit { sampling, ring } = unit(cpu);
    let now = timer::now().0;
    if let Some(sample) = sampling.expect(overflowed, saved, layout, now) {
        tell(ring.write(sample));
    }
}

fn tell(recorded: ring::Recorded) {
    match recorded {
        ring::Recorded::Quiet => {}
        ring::Recorded::Watermark => apic::interrupt_self(Vector::SAMPLES),
    }
}

/// Lets counters that the rate limit has slowed down count again. On every timer tick, with the host's counters loaded.
pub fn resume(cpu: CpuId) {
    if unit(cpu).sampling.is_silenced() {
        let mut port = port(cpu);
        port.set_phase(Phase::Switching);
        port.set_phase(Phase::Host);
    }
}

/// What NMIs have done so far.
#[must_use]
pub fn nmi_counts(cpu: CpuId) -> NmiCounts {
    unit(cpu).sampling.counts()
}

/// The NMI handler's part. Called with nothing but the CPU known for sure.
pub(crate) fn non_maskable(cpu: CpuId, rip: u64, is_user: bool) {
    let Some(layout) = known_layout() else {
        return;
    };
    let Unit { sampling, ring } = unit(cpu);
    let now = timer::now().0;
    let limit = limit();
    let at = Interrupted { rip, is_user, now };
    let origin = sampling.nmi(&mut Registers, &layout, &limit, at);
    tell(ring.record(origin));
    if matches!(origin, NmiOrigin::Pmi(_)) {
        sampling.charge(&limit, now, timer::now().0);
    }
}

fn limit() -> RateLimit {
    RateLimit::usual(timer::ticks_per_us() * 1_000_000)
}
