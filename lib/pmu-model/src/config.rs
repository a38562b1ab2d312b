//! What a modelled processor has: version, counters, widths, events.

use core::fmt;

use x86_regs::pmu::{DebugCtl, PerfCapabilities};

/// The version of architectural performance monitoring.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Version {
    /// GLOBAL_CTRL, GLOBAL_STATUS, OVF_CTRL, fixed counters; freezing clears GLOBAL_CTRL.
    V2,
    /// Adds the status set and in-use registers; freezing sets a bit of the status.
    V4,
    /// Adds a bitmap of the fixed counters and deprecates counting of all threads.
    V5,
}

impl Version {
    /// The number that CPUID gives.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V4 => 4,
            Self::V5 => 5,
        }
    }
}

/// How many reference cycles pass in how many core cycles. Both at least 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ratio {
    /// Reference cycles.
    pub reference: u32,
    /// Core cycles.
    pub core: u32,
}

/// What the modelled processor has. [`Config::check`] says whether it could exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Version of architectural performance monitoring (CPUID 0xA EAX).
    pub version: Version,
    /// General-purpose counters: 1 to 8.
    pub gp_counters: u8,
    /// Their width in bits: 32 to 62.
    pub gp_width: u8,
    /// Fixed counters without gaps from number 0 (CPUID 0xA EDX): 0 to 4.
    pub fixed_counters: u8,
    /// Their width in bits: 32 to 62.
    pub fixed_width: u8,
    /// Fixed counters as a bitmap (CPUID 0xA ECX), bits 0 to 3; zero before version 5.
    /// A counter exists if either of the two says so.
    pub fixed_bitmap: u32,
    /// How many architectural events CPUID 0xA speaks of: 0 to 8.
    pub event_count: u8,
    /// Which of them do not exist (CPUID 0xA EBX): a one for each missing event.
    pub events_missing: u32,
    /// Counting of all threads is gone, and its bits are reserved (CPUID 0xA EDX bit 15).
    pub any_thread_deprecated: bool,
    /// What IA32_PERF_CAPABILITIES reads as; `None` when CPUID has no PDCM.
    pub capabilities: Option<PerfCapabilities>,
    /// The bits that IA32_DEBUGCTL has; all others are reserved.
    pub debug_control: DebugCtl,
    /// The status has the bit of Processor Trace's ToPA regions (version 4).
    pub has_processor_trace: bool,
    /// The status has the bit of SGX (version 4).
    pub has_sgx: bool,
    /// How many further instructions retire, in either ring, between an overflow and its
    /// interrupt: 0 to 255.
    pub pmi_delay: u8,
    /// The speed of the reference clock.
    pub reference_ratio: Ratio,
}

/// What DEBUGCTL can do in the processors below: freeze, and step by branches.
const DEBUG_CONTROL: DebugCtl = DebugCtl::new()
    .with_single_step_branches(true)
    .with_freeze_branch_records_on_pmi(true)
    .with_freeze_counters_on_pmi(true)
    .with_freeze_in_smm(true);

/// What PERF_CAPABILITIES says in the processors below.
const CAPABILITIES: PerfCapabilities = PerfCapabilities::new()
    .with_freeze_in_smm(true)
    .with_full_width_write(true);

impl Config {
    /// Intel Sapphire Rapids: version 5, 8 general-purpose and 3 fixed counters of 48 bits.
    ///
    /// The real one has a fourth fixed counter: see [`Config::with_topdown_slots`].
    #[must_use]
    pub const fn sapphire_rapids() -> Self {
        Self {
            version: Version::V5,
            gp_counters: 8,
            gp_width: 48,
            fixed_counters: 3,
            fixed_width: 48,
            fixed_bitmap: 0b0111,
            event_count: 8,
            events_missing: 0,
            any_thread_deprecated: true,
            capabilities: Some(CAPABILITIES),
            debug_control: DEBUG_CONTROL,
            has_processor_trace: false,
            has_sgx: false,
            pmi_delay: 0,
            reference_ratio: Ratio {
                reference: 1,
                core: 1,
            },
        }
    }

    /// Intel Skylake-X with two threads a core: version 4, 4 general-purpose and 3 fixed
    /// counters of 48 bits.
    #[must_use]
    pub const fn skylake_x() -> Self {
        Self {
            version: Version::V4,
            gp_counters: 4,
            fixed_bitmap: 0,
            event_count: 7,
            any_thread_deprecated: false,
            ..Self::sapphire_rapids()
        }
    }

    /// The same processor with fixed counter 3, which counts topdown slots.
    #[must_use]
    pub const fn with_topdown_slots(mut self) -> Self {
        self.fixed_counters = 4;
        if matches!(self.version, Version::V5) {
            self.fixed_bitmap = 0b1111;
        }
        self
    }

    /// The same processor whose interrupts come `instructions` late.
    #[must_use]
    pub const fn with_pmi_delay(mut self, instructions: u8) -> Self {
        self.pmi_delay = instructions;
        self
    }

    /// The same processor with another reference clock.
    #[must_use]
    pub const fn with_reference_ratio(mut self, ratio: Ratio) -> Self {
        self.reference_ratio = ratio;
        self
    }

    /// Whether such a processor could exist.
    ///
    /// # Errors
    ///
    /// The first field that is out of range.
    pub const fn check(&self) -> Result<(), ConfigError> {
        if self.gp_counters < 1 || self.gp_counters > 8 {
            return Err(ConfigError::GpCounters);
        }
        if self.fixed_counters > 4 {
            return Err(ConfigError::FixedCounters);
        }
        if self.gp_width < 32
            || self.gp_width > 62
            || self.fixed_width < 32
            || self.fixed_width > 62
        {
            return Err(ConfigError::Width);
        }
        if self.fixed_bitmap > 0b1111
            || self.fixed_bitmap != 0 && !matches!(self.version, Version::V5)
        {
            return Err(ConfigError::FixedBitmap);
        }
        if self.event_count > 8 || self.events_missing >> self.event_count != 0 {
            return Err(ConfigError::Events);
        }
        if self.any_thread_deprecated && !matches!(self.version, Version::V5) {
            return Err(ConfigError::AnyThread);
        }
        if matches!(self.version, Version::V2) && (self.has_processor_trace || self.has_sgx) {
            return Err(ConfigError::StatusBits);
        }
        if self.reference_ratio.reference == 0 || self.reference_ratio.core == 0 {
            return Err(ConfigError::ReferenceRatio);
        }
        Ok(())
    }

    /// Whether fixed counter `index` exists: the architecture's rule of version 5, which for
    /// earlier versions says the same as the plain number.
    #[must_use]
    pub const fn has_fixed(&self, index: u32) -> bool {
        index < 4 && (index < self.fixed_counters as u32 || self.fixed_bitmap >> index & 1 != 0)
    }
}

/// Which field of a [`Config`] no processor could have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// Not 1 to 8 general-purpose counters.
    GpCounters,
    /// More than 4 fixed counters.
    FixedCounters,
    /// A width that is not 32 to 62 bits.
    Width,
    /// A bitmap of fixed counters before version 5, or with a bit above 3.
    FixedBitmap,
    /// More than 8 architectural events, or a missing one that CPUID does not speak of.
    Events,
    /// Counting of all threads deprecated before version 5.
    AnyThread,
    /// Status bits of Processor Trace or SGX before version 4.
    StatusBits,
    /// A reference clock that stands still, or that has no core cycles to be compared with.
    ReferenceRatio,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GpCounters => "general-purpose counters are not 1 to 8",
            Self::FixedCounters => "fixed counters are more than 4",
            Self::Width => "a counter's width is not 32 to 62 bits",
            Self::FixedBitmap => "the bitmap of fixed counters needs version 5 and bits 0 to 3",
            Self::Events => "architectural events are more than 8, or an unlisted one is missing",
            Self::AnyThread => "any-thread counting is deprecated only from version 5 on",
            Self::StatusBits => "status bits of trace and SGX need version 4",
            Self::ReferenceRatio => "the reference ratio has a zero",
        })
    }
}

impl core::error::Error for ConfigError {}
