//! A CPU made of the reference model: what the driver's tests drive.

use pmu_drv::{CounterSet, CpuPmu, Layout, LocalVector, Phase, PmuContext, PmuPort};
use pmu_model::{Access, Batch, Config, Elapsed, Pmu};
use x86_regs::MsrAddr;
use x86_regs::pmu::{FixedCtrCtrl, PerfEvtSel};

pub(crate) const GLOBAL_CTRL: u32 = 0x38f;
pub(crate) const GLOBAL_STATUS: u32 = 0x38e;

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

pub(crate) fn cpu() -> CpuPmu<ModelPort> {
    let pmu = Pmu::new(config()).unwrap();
    CpuPmu::new(
        ModelPort {
            pmu,
            vector: LocalVector::Nmi,
            phase: Phase::Host,
        },
        layout(),
    )
}

pub(crate) const GUEST_VECTOR: LocalVector = LocalVector::Fixed {
    vector: 0xf4,
    masked: false,
};

pub(crate) fn wrmsr(pmu: &mut Pmu, address: u32, value: u64) {
    assert_eq!(
        pmu.wrmsr(address, value),
        Access::Done(()),
        "WRMSR {address:#x} <- {value:#x}"
    );
}

/// A VM entry with the guest's GLOBAL_CTRL, `elapsed` inside, and the exit that stops everything. Returns GLOBAL_CTRL as saved.
pub(crate) fn run(pmu: &mut Pmu, control: u64, elapsed: &Elapsed) -> u64 {
    wrmsr(pmu, GLOBAL_CTRL, control);
    pmu.advance(elapsed);
    let saved = pmu.rdmsr(GLOBAL_CTRL).done().unwrap();
    wrmsr(pmu, GLOBAL_CTRL, 0);
    saved
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

/// A selector that counts instructions in both rings.
pub(crate) fn instructions() -> PerfEvtSel {
    PerfEvtSel::from(0xc0 | 1 << 16 | 1 << 17 | 1 << 22)
}

/// A selector that counts branches in both rings.
pub(crate) fn branches() -> PerfEvtSel {
    PerfEvtSel::from(0xc4 | 1 << 16 | 1 << 17 | 1 << 22)
}

/// A context in which the counters of `mask` (a GLOBAL_CTRL value) are enabled and run. Counter values are `tag` plus the bit's number.
pub(crate) fn context(mask: u64, tag: u64) -> PmuContext {
    let mut context = PmuContext::new();
    for bit in (0..8_u8).filter(|bit| mask >> bit & 1 == 1) {
        context.set_selector(
            bit,
            if bit % 2 == 0 {
                instructions()
            } else {
                branches()
            },
        );
    }
    let fixed = (0..3)
        .filter(|i| mask >> (32 + i) & 1 == 1)
        .fold(0, |all, i| all | 0b11 << (4 * i));
    context.set_fixed_control(FixedCtrCtrl::from(fixed));
    context.set_global_control(mask.into());
    for counter in layout().counters.iter() {
        context.set_value(
            counter,
            tag + u64::from(counter.rdpmc() & 0xff) + u64::from(counter.rdpmc() >> 26),
        );
    }
    context
}
