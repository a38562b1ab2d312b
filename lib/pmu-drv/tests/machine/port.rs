//! The reference model behind the driver's port.

use pmu_drv::{CounterSet, Layout, LocalVector, Phase, PmuPort};
use pmu_model::{Access, Batch, Config, Elapsed, Pmu};
use x86_regs::MsrAddr;

const GLOBAL_CTRL: u32 = 0x38f;

/// The model behind the driver's port. Panics when the driver breaks an invariant.
#[derive(Debug)]
pub(crate) struct ModelPort {
    pub(crate) pmu: Pmu,
    pub(crate) vector: LocalVector,
    pub(crate) phase: Phase,
}

impl ModelPort {
    fn assert_stopped(&self, what: &str) {
        assert_eq!(
            self.pmu.rdmsr(GLOBAL_CTRL),
            Access::Done(0),
            "{what} written while counters may run"
        );
    }
}

impl PmuPort for ModelPort {
    fn read_msr(&mut self, address: MsrAddr) -> u64 {
        self.pmu
            .rdmsr(address.0)
            .done()
            .unwrap_or_else(|| panic!("RDMSR {:#x} faulted", address.0))
    }
    fn write_msr(&mut self, address: MsrAddr, value: u64) {
        if address.0 != GLOBAL_CTRL {
            self.assert_stopped("a register");
        }
        assert_ne!(
            self.phase,
            Phase::Host,
            "registers change only in phase Switching or Guest"
        );
        let done = self.pmu.wrmsr(address.0, value);
        assert_eq!(
            done,
            Access::Done(()),
            "WRMSR {:#x} <- {value:#x}",
            address.0
        );
    }
    fn read_counter(&mut self, ecx: u32) -> u64 {
        self.pmu
            .rdpmc(ecx)
            .done()
            .unwrap_or_else(|| panic!("RDPMC {ecx:#x} faulted"))
    }
    fn set_local_vector(&mut self, vector: LocalVector) {
        self.assert_stopped("LVTPC");
        self.vector = vector;
    }
    fn set_phase(&mut self, phase: Phase) {
        self.phase = phase;
    }
}

/// The machine with 8 general-purpose and 3 fixed counters.
pub(crate) fn config() -> Config {
    Config::sapphire_rapids()
}

pub(crate) fn layout() -> Layout {
    Layout {
        counters: CounterSet::from_bits(0x7_0000_00ff),
        gp_width: 48,
        fixed_width: 48,
        version: 5,
    }
}

pub(crate) fn in_kernel(instructions: u64, branches: u64) -> Elapsed {
    Elapsed {
        kernel: Batch {
            branches,
            ..Batch::instructions(instructions)
        },
        ..Elapsed::default()
    }
}
