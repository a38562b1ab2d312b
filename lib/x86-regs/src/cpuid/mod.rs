//! The CPUID leaves that describe counters and clocks.

mod features;
mod perfmon;
mod perfmon_amd;
mod perfmon_extended;

pub use features::{
    AddressSizeLeaf, AddressSizes, AmdFeatureEcx, AmdFeatureEdx, AmdFeatureLeaf, AmdVendorLeaf,
    BrandLeaf, ClockLeaf, ExtendedEbx, ExtendedEcx, ExtendedLeaf, FeatureEcx, FeatureEdx,
    FeatureLeaf, FrequencyLeaf, HypervisorClockLeaf, HypervisorLeaf, IdentityEbx, PowerEdx,
    PowerLeaf, TopologyEcx, TopologyLeaf, VendorLeaf, XsaveLeaf,
};
pub use perfmon::{PerfmonEax, PerfmonEbx, PerfmonEcx, PerfmonEdx, PerfmonLeaf};
pub use perfmon_amd::{AmdPerfmonEax, AmdPerfmonEbx, AmdPerfmonEcx, AmdPerfmonLeaf};
pub use perfmon_extended::{
    CounterBitmap, ExtendedPerfmonCounters, ExtendedPerfmonEax, ExtendedPerfmonEbx,
    ExtendedPerfmonEcx, ExtendedPerfmonEvents, ExtendedPerfmonLeaf, Reserved,
};

/// The answer of CPUID: EAX, EBX, ECX, EDX.
pub type CpuidAnswer = [u32; 4];

/// A leaf of CPUID whose answer is one layout.
pub trait CpuidLeaf: Copy + From<CpuidAnswer> + Into<CpuidAnswer> {
    /// What to put into EAX.
    const LEAF: u32;
    /// What to put into ECX.
    const SUBLEAF: u32 = 0;
}

/// Ties four register types together as one leaf.
macro_rules! leaf {
    ($(#[$doc:meta])* $name:ident = $leaf:literal $(/ $subleaf:literal)? { $eax:ty, $ebx:ty, $ecx:ty, $edx:ty }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
        pub struct $name {
            /// EAX of the answer.
            pub eax: $eax,
            /// EBX of the answer.
            pub ebx: $ebx,
            /// ECX of the answer.
            pub ecx: $ecx,
            /// EDX of the answer.
            pub edx: $edx,
        }
        impl From<$crate::cpuid::CpuidAnswer> for $name {
            fn from([eax, ebx, ecx, edx]: $crate::cpuid::CpuidAnswer) -> Self {
                Self { eax: eax.into(), ebx: ebx.into(), ecx: ecx.into(), edx: edx.into() }
            }
        }
        impl From<$name> for $crate::cpuid::CpuidAnswer {
            fn from(leaf: $name) -> Self {
                [leaf.eax.into(), leaf.ebx.into(), leaf.ecx.into(), leaf.edx.into()]
            }
        }
        impl $crate::cpuid::CpuidLeaf for $name {
            const LEAF: u32 = $leaf;
            $(const SUBLEAF: u32 = $subleaf;)?
        }
    };
}
pub(crate) use leaf;
