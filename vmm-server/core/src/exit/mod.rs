//! One file for each thing that makes a guest exit; here is who is asked.
//!
//! A handler answers an [`Outcome`], which names the consequence. Only [`Outcome::Completed`] and [`Outcome::Halted`] move RIP
//! and count the instruction for the guest: an instruction that faults does not retire.

mod control;
mod cpuid;
mod decode;
mod msr;
mod port;

pub use cpuid::CpuidTable;
pub(crate) use cpuid::Features;
pub use decode::{Exit, PortAccess};

use crate::env::Env;
use crate::inject::Exception;
use crate::registers::Registers;
use crate::vcpu::{Vcpu, Vm};
use crate::verdict::Verdict;
use crate::vpmu::Rdpmc;

/// What becomes of an RDMSR.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Rdmsr {
    /// It reads this.
    Value(u64),
    /// #GP(0).
    Fault,
    /// The register belongs to somebody else.
    NotMine,
}

/// What becomes of a WRMSR.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Wrmsr {
    /// It happened.
    Done,
    /// #GP(0), and nothing has changed.
    Fault,
    /// The register belongs to somebody else.
    NotMine,
}

/// What an exit leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Outcome {
    /// The instruction was carried out: past it, and it counts.
    Completed,
    /// HLT was carried out: past it, it counts, and the vCPU sleeps.
    Halted,
    /// The guest goes on where it is.
    Resume,
    /// The instruction raises an exception; it did not happen.
    Raise(Exception),
    /// The VM ends.
    Stop(Verdict),
}

/// Handles the exit that the page tells of.
pub(crate) fn handle(
    vcpu: &mut Vcpu,
    vm: &mut Vm,
    registers: &mut Registers<'_>,
    env: &mut impl Env,
) -> Outcome {
    let rip = registers.0.rip;
    let not_emulated = |what| Outcome::Stop(Verdict::NotEmulated { what, rip });
    match Exit::decode(registers.0) {
        Exit::Nothing => Outcome::Resume,
        Exit::Cpuid => {
            let answer = vm.cpuid.answer(registers.eax(), registers.ecx());
            registers.set_four(answer);
            Outcome::Completed
        }
        Exit::Rdmsr => msr::read(vcpu, registers, env),
        Exit::Wrmsr => msr::write(vcpu, registers, env),
        Exit::Rdpmc => {
            let Some(pmu) = &mut vcpu.pmu else {
                return Outcome::Raise(Exception::GeneralProtection);
            };
            match pmu.rdpmc(registers.ecx(), env) {
                Rdpmc::Value(value) => {
                    registers.set_pair(value);
                    Outcome::Completed
                }
                Rdpmc::Fault => Outcome::Raise(Exception::GeneralProtection),
            }
        }
        Exit::Hlt => Outcome::Halted,
        Exit::Ignored => Outcome::Completed,
        Exit::Absent => Outcome::Raise(Exception::InvalidOpcode),
        Exit::Port(access) => port::access(vm, registers, access, env),
        Exit::StringPort => not_emulated("INS or OUTS"),
        Exit::Control(access) => control::access(vcpu, registers, access),
        Exit::Memory { address, access } => Outcome::Stop(Verdict::NoMemory {
            address,
            access,
            rip,
        }),
        Exit::TripleFault => Outcome::Stop(Verdict::TripleFault { rip }),
        Exit::Unknown(reason) => Outcome::Stop(Verdict::UnknownExit {
            reason,
            qualification: registers.0.exit_qualification,
            rip,
        }),
    }
}
