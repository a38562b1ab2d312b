//! The unit itself: its registers, and how it starts.
//!
//! What an access does is in `msr`, what passing time does in `advance` and `count`, and how
//! far the emulator may run in `budget`.

mod advance;
mod budget;
mod count;
mod msr;
mod program;

use x86_regs::cpuid::{CpuidAnswer, PerfmonEax, PerfmonEbx, PerfmonEcx, PerfmonEdx, PerfmonLeaf};
use x86_regs::pmu::{DebugCtl, FixedCtrCtrl, GlobalStatus, PerfEvtSel, PerfGlobalCtrl};

use crate::{Access, Config, ConfigError};

/// Room for the general-purpose counters.
const GP: usize = 8;
/// Room for the fixed counters.
const FIXED: usize = 4;

/// A general-purpose counter with its selector.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct GpCounter {
    value: u64,
    select: PerfEvtSel,
    /// The condition held in the last cycle this counter counted; for edge detection.
    was_asserted: bool,
}

/// The performance-monitoring unit of one logical processor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pmu {
    config: Config,
    gp: [GpCounter; GP],
    fixed: [u64; FIXED],
    fixed_control: FixedCtrCtrl,
    global_control: PerfGlobalCtrl,
    status: GlobalStatus,
    debug_control: DebugCtl,
    clocks: count::Clocks,
    /// Instructions until the interrupt on its way arrives; zero when none is.
    delay_left: u8,
    interrupt_requested: bool,
}

impl Pmu {
    /// A unit as it is after power-on.
    ///
    /// # Errors
    ///
    /// Whatever [`Config::check`] has against `config`.
    pub const fn new(config: Config) -> Result<Self, ConfigError> {
        if let Err(error) = config.check() {
            return Err(error);
        }
        Ok(Self::powered_on(config))
    }

    const fn powered_on(config: Config) -> Self {
        const NOTHING: GpCounter = GpCounter {
            value: 0,
            select: PerfEvtSel::new(),
            was_asserted: false,
        };
        Self {
            config,
            gp: [NOTHING; GP],
            fixed: [0; FIXED],
            fixed_control: FixedCtrCtrl::new(),
            global_control: PerfGlobalCtrl::new().with_gp(msr::low_bits(config.gp_counters)),
            status: GlobalStatus::new(),
            debug_control: DebugCtl::new(),
            clocks: count::Clocks::new(),
            delay_left: 0,
            interrupt_requested: false,
        }
    }

    /// Power-on or hardware reset: everything as in [`Pmu::new`], an interrupt on its way
    /// included. GLOBAL_CTRL enables every general-purpose counter, as the manual says.
    ///
    /// INIT is not a reset: it leaves these registers alone, so do not call this for it.
    pub const fn reset(&mut self) {
        *self = Self::powered_on(self.config);
    }

    /// What this unit has.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The answer of CPUID leaf 0xA or 0x23; `None` for a leaf that is not about counters.
    ///
    /// Leaf 0x23 comes with version 6, so every subleaf of it is zero here.
    #[must_use]
    pub fn cpuid(&self, leaf: u32, _subleaf: u32) -> Option<CpuidAnswer> {
        let c = &self.config;
        match leaf {
            0xa => Some(
                PerfmonLeaf {
                    eax: PerfmonEax::new()
                        .with_version(c.version.number())
                        .with_gp_counters(c.gp_counters)
                        .with_gp_width(c.gp_width)
                        .with_event_count(c.event_count),
                    ebx: PerfmonEbx::from_bits(c.events_missing),
                    ecx: PerfmonEcx::new().with_fixed_bitmap(c.fixed_bitmap),
                    edx: PerfmonEdx::new()
                        .with_fixed_counters(c.fixed_counters)
                        .with_fixed_width(c.fixed_width)
                        .with_any_thread_deprecated(c.any_thread_deprecated),
                }
                .into(),
            ),
            0x23 => Some([0; 4]),
            _ => None,
        }
    }

    /// Whether GLOBAL_CTRL has every bit that is set in `value`: the check of VM entry and exit.
    #[must_use]
    pub fn global_ctrl_is_valid(&self, value: u64) -> bool {
        value & !self.global_ctrl_bits() == 0
    }

    /// GLOBAL_CTRL, for a VM exit to save.
    #[must_use]
    pub const fn global_ctrl(&self) -> u64 {
        self.global_control.into_bits()
    }

    /// Loads GLOBAL_CTRL as a VM entry or exit does: as WRMSR would, but without an
    /// instruction of its own.
    pub fn load_global_ctrl(&mut self, value: u64) -> Access<()> {
        if !self.global_ctrl_is_valid(value) {
            return Access::GeneralProtection;
        }
        self.global_control = PerfGlobalCtrl::from_bits(value);
        Access::Done(())
    }

    /// Whether DEBUGCTL has every bit that is set in `value`.
    #[must_use]
    pub const fn debugctl_is_valid(&self, value: u64) -> bool {
        value & !self.config.debug_control.into_bits() == 0
    }

    /// DEBUGCTL, for a VM exit to save.
    #[must_use]
    pub const fn debugctl(&self) -> u64 {
        self.debug_control.into_bits()
    }

    /// Loads DEBUGCTL as a VM entry does; a VM exit loads zero.
    pub const fn load_debugctl(&mut self, value: u64) -> Access<()> {
        if !self.debugctl_is_valid(value) {
            return Access::GeneralProtection;
        }
        self.debug_control = DebugCtl::from_bits(value);
        Access::Done(())
    }
}
