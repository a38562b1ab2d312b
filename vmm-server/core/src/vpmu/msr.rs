//! RDMSR and WRMSR of the performance-monitoring registers.

use pmu_drv::{
    Alleged, Counter, CounterSet, check_counter, check_fixed_control, check_global_control,
    check_selector,
};
use x86_regs::pmu::{
    FixedCounter, FixedCtrCtrl, FullWidthCounter, GlobalStatus, GlobalStatusReset, LegacyCounter,
    PerfCapabilities, PerfEvtSel, PerfGlobalCtrl,
};
use x86_regs::{MsrAddr, MsrBank, MsrReg};

use super::Vpmu;
use crate::env::PmuBackend;
use crate::exit::{Rdmsr, Wrmsr};

/// A register that the guest has.
#[derive(Clone, Copy, Debug)]
enum Register {
    /// Written with 32 bits, whose sign is extended.
    Legacy(Counter),
    /// Written with all bits.
    Full(Counter),
    Selector(u8),
    FixedControl,
    GlobalControl,
    Status,
    StatusReset,
    Capabilities(PerfCapabilities),
}

impl Vpmu {
    /// RDMSR. `running` is the guest's GLOBAL_CTRL as of the exit.
    pub fn rdmsr(
        &mut self,
        address: MsrAddr,
        running: PerfGlobalCtrl,
        pmu: &mut impl PmuBackend,
    ) -> Rdmsr {
        let Some(register) = self.find(address) else {
            return Rdmsr::NotMine;
        };
        Rdmsr::Value(match register {
            Register::Legacy(counter) | Register::Full(counter) => {
                let value = pmu.read_counter(counter);
                self.open(CounterSet::EMPTY.with(counter), pmu);
                value
            }
            Register::Selector(index) => {
                let selector = self.selectors.get(usize::from(index));
                selector.map_or(0, |selector| selector.guest.into())
            }
            Register::FixedControl => self.fixed_control.into(),
            Register::GlobalControl => running.into(),
            Register::Status => self.status_bits(pmu.read_status()),
            Register::StatusReset => 0,
            Register::Capabilities(capabilities) => capabilities.into(),
        })
    }

    /// WRMSR. `running` is the guest's GLOBAL_CTRL, and changes when the guest writes it.
    pub fn wrmsr(
        &mut self,
        address: MsrAddr,
        value: u64,
        running: &mut PerfGlobalCtrl,
        pmu: &mut impl PmuBackend,
    ) -> Wrmsr {
        let Some(register) = self.find(address) else {
            return Wrmsr::NotMine;
        };
        let counters = self.shape.layout().counters;
        let alleged = Alleged(value);
        match register {
            Register::Legacy(counter) => {
                let value = self.sign_extended(counter, value);
                self.write_counter(counter, value, pmu);
            }
            Register::Full(counter) => {
                let Ok(value) = check_counter(alleged, counter, self.shape.layout()) else {
                    return Wrmsr::Fault;
                };
                self.write_counter(counter, value, pmu);
            }
            Register::Selector(index) => {
                // Pin control never reaches the hardware, so that the list of what may does not apply to it.
                let guest = PerfEvtSel::from(value);
                if check_selector(Alleged(guest.with_pin_control(false).into())).is_err() {
                    return Wrmsr::Fault;
                }
                self.write_selector(index, guest, pmu);
            }
            Register::FixedControl => {
                let Ok(control) = check_fixed_control(alleged, counters) else {
                    return Wrmsr::Fault;
                };
                self.write_fixed_control(control, pmu);
            }
            Register::GlobalControl => {
                let Ok(control) = check_global_control(alleged, counters) else {
                    return Wrmsr::Fault;
                };
                *running = control;
                pmu.set_global_control(control);
            }
            Register::StatusReset => {
                let allowed = GlobalStatusReset::from(counters.bits())
                    .with_debug_store(true)
                    .with_condition_changed(true);
                if value & !u64::from(allowed) != 0 {
                    return Wrmsr::Fault;
                }
                let clear = CounterSet::from_bits(value);
                if !clear.is_empty() {
                    pmu.change_status(clear, CounterSet::EMPTY);
                }
            }
            Register::Status | Register::Capabilities(_) => return Wrmsr::Fault,
        }
        Wrmsr::Done
    }

    fn write_counter(&mut self, counter: Counter, value: u64, pmu: &mut impl PmuBackend) {
        pmu.write_counter(counter, value);
        self.open(CounterSet::EMPTY.with(counter), pmu);
    }

    /// The overflow bits of the guest's own counters; the hardware may have more, of a later version.
    fn status_bits(&self, status: GlobalStatus) -> u64 {
        let own = CounterSet::from_bits(status.into()).intersection(self.shape.layout().counters);
        own.bits()
    }

    /// What a write of 32 bits makes of a counter: SDM vol. 3B, "Full-Width Writes to Performance Counter Registers".
    fn sign_extended(&self, counter: Counter, value: u64) -> u64 {
        let [a, b, c, d, ..] = value.to_le_bytes();
        let extended = i64::from(i32::from_le_bytes([a, b, c, d]));
        extended.cast_unsigned() & self.shape.layout().mask(counter)
    }

    fn find(&self, address: MsrAddr) -> Option<Register> {
        const FIXED_CONTROL: MsrAddr = FixedCtrCtrl::ADDR;
        const GLOBAL_CONTROL: MsrAddr = PerfGlobalCtrl::ADDR;
        const STATUS: MsrAddr = GlobalStatus::ADDR;
        const RESET: MsrAddr = GlobalStatusReset::ADDR;
        const CAPABILITIES: MsrAddr = PerfCapabilities::ADDR;
        let version_2 = self.shape.has_global_registers();
        match address {
            FIXED_CONTROL => version_2.then_some(Register::FixedControl),
            GLOBAL_CONTROL => version_2.then_some(Register::GlobalControl),
            STATUS => version_2.then_some(Register::Status),
            RESET => version_2.then_some(Register::StatusReset),
            CAPABILITIES => self.shape.capabilities().map(Register::Capabilities),
            _ => self.find_in_banks(address),
        }
    }

    fn find_in_banks(&self, address: MsrAddr) -> Option<Register> {
        let index = |index: Option<u32>| u8::try_from(index?).ok();
        let own = |counter: &Counter| self.shape.layout().has(*counter);
        if let Some(i) = index(LegacyCounter::index(address)) {
            Counter::gp(i).filter(own).map(Register::Legacy)
        } else if let Some(i) = index(FullWidthCounter::index(address)) {
            self.shape.capabilities()?;
            Counter::gp(i).filter(own).map(Register::Full)
        } else if let Some(i) = index(PerfEvtSel::index(address)) {
            Counter::gp(i).filter(own).map(|_| Register::Selector(i))
        } else if let Some(i) = index(FixedCounter::index(address)) {
            Counter::fixed(i).filter(own).map(Register::Full)
        } else {
            None
        }
    }
}
