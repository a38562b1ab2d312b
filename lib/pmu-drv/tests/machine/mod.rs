//! A CPU made of the reference model: what the driver's tests drive.

use pmu_drv::{CpuPmu, LocalVector, Phase, PmuContext};
use pmu_model::{Access, Elapsed, Pmu};
use x86_regs::pmu::{FixedCtrCtrl, PerfEvtSel};

mod port;

pub(crate) use port::{ModelPort, config, in_kernel, layout};

pub(crate) const GLOBAL_CTRL: u32 = 0x38f;
pub(crate) const GLOBAL_STATUS: u32 = 0x38e;

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
