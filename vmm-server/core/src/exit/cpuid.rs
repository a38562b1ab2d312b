//! What CPUID answers: what the CPU has, and of that only what is listed here.
//!
//! Computed once when the VM is made. A feature that is not listed is not offered, whatever the CPU has, since
//! it may bring registers that nobody switches. A leaf that is not listed is all zeros, in every range.

use heapless::Vec;
use x86_regs::cpuid::{
    AddressSizeLeaf, AddressSizes, AmdFeatureEcx, AmdFeatureEdx, AmdFeatureLeaf, AmdVendorLeaf,
    BrandLeaf, ClockLeaf, CpuidAnswer, CpuidLeaf, ExtendedEbx, ExtendedEcx, ExtendedLeaf,
    FeatureEcx, FeatureEdx, FeatureLeaf, FrequencyLeaf, HypervisorClockLeaf, HypervisorLeaf,
    IdentityEbx, PowerEdx, PowerLeaf, TopologyEcx, TopologyLeaf, VendorLeaf,
};
use x86_regs::system::Cr4;

use crate::config::VmConfig;

/// Who this hypervisor says it is: 12 characters in EBX, ECX and EDX.
const SIGNATURE: [u32; 3] = [
    u32::from_le_bytes(*b"Bato"),
    u32::from_le_bytes(*b"nBat"),
    u32::from_le_bytes(*b"on  "),
];

/// Clocks of the APIC timer a second, which is also the crystal's frequency: a nanosecond each.
const CRYSTAL_HZ: u32 = 1_000_000_000;

/// How many leaves have an answer.
const LEAVES: usize = 16;

/// The answers, by leaf.
#[derive(Clone, Debug)]
pub struct CpuidTable {
    leaves: Vec<(u32, CpuidAnswer), LEAVES>,
    apic_id: u32,
}

/// Features of the guest that other handlers must know of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Features {
    /// EFER.NXE exists.
    pub(crate) no_execute: bool,
    /// The bits that CR4 has.
    pub(crate) cr4: Cr4,
}

impl CpuidTable {
    /// What a vCPU with `apic_id` of a VM made from `config` is told on a CPU where `host` executes CPUID (EAX, ECX).
    #[must_use]
    pub fn new(config: &VmConfig, apic_id: u32, host: impl Fn(u32, u32) -> CpuidAnswer) -> Self {
        let mut this = Self {
            leaves: Vec::new(),
            apic_id,
        };
        this.add(VendorLeaf {
            eax: FrequencyLeaf::LEAF,
            ..on(&host)
        });
        this.add(features(config, apic_id, on(&host)));
        this.add(extended(on(&host)));
        if let Some(pmu) = &config.pmu {
            this.add(pmu.leaf());
        }
        this.add(clock(config.tsc_hz));
        let megahertz = u32::try_from(config.tsc_hz / 1_000_000).unwrap_or(u32::MAX);
        this.add(FrequencyLeaf {
            eax: megahertz,
            ebx: megahertz,
            ..FrequencyLeaf::default()
        });
        let [ebx, ecx, edx] = SIGNATURE;
        this.add(HypervisorLeaf {
            eax: HypervisorClockLeaf::LEAF,
            ebx,
            ecx,
            edx,
        });
        this.add(HypervisorClockLeaf {
            eax: u32::try_from(config.tsc_hz / 1_000).unwrap_or(u32::MAX),
            ebx: CRYSTAL_HZ / 1_000,
            ..HypervisorClockLeaf::default()
        });
        this.add(AmdVendorLeaf {
            eax: AddressSizeLeaf::LEAF,
            ..AmdVendorLeaf::default()
        });
        this.add(amd_features(on(&host)));
        for leaf in BrandLeaf::LEAF..BrandLeaf::LEAF + 3 {
            this.push(leaf, host(leaf, 0));
        }
        let power: PowerLeaf = on(&host);
        this.add(PowerLeaf {
            edx: PowerEdx::new().with_invariant_tsc(power.edx.invariant_tsc()),
            ..PowerLeaf::default()
        });
        let sizes: AddressSizeLeaf = on(&host);
        // Linear addresses have 48 bits: five levels are not offered.
        this.add(AddressSizeLeaf {
            eax: AddressSizes::new()
                .with_physical(sizes.eax.physical())
                .with_linear(sizes.eax.linear().min(48)),
            ..AddressSizeLeaf::default()
        });
        this
    }

    /// CPUID with `eax` and `ecx`.
    #[must_use]
    pub fn answer(&self, eax: u32, ecx: u32) -> CpuidAnswer {
        if eax == TopologyLeaf::LEAF {
            return topology(self.apic_id, ecx).into();
        }
        // Leaf 7 is the only other one with subleaves, and has one.
        if eax == ExtendedLeaf::LEAF && ecx != 0 {
            return [0; 4];
        }
        let found = self.leaves.iter().find(|(leaf, _)| *leaf == eax);
        found.map_or([0; 4], |(_, answer)| *answer)
    }

    pub(crate) fn features(&self) -> Features {
        let features: FeatureLeaf = on(&|leaf, subleaf| self.answer(leaf, subleaf));
        let extended: ExtendedLeaf = on(&|leaf, subleaf| self.answer(leaf, subleaf));
        let amd: AmdFeatureLeaf = on(&|leaf, subleaf| self.answer(leaf, subleaf));
        Features {
            no_execute: amd.edx.no_execute(),
            cr4: Cr4::new()
                .with_time_stamp_disable(true)
                .with_debugging_extensions(features.edx.debugging_extensions())
                .with_page_size_extensions(features.edx.page_size_extensions())
                .with_physical_address_extension(features.edx.physical_address_extension())
                .with_global_pages(features.edx.global_pages())
                .with_performance_counters(true)
                .with_fxsave(features.edx.fxsave())
                .with_simd_exceptions(features.edx.sse())
                .with_user_instruction_prevention(extended.ecx.umip())
                .with_fs_gs_base(extended.ebx.fs_gs_base())
                .with_smep(extended.ebx.smep())
                .with_smap(extended.ebx.smap()),
        }
    }

    fn add<L: CpuidLeaf>(&mut self, leaf: L) {
        self.push(L::LEAF, leaf.into());
    }

    fn push(&mut self, leaf: u32, answer: CpuidAnswer) {
        let pushed = self.leaves.push((leaf, answer));
        debug_assert!(pushed.is_ok(), "LEAVES is the number of leaves added above");
    }
}

/// What `host` says about a leaf.
fn on<L: CpuidLeaf>(host: &impl Fn(u32, u32) -> CpuidAnswer) -> L {
    host(L::LEAF, L::SUBLEAF).into()
}

fn features(config: &VmConfig, apic_id: u32, host: FeatureLeaf) -> FeatureLeaf {
    let ecx = FeatureEcx::new()
        .with_sse3(true)
        .with_carryless_multiply(true)
        .with_ssse3(true)
        .with_compare_exchange_16(true)
        .with_sse4_1(true)
        .with_sse4_2(true)
        .with_movbe(true)
        .with_popcnt(true)
        .with_aes(true);
    let edx = FeatureEdx::new()
        .with_fpu(true)
        .with_debugging_extensions(true)
        .with_page_size_extensions(true)
        .with_time_stamp_counter(true)
        .with_model_specific_registers(true)
        .with_physical_address_extension(true)
        .with_compare_exchange_8(true)
        .with_apic(true)
        .with_sysenter(true)
        .with_global_pages(true)
        .with_conditional_move(true)
        .with_page_attributes(true)
        .with_cache_line_flush(true)
        .with_mmx(true)
        .with_fxsave(true)
        .with_sse(true)
        .with_sse2(true);
    let capabilities = config.pmu.and_then(|pmu| pmu.capabilities());
    FeatureLeaf {
        eax: host.eax,
        ebx: IdentityEbx::new()
            .with_flush_line(host.ebx.flush_line())
            .with_logical_processors(1)
            .with_apic_id(apic_id.to_le_bytes()[0]),
        // The last three are this VM's own, whatever the CPU has.
        ecx: FeatureEcx::from_bits(host.ecx.into_bits() & ecx.into_bits())
            .with_x2apic(true)
            .with_hypervisor(true)
            .with_tsc_deadline(config.tsc_deadline)
            .with_perf_capabilities(capabilities.is_some()),
        edx: FeatureEdx::from_bits(host.edx.into_bits() & edx.into_bits()),
    }
}

fn extended(host: ExtendedLeaf) -> ExtendedLeaf {
    let ebx = ExtendedEbx::new()
        .with_fs_gs_base(true)
        .with_smep(true)
        .with_fast_strings(true)
        .with_smap(true);
    let ecx = ExtendedEcx::new().with_umip(true);
    ExtendedLeaf {
        ebx: ExtendedEbx::from_bits(host.ebx.into_bits() & ebx.into_bits()),
        ecx: ExtendedEcx::from_bits(host.ecx.into_bits() & ecx.into_bits()),
        ..ExtendedLeaf::default()
    }
}

fn amd_features(host: AmdFeatureLeaf) -> AmdFeatureLeaf {
    let edx = AmdFeatureEdx::new()
        .with_system_call(true)
        .with_no_execute(true)
        .with_gigabyte_pages(true)
        .with_long_mode(true);
    AmdFeatureLeaf {
        ecx: AmdFeatureEcx::new().with_lahf_in_long_mode(host.ecx.lahf_in_long_mode()),
        edx: AmdFeatureEdx::from_bits(host.edx.into_bits() & edx.into_bits()),
        ..AmdFeatureLeaf::default()
    }
}

/// TSC frequency = crystal * EBX / EAX, in lowest terms; a fraction too fine for 32 bits is rounded to kHz.
fn clock(tsc_hz: u64) -> ClockLeaf {
    let reduced = |hz: u64| {
        let divisor = gcd(hz, CRYSTAL_HZ.into()).max(1);
        let numerator = u32::try_from(hz / divisor).ok()?;
        let denominator = u32::try_from(u64::from(CRYSTAL_HZ) / divisor).ok()?;
        Some((numerator, denominator))
    };
    let (numerator, denominator) = reduced(tsc_hz)
        .or_else(|| reduced(tsc_hz / 1_000 * 1_000))
        .unwrap_or((0, 0));
    ClockLeaf {
        eax: denominator,
        ebx: numerator,
        ecx: CRYSTAL_HZ,
        edx: 0,
    }
}

const fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// One thread in one core: both levels have no bits of the identity.
fn topology(apic_id: u32, subleaf: u32) -> TopologyLeaf {
    let kind = match subleaf {
        0 => TopologyEcx::THREADS,
        1 => TopologyEcx::CORES,
        _ => 0,
    };
    let level = subleaf.to_le_bytes()[0];
    TopologyLeaf {
        eax: 0,
        ebx: u32::from(kind != 0),
        ecx: TopologyEcx::new().with_level(level).with_kind(kind),
        edx: apic_id,
    }
}
