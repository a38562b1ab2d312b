//! A VM and its vCPU: an answer of the kernel goes in, what to do next comes out.

use sel4_sys::vcpu::{VcpuReturn, VcpuState};
use x86_regs::cpuid::CpuidAnswer;
use x86_regs::pmu::PerfGlobalCtrl;
use x86_regs::system::PageAttributes;
use x86_regs::vmx::ExitWord;

use crate::config::VmConfig;
use crate::dev::Ports;
use crate::env::Env;
use crate::exit::{self, CpuidTable, Features, Outcome};
use crate::inject;
use crate::registers::Registers;
use crate::verdict::Verdict;
use crate::vlapic::Vlapic;
use crate::vpmu::{EventFilter, Vpmu};

/// What the vCPUs of a VM share.
#[derive(Clone, Debug)]
pub struct Vm {
    pub(crate) cpuid: CpuidTable,
    pub(crate) ports: Ports,
}

impl Vm {
    /// A VM made from `config` on a CPU where `host` executes CPUID (EAX, ECX).
    #[must_use]
    pub fn new(config: &VmConfig, host: impl Fn(u32, u32) -> CpuidAnswer) -> Self {
        Self {
            cpuid: CpuidTable::new(config, BOOT_APIC, host),
            ports: Ports::default(),
        }
    }
}

/// The identity of the only vCPU's APIC.
const BOOT_APIC: u32 = 0;

/// What the shell does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Next {
    /// Enter the guest. A halted one sleeps in the kernel; [`VcpuState::deadline`] says until when.
    Enter,
    /// Counters are enabled and the lease is not armed: ask for it, then enter. Nothing of the guest has changed.
    NeedLease,
    /// The VM ends.
    Stop(Verdict),
}

/// One virtual CPU, as far as the kernel does not have it.
#[derive(Clone, Debug)]
pub struct Vcpu {
    pub(crate) apic: Vlapic,
    pub(crate) pmu: Option<Vpmu>,
    pub(crate) features: Features,
    pub(crate) page_attributes: PageAttributes,
    is_halted: bool,
}

impl Vcpu {
    /// The vCPU of `vm` as after reset, with `filter` over its counters. [`Self::start`] comes next.
    #[must_use]
    pub fn new(config: &VmConfig, vm: &Vm, filter: EventFilter) -> Self {
        Self {
            apic: Vlapic::new(BOOT_APIC, config.tsc_hz, config.tsc_deadline),
            pmu: config.pmu.map(|shape| Vpmu::new(shape, filter)),
            features: vm.cpuid.features(),
            page_attributes: PageAttributes::RESET,
            is_halted: false,
        }
    }

    /// Tells the kernel what reset means for its part of the vCPU. Before the first entry.
    pub fn start(&self, state: &mut VcpuState, env: &mut impl Env) {
        self.apic.start(env);
        if let Some(pmu) = &self.pmu {
            state.global_control = pmu.start(env).into();
        }
    }

    /// Handles what the kernel answered to an entry, and says what to do next.
    ///
    /// The instruction that exited, if it was carried out, is added to [`VcpuState::emulated_instructions`]; the kernel adds it to
    /// the guest's counters at the next entry. None of the instructions handled here is a branch.
    pub fn handle(
        &mut self,
        vm: &mut Vm,
        returned: VcpuReturn,
        state: &mut VcpuState,
        env: &mut impl Env,
    ) -> Next {
        match returned {
            VcpuReturn::EXIT => {
                inject::repeat_interrupted(state);
                let outcome = exit::handle(self, vm, &mut Registers(state), env);
                self.carry_out(outcome, state, env)
            }
            VcpuReturn::SIGNALLED | VcpuReturn::DEADLINE | VcpuReturn::PMI => {
                inject::repeat_interrupted(state);
                self.wake(state, env)
            }
            VcpuReturn::LEASE_NEEDED => Next::NeedLease,
            VcpuReturn::ENTRY_FAILED => {
                let [a, b, c, d, ..] = state.exit_reason.to_le_bytes();
                Next::Stop(Verdict::EntryFailed {
                    reason: ExitWord::from(u32::from_le_bytes([a, b, c, d])).reason(),
                    instruction_error: state.instruction_error,
                })
            }
            VcpuReturn(number) => Next::Stop(Verdict::UnknownReturn { number }),
        }
    }

    /// Time has passed, or the kernel has set [`VcpuState::pmi_pending`]: delivers what is due.
    fn wake(&mut self, state: &mut VcpuState, env: &mut impl Env) -> Next {
        let now = env.now();
        self.apic.poll(now);
        if core::mem::take(&mut state.pmi_pending) != 0 {
            self.apic.pmi(env);
        }
        if self.is_halted {
            let takes_interrupts = Registers(state).rflags().interrupts();
            let wakes = self.apic.has_nmi() || takes_interrupts && self.apic.interrupt().is_some();
            if !wakes && !takes_interrupts {
                return Next::Stop(Verdict::HaltedForEver { rip: state.rip });
            }
            self.is_halted = !wakes;
            Registers(state).set_halted(self.is_halted);
        }
        if !self.is_halted {
            inject::deliver(state, &mut self.apic);
        }
        state.deadline = self.apic.next_deadline(now).unwrap_or(0);
        Next::Enter
    }

    /// Replaces the event filter. In force from the next entry on.
    pub fn set_filter(&mut self, filter: EventFilter, env: &mut impl Env) {
        if let Some(pmu) = &mut self.pmu {
            pmu.set_filter(filter, env);
        }
    }

    fn carry_out(&mut self, outcome: Outcome, state: &mut VcpuState, env: &mut impl Env) -> Next {
        match outcome {
            Outcome::Completed => Registers(state).retire(),
            Outcome::Halted => {
                // A counter that overflows by this very HLT must wake it; the kernel adds the HLT only when the guest is entered, so
                // it is not put to sleep.
                let running = PerfGlobalCtrl::from(state.global_control);
                let pmu = self.pmu.as_ref();
                let overflows = pmu.is_some_and(|p| p.next_instruction_interrupts(running, env));
                self.is_halted = !overflows;
                Registers(state).retire();
            }
            Outcome::Raise(exception) => exception.raise(state),
            Outcome::Resume => {}
            Outcome::Stop(verdict) => return Next::Stop(verdict),
        }
        self.wake(state, env)
    }
}
