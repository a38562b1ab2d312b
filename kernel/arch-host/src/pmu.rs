//! The performance counters of each CPU, made of the reference model.

use pmu_drv::{CounterSet, LocalVector, NmiCounts, Phase, PmuContext, PmuPort};
use x86_regs::MsrAddr;

use crate::CpuId;
use crate::machine::{self, with_counters};
use crate::mm::Frame;

pub use pmu_drv::{Layout, Unsupported};

/// PMI vectors of guests: an even epoch's and an odd one's.
const GUEST_VECTORS: [u8; 2] = [0xf4, 0xf5];

/// Which counters the CPUs have.
///
/// # Errors
/// [`Unsupported`] when they cannot be handed over.
pub fn layout() -> Result<Layout, Unsupported> {
    machine::pmu_layout()
}

/// The vector of a guest's PMI. Neighbouring epochs get different ones, so that a PMI that is still
/// pending when another guest is loaded is told apart.
#[must_use]
pub const fn guest_vector(odd_epoch: bool) -> u8 {
    let [even, odd] = GUEST_VECTORS;
    if odd_epoch { odd } else { even }
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
    fn read_msr(&mut self, address: MsrAddr) -> u64 {
        with_counters(self.cpu, |unit| unit.port().read_msr(address))
    }
    fn write_msr(&mut self, address: MsrAddr, value: u64) {
        with_counters(self.cpu, |unit| unit.port().write_msr(address, value));
    }
    fn read_counter(&mut self, ecx: u32) -> u64 {
        let value = with_counters(self.cpu, |unit| unit.port().read_counter(ecx));
        machine::retire_what_waits(self.cpu);
        value
    }
    fn set_local_vector(&mut self, vector: LocalVector) {
        with_counters(self.cpu, |unit| unit.port().set_local_vector(vector));
    }
    fn set_phase(&mut self, phase: Phase) {
        with_counters(self.cpu, |unit| unit.set_phase(phase));
    }
}

/// Sampling periods of the host's counters: general-purpose ones first, then the fixed ones; 0: the counter only counts.
pub fn set_periods(cpu: CpuId, periods: &[u64; 12]) {
    with_counters(cpu, |unit| unit.sampling().set_periods(periods));
}

/// Where samples go from now on, and after how many unread ones
/// [`Interrupt::Samples`](crate::trap::Interrupt::Samples) comes. Without a frame samples are dropped.
pub fn set_ring(cpu: CpuId, ring: Option<&Frame>, watermark: u64) {
    with_counters(cpu, |unit| unit.set_ring(ring, watermark));
}

/// For a load: it stopped the host and acknowledged `overflowed`. Writes the samples, marked late, sets the counters in
/// `saved` back by their periods, and expects the NMI.
pub fn record_late(cpu: CpuId, overflowed: CounterSet, saved: &mut PmuContext, layout: &Layout) {
    let now = crate::timer::now().0;
    with_counters(cpu, |unit| {
        if let Some(sample) = unit.sampling().expect(overflowed, saved, layout, now) {
            unit.write_sample(sample);
        }
    });
}

/// Lets counters that the rate limit has slowed down count again. On every timer tick, with the host's counters loaded.
pub fn resume(cpu: CpuId) {
    with_counters(cpu, machine::CountersOfCpu::resume);
}

/// What NMIs have done so far.
#[must_use]
pub fn nmi_counts(cpu: CpuId) -> NmiCounts {
    with_counters(cpu, |unit| unit.sampling().counts())
}
