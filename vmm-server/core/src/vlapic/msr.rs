//! RDMSR and WRMSR of the APIC: x2APIC registers, APIC_BASE, TSC deadline.
//!
//! SDM vol. 3A, "x2APIC Register Address Space": reading what can only be written, writing what can only be read, a
//! reserved bit and a register that does not exist are #GP.

use x86_regs::apic::{
    ApicBase, ApicId, ApicReg, ApicRegister, ApicVersion, CurrentCount, DivideConfiguration,
    EndOfInterrupt, ErrorStatus, InitialCount, InterruptCommand, LogicalDestination, LvtEntry,
    LvtError, LvtLint0, LvtLint1, LvtPmc, LvtThermal, LvtTimer, ProcessorPriority, SelfIpi,
    SpuriousVector, TaskPriority, TscDeadline, VectorRow,
};
use x86_regs::{MsrAddr, MsrReg};

use super::timer::Mode;
use super::{LVT_ENTRIES, Lvt, Vlapic};
use crate::env::{Moment, PmuBackend};
use crate::exit::{Rdmsr, Wrmsr};

/// The version that CPUs with an integrated APIC report.
const VERSION: u8 = 0x14;

/// MSRs of the x2APIC range; those without a register fault.
const X2APIC: core::ops::RangeInclusive<u32> =
    ApicRegister(0).msr().0..=ApicRegister(u8::MAX).msr().0;

impl Vlapic {
    /// RDMSR at `now`.
    pub fn rdmsr(&mut self, address: MsrAddr, now: Moment) -> Rdmsr {
        self.poll(now);
        match address {
            ApicBase::ADDR => Rdmsr::Value(self.base.into()),
            TscDeadline::ADDR if self.has_tsc_deadline => Rdmsr::Value(self.timer.deadline()),
            _ if !X2APIC.contains(&address.0) => Rdmsr::NotMine,
            _ if !self.base.x2apic() => Rdmsr::Fault,
            _ => ApicRegister::from_msr(address)
                .and_then(|register| self.read(register, now))
                .map_or(Rdmsr::Fault, Rdmsr::Value),
        }
    }

    /// WRMSR at `now`. A changed mask of LVTPC is passed on to `pmu`.
    pub fn wrmsr(
        &mut self,
        address: MsrAddr,
        value: u64,
        now: Moment,
        pmu: &mut impl PmuBackend,
    ) -> Wrmsr {
        self.poll(now);
        let was_masked = self.entry(Lvt::Pmc).masked();
        let written = match address {
            ApicBase::ADDR => self.write_base(value.into()),
            TscDeadline::ADDR if self.has_tsc_deadline => {
                self.timer.set_deadline(value);
                Some(())
            }
            _ if !X2APIC.contains(&address.0) => return Wrmsr::NotMine,
            _ if !self.base.x2apic() => None,
            _ => ApicRegister::from_msr(address)
                .and_then(|register| self.write(register, value, now)),
        };
        let is_masked = self.entry(Lvt::Pmc).masked();
        if was_masked != is_masked {
            pmu.set_pmi_mask(is_masked);
        }
        match written {
            Some(()) => {
                self.poll(now);
                Wrmsr::Done
            }
            None => Wrmsr::Fault,
        }
    }

    fn read(&self, register: ApicRegister, now: Moment) -> Option<u64> {
        if let Some(which) = lvt(register) {
            return Some(u32::from(self.entry(which)).into());
        }
        if let Some(value) = self.read_row(register) {
            return Some(value.into());
        }
        let value: u32 = match register {
            ApicId::REGISTER => self.id,
            ApicVersion::REGISTER => version().into(),
            TaskPriority::REGISTER => self.task_priority.into(),
            ProcessorPriority::REGISTER => self.processor_priority().into(),
            LogicalDestination::REGISTER => self.logical_id(),
            SpuriousVector::REGISTER => self.spurious.into(),
            ErrorStatus::REGISTER => self.latched_errors.into(),
            InterruptCommand::REGISTER => return Some(self.command.into()),
            InitialCount::REGISTER => self.timer.initial(),
            CurrentCount::REGISTER => self.timer.current(now),
            DivideConfiguration::REGISTER => self.timer.divide().into(),
            _ => return None,
        };
        Some(value.into())
    }

    fn read_row(&self, register: ApicRegister) -> Option<u32> {
        let requested = VectorRow::REQUESTED.index(register);
        let in_service = VectorRow::IN_SERVICE.index(register);
        // Every interrupt here is an edge.
        let levels = VectorRow::TRIGGER_MODE.index(register).map(|_| 0);
        requested
            .map(|i| self.requested.word(i))
            .or_else(|| in_service.map(|i| self.in_service.word(i)))
            .or(levels)
    }

    /// `None`: #GP.
    fn write(&mut self, register: ApicRegister, value: u64, now: Moment) -> Option<()> {
        if register == InterruptCommand::REGISTER {
            return self.write_command(value);
        }
        let value = u32::try_from(value).ok()?;
        if let Some(which) = lvt(register) {
            return self.write_entry(which, value.into());
        }
        match register {
            TaskPriority::REGISTER => self.task_priority = u8::try_from(value).ok()?,
            EndOfInterrupt::REGISTER => {
                zero(value)?;
                self.end_of_interrupt();
            }
            SpuriousVector::REGISTER => self.write_spurious(value.into())?,
            ErrorStatus::REGISTER => {
                zero(value)?;
                self.latched_errors = core::mem::take(&mut self.errors);
            }
            SelfIpi::REGISTER => {
                let vector = u8::try_from(value).ok()?;
                let to_self = InterruptCommand::new().with_shorthand(InterruptCommand::TO_SELF);
                self.send(to_self.with_vector(vector));
            }
            InitialCount::REGISTER => self.timer.set_initial(value, now),
            DivideConfiguration::REGISTER => {
                let divide = DivideConfiguration::from(value);
                let known = DivideConfiguration::new()
                    .with_low(divide.low())
                    .with_high(divide.high());
                (divide == known).then_some(())?;
                self.timer.set_divide(divide, now);
            }
            _ => return None,
        }
        Some(())
    }

    fn write_command(&mut self, value: u64) -> Option<()> {
        let command = InterruptCommand::from(value);
        let known = InterruptCommand::new()
            .with_vector(command.vector())
            .with_delivery(command.delivery())
            .with_logical(command.logical())
            .with_asserted(command.asserted())
            .with_level(command.level())
            .with_shorthand(command.shorthand())
            .with_destination(command.destination());
        (command == known).then_some(())?;
        self.command = command;
        self.send(command);
        Some(())
    }

    fn write_spurious(&mut self, spurious: SpuriousVector) -> Option<()> {
        let known = SpuriousVector::new()
            .with_vector(spurious.vector())
            .with_enable(spurious.enable());
        (spurious == known).then_some(())?;
        self.spurious = spurious;
        if !spurious.enable() {
            // Switching the APIC off masks every entry; switching it on does not unmask them.
            for entry in &mut self.entries {
                entry.set_masked(true);
            }
        }
        Some(())
    }

    fn write_entry(&mut self, which: Lvt, entry: LvtEntry) -> Option<()> {
        let known = LvtEntry::new()
            .with_vector(entry.vector())
            .with_masked(entry.masked());
        let known = match which {
            Lvt::Timer => known.with_timer_mode(entry.timer_mode()),
            Lvt::Error => known,
            Lvt::Thermal | Lvt::Pmc => known.with_delivery(entry.delivery()),
            Lvt::Lint0 | Lvt::Lint1 => known
                .with_delivery(entry.delivery())
                .with_active_low(entry.active_low())
                .with_level(entry.level()),
        };
        // What is read only is ignored, everything else reserved.
        let read_only = LvtEntry::new().with_pending(true).with_remote_irr(true);
        let reserved = u32::from(entry) & !u32::from(known) & !u32::from(read_only);
        zero(reserved)?;
        if which == Lvt::Timer {
            let mode = Mode::of(entry)?;
            (mode != Mode::TscDeadline || self.has_tsc_deadline).then_some(())?;
            self.timer.set_mode(mode);
        }
        let masked = known.masked() || !self.spurious.enable();
        self.set_entry(which, known.with_masked(masked));
        Some(())
    }

    /// Modes change only along the arrows of SDM vol. 3A, "x2APIC State Transitions". Off forgets everything but the mode.
    fn write_base(&mut self, base: ApicBase) -> Option<()> {
        let known = self
            .base
            .with_enable(base.enable())
            .with_x2apic(base.x2apic());
        (base == known).then_some(())?;
        match (
            (self.base.enable(), self.base.x2apic()),
            (base.enable(), base.x2apic()),
        ) {
            (_, (false, true)) | ((false, _), (true, true)) | ((_, true), (true, false)) => None,
            (_, (false, false)) => {
                let fresh = Self::new(self.id, self.timer.tsc_hz(), self.has_tsc_deadline);
                *self = Self {
                    base,
                    nmi: self.nmi,
                    ..fresh
                };
                Some(())
            }
            _ => {
                self.base = base;
                Some(())
            }
        }
    }
}

fn lvt(register: ApicRegister) -> Option<Lvt> {
    Some(match register {
        LvtTimer::REGISTER => Lvt::Timer,
        LvtThermal::REGISTER => Lvt::Thermal,
        LvtPmc::REGISTER => Lvt::Pmc,
        LvtLint0::REGISTER => Lvt::Lint0,
        LvtLint1::REGISTER => Lvt::Lint1,
        LvtError::REGISTER => Lvt::Error,
        _ => return None,
    })
}

fn version() -> ApicVersion {
    let last = u8::try_from(LVT_ENTRIES - 1).unwrap_or(0);
    ApicVersion::new().with_version(VERSION).with_last_lvt(last)
}

fn zero(value: u32) -> Option<()> {
    (value == 0).then_some(())
}
