//! What RDMSR, WRMSR and RDPMC do.

use x86_regs::pmu::{
    DebugCtl, DebugStoreArea, EventSelect, FixedCounter, FixedCtrCtrl, FixedField,
    FullWidthCounter, GlobalInUse, GlobalStatus, GlobalStatusReset, GlobalStatusSet, LegacyCounter,
    PebsDataConfig, PebsEnable, PebsFrontend, PebsLoadLatency, PerfCapabilities, PerfEvtSel,
    PerfGlobalCtrl, PerfMetrics,
};
use x86_regs::{MsrAddr, MsrBank, MsrReg};

use super::{FIXED, Pmu};
use crate::{Access, Version};

/// A register that this unit has.
#[derive(Clone, Copy, Debug)]
enum Register {
    Legacy(usize),
    FullWidth(usize),
    Select(usize),
    Fixed(usize),
    FixedControl,
    GlobalControl,
    Status,
    StatusReset,
    StatusSet,
    InUse,
    Capabilities(PerfCapabilities),
    DebugControl,
}

/// Performance-monitoring registers that no configuration has: PERF_CAPABILITIES and CPUID
/// say that there are neither PEBS nor the debug store nor PERF_METRICS.
const PEBS_AND_METRICS: [MsrAddr; 6] = [
    PerfMetrics::ADDR,
    PebsEnable::ADDR,
    PebsDataConfig::ADDR,
    PebsLoadLatency::ADDR,
    PebsFrontend::ADDR,
    DebugStoreArea::ADDR,
];

/// What lives at an address.
enum Found {
    Register(Register),
    /// A register of the performance-monitoring architecture that this unit lacks.
    Missing,
    /// Nothing of this unit's.
    Stranger,
}

impl Pmu {
    /// RDMSR with `address` in ECX, in ring 0.
    pub fn rdmsr(&self, address: u32) -> Access<u64> {
        let register = match self.find(MsrAddr(address)) {
            Found::Register(register) => register,
            Found::Missing => return Access::GeneralProtection,
            Found::Stranger => return Access::NotPmu,
        };
        Access::Done(match register {
            Register::Legacy(index) | Register::FullWidth(index) => {
                self.gp.get(index).map_or(0, |counter| counter.value)
            }
            Register::Select(index) => self
                .gp
                .get(index)
                .map_or(0, |counter| counter.select.into_bits()),
            Register::Fixed(index) => self.fixed.get(index).copied().unwrap_or(0),
            Register::FixedControl => self.fixed_control.into_bits(),
            Register::GlobalControl => self.global_control.into_bits(),
            Register::Status => self.status.into_bits(),
            Register::StatusReset | Register::StatusSet => 0,
            Register::InUse => self.in_use().into_bits(),
            Register::Capabilities(capabilities) => capabilities.into_bits(),
            Register::DebugControl => self.debug_control.into_bits(),
        })
    }

    /// WRMSR with `address` in ECX and `value` in EDX:EAX, in ring 0.
    ///
    /// The value counts from here on: report what retired before first, and the WRMSR
    /// itself afterwards.
    pub fn wrmsr(&mut self, address: u32, value: u64) -> Access<()> {
        let register = match self.find(MsrAddr(address)) {
            Found::Register(register) => register,
            Found::Missing => return Access::GeneralProtection,
            Found::Stranger => return Access::NotPmu,
        };
        if value & !self.writable_bits(register) != 0 {
            return Access::GeneralProtection;
        }
        match register {
            // Read-only, whatever the value.
            Register::Status | Register::InUse | Register::Capabilities(_) => {
                return Access::GeneralProtection;
            }
            Register::Legacy(index) => {
                let extended = sign_extend(value, self.config.gp_width);
                self.set_gp(index, extended);
            }
            Register::FullWidth(index) => self.set_gp(index, value),
            Register::Select(index) => {
                if let Some(counter) = self.gp.get_mut(index) {
                    counter.select = PerfEvtSel::from_bits(value);
                    counter.was_asserted = false;
                }
            }
            Register::Fixed(index) => {
                if let Some(counter) = self.fixed.get_mut(index) {
                    *counter = value;
                }
            }
            Register::FixedControl => self.fixed_control = FixedCtrCtrl::from_bits(value),
            Register::GlobalControl => self.global_control = PerfGlobalCtrl::from_bits(value),
            Register::StatusReset => {
                self.status = GlobalStatus::from_bits(self.status.into_bits() & !value);
            }
            Register::StatusSet => {
                self.status = GlobalStatus::from_bits(self.status.into_bits() | value);
            }
            Register::DebugControl => self.debug_control = DebugCtl::from_bits(value),
        }
        Access::Done(())
    }

    /// RDPMC with `ecx` in ECX, where CR4.PCE or ring 0 allows it.
    ///
    /// Bits 31 to 16 are the kind: 0 a general-purpose counter, 0x4000 a fixed one. All other
    /// kinds raise #GP here: 0x2000 is PERF_METRICS, which this unit has not, and bit 31 was
    /// the fast read of processors before architectural performance monitoring.
    pub fn rdpmc(&self, ecx: u32) -> Access<u64> {
        let index = usize::try_from(ecx & 0xffff).unwrap_or(usize::MAX);
        let value = match ecx >> 16 {
            0 if self.has_gp(index) => self.gp.get(index).map(|counter| counter.value),
            0x4000 if self.has_fixed(index) => self.fixed.get(index).copied(),
            _ => None,
        };
        match value {
            Some(value) => Access::Done(value),
            None => Access::GeneralProtection,
        }
    }

    fn find(&self, address: MsrAddr) -> Found {
        const FIXED_CONTROL: MsrAddr = FixedCtrCtrl::ADDR;
        const GLOBAL_CONTROL: MsrAddr = PerfGlobalCtrl::ADDR;
        const STATUS: MsrAddr = GlobalStatus::ADDR;
        const RESET: MsrAddr = GlobalStatusReset::ADDR;
        const SET: MsrAddr = GlobalStatusSet::ADDR;
        const IN_USE: MsrAddr = GlobalInUse::ADDR;
        const CAPABILITIES: MsrAddr = PerfCapabilities::ADDR;
        const DEBUG: MsrAddr = DebugCtl::ADDR;
        let is_v4 = self.config.version >= Version::V4;
        let found = match address {
            FIXED_CONTROL => Some(Register::FixedControl),
            GLOBAL_CONTROL => Some(Register::GlobalControl),
            STATUS => Some(Register::Status),
            RESET => Some(Register::StatusReset),
            SET => is_v4.then_some(Register::StatusSet),
            IN_USE => is_v4.then_some(Register::InUse),
            CAPABILITIES => self.config.capabilities.map(Register::Capabilities),
            DEBUG => Some(Register::DebugControl),
            _ if PEBS_AND_METRICS.contains(&address) => None,
            _ => return self.find_in_banks(address),
        };
        found.map_or(Found::Missing, Found::Register)
    }

    fn find_in_banks(&self, address: MsrAddr) -> Found {
        let index_in = |index: Option<u32>| index.and_then(|index| usize::try_from(index).ok());
        let found = if let Some(index) = index_in(LegacyCounter::index(address)) {
            self.has_gp(index).then_some(Register::Legacy(index))
        } else if let Some(index) = index_in(FullWidthCounter::index(address)) {
            let full_width = self
                .config
                .capabilities
                .is_some_and(|c| c.full_width_write());
            (full_width && self.has_gp(index)).then_some(Register::FullWidth(index))
        } else if let Some(index) = index_in(PerfEvtSel::index(address)) {
            self.has_gp(index).then_some(Register::Select(index))
        } else if let Some(index) = index_in(FixedCounter::index(address)) {
            self.has_fixed(index).then_some(Register::Fixed(index))
        } else {
            return Found::Stranger;
        };
        found.map_or(Found::Missing, Found::Register)
    }

    /// The bits of `register` that are not reserved. Counters and selectors first.
    fn writable_bits(&self, register: Register) -> u64 {
        match register {
            Register::Legacy(_) => u64::MAX,
            Register::FullWidth(_) => (1 << self.config.gp_width) - 1,
            Register::Fixed(_) => (1 << self.config.fixed_width) - 1,
            Register::Select(_) => PerfEvtSel::new()
                .with_event(EventSelect(u16::MAX))
                .with_user(true)
                .with_kernel(true)
                .with_edge(true)
                .with_pin_control(true)
                .with_interrupt(true)
                .with_any_thread(self.has_any_thread())
                .with_enable(true)
                .with_invert(true)
                .with_counter_mask(u8::MAX)
                .into_bits(),
            Register::FixedControl => self.fixed_control_bits().into_bits(),
            Register::GlobalControl => self.global_ctrl_bits(),
            Register::StatusReset => self.status_bits().into_bits(),
            // The manual's table reserves bit 63 here, though STATUS_RESET has it.
            Register::StatusSet => self.status_bits().with_condition_changed(false).into_bits(),
            Register::DebugControl => self.config.debug_control.into_bits(),
            Register::Status | Register::InUse | Register::Capabilities(_) => u64::MAX,
        }
    }

    fn fixed_control_bits(&self) -> FixedCtrCtrl {
        let all = FixedField::new()
            .with_kernel(true)
            .with_user(true)
            .with_any_thread(self.has_any_thread())
            .with_interrupt(true);
        (0..4)
            .filter(|&index| self.config.has_fixed(index))
            .fold(FixedCtrCtrl::new(), |bits, index| {
                bits.with_field(index, all)
            })
    }

    pub(super) fn global_ctrl_bits(&self) -> u64 {
        let status = self.counter_bits();
        PerfGlobalCtrl::new()
            .with_gp(status.gp())
            .with_fixed(status.fixed())
            .into_bits()
    }

    /// The status bits of the counters that exist.
    fn counter_bits(&self) -> GlobalStatus {
        let fixed = (0..4)
            .filter(|&index| self.config.has_fixed(index))
            .fold(0, |bits: u16, index| bits | 1 << index);
        GlobalStatus::new()
            .with_gp(low_bits(self.config.gp_counters))
            .with_fixed(fixed)
    }

    /// Every status bit that exists.
    fn status_bits(&self) -> GlobalStatus {
        let is_v4 = self.config.version >= Version::V4;
        self.counter_bits()
            .with_trace_topa_pmi(is_v4 && self.config.has_processor_trace)
            .with_lbr_frozen(is_v4)
            .with_counters_frozen(is_v4)
            .with_asci(is_v4 && self.config.has_sgx)
            .with_uncore(is_v4)
            .with_debug_store(true)
            .with_condition_changed(true)
    }

    fn in_use(&self) -> GlobalInUse {
        let mut in_use = GlobalInUse::new();
        for (index, counter) in self.gp.iter().enumerate() {
            if counter.select.event().number() != 0 {
                in_use.set_gp(in_use.gp() | 1 << index);
            }
            in_use.set_pmi(in_use.pmi() || counter.select.interrupt());
        }
        for index in 0..4 {
            let field = self.fixed_control.field(index).unwrap_or_default();
            if field.kernel() || field.user() {
                in_use.set_fixed(in_use.fixed() | 1 << index);
            }
            in_use.set_pmi(in_use.pmi() || field.interrupt());
        }
        in_use
    }

    fn has_gp(&self, index: usize) -> bool {
        index < usize::from(self.config.gp_counters)
    }

    fn has_fixed(&self, index: usize) -> bool {
        index < FIXED && u32::try_from(index).is_ok_and(|index| self.config.has_fixed(index))
    }

    /// Counting of all threads came with version 3 and may have gone with version 5. Each
    /// core here has one thread, so the bits change nothing.
    fn has_any_thread(&self) -> bool {
        self.config.version >= Version::V4 && !self.config.any_thread_deprecated
    }

    fn set_gp(&mut self, index: usize, value: u64) {
        if let Some(counter) = self.gp.get_mut(index) {
            counter.value = value;
        }
    }
}

/// The low 32 bits of `value` as a signed number of `width` bits; the high 32 are ignored.
const fn sign_extend(value: u64, width: u8) -> u64 {
    let low = value & 0xffff_ffff;
    let sign = if low >> 31 != 0 { u64::MAX << 32 } else { 0 };
    (low | sign) & ((1 << width) - 1)
}

/// The lowest `count` bits, for at most 31.
pub(super) const fn low_bits(count: u8) -> u32 {
    (1 << count) - 1
}
