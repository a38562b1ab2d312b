//! What this CPU has, as CPUID says.

use sel4_sys::CpuFeatures;
use x86_regs::cpuid::{
    AmdFeatureLeaf, AmdVendorLeaf, BrandLeaf, ClockLeaf, CpuidAnswer, CpuidLeaf, ExtendedLeaf,
    FeatureLeaf, FrequencyLeaf, HypervisorClockLeaf, HypervisorLeaf, PerfmonLeaf, VendorLeaf,
    XsaveLeaf,
};
use x86_regs::system::Xcr0;

/// What the kernel uses of a CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Features {
    pub(crate) no_execute: bool,
    pub(crate) gigabyte_pages: bool,
    pub(crate) global_pages: bool,
    pub(crate) machine_check: bool,
    pub(crate) smep: bool,
    pub(crate) smap: bool,
    pub(crate) umip: bool,
    pub(crate) x2apic: bool,
    pub(crate) tsc_deadline: bool,
    pub(crate) vmx: bool,
    /// Leaf 0xA.
    pub(crate) perfmon: PerfmonLeaf,
    /// IA32_PERF_CAPABILITIES exists.
    pub(crate) perf_capabilities: bool,
    /// What XCR0 is set to; `None` without XSAVE.
    pub(crate) xsave: Option<Xcr0>,
    /// TSC ticks a second, where CPUID says it.
    pub(crate) tsc_hz: Option<u64>,
    /// The brand string.
    pub(crate) brand: [u8; 48],
}

impl Features {
    /// Asks `cpuid`, a function from leaf and subleaf to the answer.
    pub(crate) fn find(cpuid: impl Fn(u32, u32) -> CpuidAnswer) -> Self {
        let cpuid = Cpuid {
            basic: VendorLeaf::from(cpuid(VendorLeaf::LEAF, 0)).eax,
            amd: AmdVendorLeaf::from(cpuid(AmdVendorLeaf::LEAF, 0)).eax,
            ask: cpuid,
        };
        let one: FeatureLeaf = cpuid.basic();
        let seven: ExtendedLeaf = cpuid.basic();
        let amd: AmdFeatureLeaf = cpuid.amd();
        let xsave = one.ecx.xsave().then(|| {
            let leaf: XsaveLeaf = cpuid.basic();
            xcr0(Xcr0::from_bits(
                u64::from(leaf.edx) << 32 | u64::from(leaf.eax),
            ))
        });
        Self {
            no_execute: amd.edx.no_execute(),
            gigabyte_pages: amd.edx.gigabyte_pages(),
            global_pages: one.edx.global_pages(),
            machine_check: one.edx.machine_check(),
            smep: seven.ebx.smep(),
            smap: seven.ebx.smap(),
            umip: seven.ecx.umip(),
            x2apic: one.ecx.x2apic(),
            tsc_deadline: one.ecx.tsc_deadline(),
            vmx: one.ecx.vmx(),
            perfmon: cpuid.basic(),
            perf_capabilities: one.ecx.perf_capabilities(),
            xsave,
            tsc_hz: cpuid.tsc_hz(one.ecx.hypervisor()),
            brand: cpuid.brand(),
        }
    }

    /// What the boot information says of these, without what only starting the machine shows.
    pub(crate) fn reported(&self) -> CpuFeatures {
        [
            (self.smep, CpuFeatures::SMEP),
            (self.smap, CpuFeatures::SMAP),
            (self.umip, CpuFeatures::UMIP),
            (self.no_execute, CpuFeatures::NX),
            (self.x2apic, CpuFeatures::X2APIC),
            (self.tsc_deadline, CpuFeatures::TSC_DEADLINE),
            (self.xsave.is_some(), CpuFeatures::XSAVE),
            (self.tsc_hz.is_some(), CpuFeatures::TSC_FROM_CPUID),
        ]
        .into_iter()
        .filter_map(|(has, feature)| has.then_some(feature))
        .collect()
    }
}

/// The state that threads may use, of what the CPU can save: x87, SSE, AVX and AVX-512, the last all or nothing.
fn xcr0(possible: Xcr0) -> Xcr0 {
    let avx = possible.avx();
    let avx512 = avx && possible.opmask() && possible.zmm_high() && possible.zmm_16_to_31();
    Xcr0::new()
        .with_x87(true)
        .with_sse(true)
        .with_avx(avx)
        .with_opmask(avx512)
        .with_zmm_high(avx512)
        .with_zmm_16_to_31(avx512)
}

struct Cpuid<Ask> {
    ask: Ask,
    basic: u32,
    amd: u32,
}

impl<Ask: Fn(u32, u32) -> CpuidAnswer> Cpuid<Ask> {
    /// The leaf, or zeros when it lies beyond the last one: Intel CPUs answer such a question with another leaf.
    fn basic<L: CpuidLeaf>(&self) -> L {
        self.at_most(self.basic)
    }

    fn amd<L: CpuidLeaf>(&self) -> L {
        self.at_most(self.amd)
    }

    fn at_most<L: CpuidLeaf>(&self, last: u32) -> L {
        let is_there = L::LEAF <= last;
        L::from(if is_there {
            (self.ask)(L::LEAF, L::SUBLEAF)
        } else {
            [0; 4]
        })
    }

    fn tsc_hz(&self, has_hypervisor: bool) -> Option<u64> {
        let clock: ClockLeaf = self.basic();
        let base: FrequencyLeaf = self.basic();
        let (numerator, denominator) = (u64::from(clock.ebx), u64::from(clock.eax));
        if numerator != 0 && denominator != 0 {
            if clock.ecx != 0 {
                return Some(u64::from(clock.ecx) * numerator / denominator);
            }
            // Without the crystal's frequency, the base frequency is the TSC's. SDM vol. 3B, "Determining the Processor Base Frequency".
            if base.eax != 0 {
                return Some(u64::from(base.eax) * 1_000_000);
            }
        }
        if !has_hypervisor {
            return None;
        }
        let last = HypervisorLeaf::from((self.ask)(HypervisorLeaf::LEAF, 0)).eax;
        let clock: HypervisorClockLeaf = self.at_most(last);
        (clock.eax != 0).then(|| u64::from(clock.eax) * 1000)
    }

    fn brand(&self) -> [u8; 48] {
        let mut brand = [0; 48];
        let leaves = BrandLeaf::LEAF..=BrandLeaf::LEAF + 2;
        if *leaves.end() <= self.amd {
            let bytes = leaves
                .flat_map(|leaf| (self.ask)(leaf, 0))
                .flat_map(u32::to_le_bytes);
            brand
                .iter_mut()
                .zip(bytes)
                .for_each(|(to, byte)| *to = byte);
        }
        brand
    }
}

#[cfg(test)]
mod tests {
    use super::Features;
    use x86_regs::system::Xcr0;

    /// A CPU that answers with the last leaf beyond it, as Intel's do.
    fn find(leaves: &[(u32, [u32; 4])]) -> Features {
        Features::find(|leaf, _| {
            let found = leaves.iter().find(|(l, _)| *l == leaf);
            found.map_or([u32::MAX; 4], |(_, answer)| *answer)
        })
    }

    const OLD: [(u32, [u32; 4]); 3] = [(0, [1, 0, 0, 0]), (1, [0; 4]), (0x8000_0000, [0, 0, 0, 0])];

    #[test]
    fn leaves_beyond_the_last_are_not_believed() {
        let features = find(&OLD);
        assert!(!features.smep && !features.smap && !features.no_execute && !features.umip);
        assert_eq!(features.tsc_hz, None);
        assert_eq!(features.brand, [0; 48]);
        assert!(features.reported().is_empty());
    }

    #[test]
    fn the_tsc_frequency_comes_from_the_crystal_the_base_or_the_hypervisor() {
        let with = |fifteen: [u32; 4], sixteen: u32, hypervisor: u32| {
            find(&[
                (0, [0x16, 0, 0, 0]),
                (1, [0, 0, hypervisor << 31, 0]),
                (7, [0; 4]),
                (0x15, fifteen),
                (0x16, [sixteen, 0, 0, 0]),
                (0x4000_0000, [0x4000_0010, 0, 0, 0]),
                (0x4000_0010, [2_500_000, 0, 0, 0]),
                (0x8000_0000, [0; 4]),
            ])
            .tsc_hz
        };
        // 25 MHz crystal times 168 / 2.
        assert_eq!(with([2, 168, 25_000_000, 0], 0, 0), Some(2_100_000_000));
        assert_eq!(with([2, 168, 0, 0], 2100, 0), Some(2_100_000_000));
        assert_eq!(with([0; 4], 2100, 1), Some(2_500_000_000));
        assert_eq!(with([0; 4], 2100, 0), None);
    }

    #[test]
    fn avx_512_is_switched_on_whole_or_not_at_all() {
        let with = |possible: u32| {
            find(&[
                (0, [0xd, 0, 0, 0]),
                (1, [0, 0, 1 << 26, 0]),
                (7, [0; 4]),
                (0xd, [possible, 0, 0, 0]),
                (0x8000_0000, [0; 4]),
            ])
            .xsave
            .map(Xcr0::into_bits)
        };
        assert_eq!(with(0xe7), Some(0xe7));
        assert_eq!(with(0x67), Some(0x07), "no ZMM16 to 31");
        assert_eq!(with(0x2_0003), Some(0x03), "nothing that is not known");
    }
}
