//! Owners that share a PMU through the driver count as if each had its own.
//!
//! The oracle is exactly that: for every owner a second reference PMU that nobody else touches, to which the same
//! things happen. An instruction that software emulates for an owner simply retires on its oracle.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod machine;

use machine::{
    GLOBAL_CTRL, GLOBAL_STATUS, GUEST_VECTOR, ModelPort, config, cpu, in_kernel, layout, run, wrmsr,
};
use pmu_drv::{Counter, CounterSet, CpuPmu, Emulated, LocalVector, PmuContext, Retired, Ring};
use pmu_model::Pmu;
use proptest::prelude::*;
use x86_regs::pmu::{FixedCtrCtrl, PerfEvtSel};

const OWNERS: usize = 3;
const FIXED_CTR_CTRL: u32 = 0x38d;

#[derive(Clone, Debug)]
enum Step {
    /// Make this guest resident, putting whoever is.
    Switch(usize),
    /// The resident guest runs.
    Run { instructions: u64, branches: u64 },
    /// The resident guest writes a selector; it is trapped.
    Selector {
        index: u8,
        event: u8,
        enable: bool,
        interrupt: bool,
    },
    /// The resident guest writes FIXED_CTR_CTRL; it is trapped.
    Fixed(u64),
    /// The resident guest writes GLOBAL_CTRL, directly.
    Global(u64),
    /// The resident guest writes a counter: its first access makes it live, the write is direct.
    Counter { counter: Counter, value: u64 },
    /// The VMM emulated instructions of the resident guest.
    Emulate(Retired),
    /// Put everybody; the host counts for a while.
    Host { instructions: u64 },
}

fn counters() -> impl Strategy<Value = Counter> {
    prop_oneof![
        (0..8_u8).prop_map(|i| Counter::gp(i).unwrap()),
        (0..3_u8).prop_map(|i| Counter::fixed(i).unwrap()),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let near_overflow = (0..200_u64).prop_map(|below| (1 << 48) - 1 - below);
    let step = prop_oneof![
        3 => (0..OWNERS).prop_map(Step::Switch),
        4 => (1..300_u64, 0..50_u64).prop_map(|(n, b)| Step::Run { instructions: n + b, branches: b }),
        3 => (0..8_u8, prop_oneof![Just(0xc0_u8), Just(0xc4), Just(0x3c)], any::<bool>(), any::<bool>())
            .prop_map(|(index, event, enable, interrupt)| Step::Selector { index, event, enable, interrupt }),
        2 => any::<u64>().prop_map(|bits| Step::Fixed(bits & 0xbbb)),
        2 => any::<u64>().prop_map(|bits| Step::Global(bits & 0x7_0000_00ff)),
        2 => (counters(), prop_oneof![0..1000_u64, near_overflow])
            .prop_map(|(counter, value)| Step::Counter { counter, value }),
        2 => (0..200_u32, 0..20_u32)
            .prop_map(|(i, b)| Step::Emulate(Retired { instructions: i + b, branches: b })),
        1 => (1..300_u64).prop_map(|instructions| Step::Host { instructions }),
    ];
    proptest::collection::vec(step, 1..60)
}

struct Shared {
    cpu: CpuPmu<ModelPort>,
    guests: Vec<PmuContext>,
    host: PmuContext,
    resident: Option<usize>,
}

impl Shared {
    fn put(&mut self) {
        if let Some(guest) = self.resident.take() {
            let mut stopped = self.cpu.exited();
            stopped.leave(&mut self.guests[guest]);
            stopped.take(&self.host, LocalVector::Nmi);
            stopped.start_host(&self.host);
        }
    }

    fn switch(&mut self, to: usize) {
        match self.resident.replace(to) {
            Some(from) if from == to => {}
            Some(from) => {
                let mut stopped = self.cpu.exited();
                stopped.leave(&mut self.guests[from]);
                stopped.take(&self.guests[to], GUEST_VECTOR);
                let _ = stopped.start_guest(&self.guests[to]);
            }
            None => {
                let mut stopped = self.cpu.stop();
                let _ = stopped.leave_host(&mut self.host);
                stopped.take(&self.guests[to], GUEST_VECTOR);
                let _ = stopped.start_guest(&self.guests[to]);
            }
        }
    }
}

/// The address at which `counter` is written with its full width.
fn address(counter: Counter) -> u32 {
    let ecx = counter.rdpmc();
    if ecx >= 1 << 30 {
        0x309 + (ecx & 0xff)
    } else {
        0x4c1 + ecx
    }
}

fn apply(shared: &mut Shared, oracles: &mut [Pmu], step: &Step) -> Result<(), TestCaseError> {
    match (step, shared.resident) {
        (Step::Switch(to), _) => shared.switch(*to),
        (Step::Host { instructions }, _) => {
            shared.put();
            let elapsed = in_kernel(*instructions, 0);
            shared.cpu.port().pmu.advance(&elapsed);
            oracles[OWNERS].advance(&elapsed);
        }
        (_, None) => {}
        (
            Step::Run {
                instructions,
                branches,
            },
            Some(guest),
        ) => {
            let elapsed = in_kernel(*instructions, *branches);
            let control = shared.guests[guest].global_control().into();
            let saved = run(&mut shared.cpu.port().pmu, control, &elapsed);
            shared.guests[guest].set_global_control(saved.into());
            oracles[guest].advance(&elapsed);
        }
        (
            Step::Selector {
                index,
                event,
                enable,
                interrupt,
            },
            Some(guest),
        ) => {
            let selector = PerfEvtSel::from(u64::from(*event) | 3 << 16)
                .with_enable(*enable)
                .with_interrupt(*interrupt);
            shared
                .cpu
                .set_selector(&mut shared.guests[guest], *index, selector);
            wrmsr(
                &mut oracles[guest],
                0x186 + u32::from(*index),
                selector.into(),
            );
        }
        (Step::Fixed(bits), Some(guest)) => {
            shared
                .cpu
                .set_fixed_control(&mut shared.guests[guest], FixedCtrCtrl::from(*bits));
            wrmsr(&mut oracles[guest], FIXED_CTR_CTRL, *bits);
        }
        (Step::Global(bits), Some(guest)) => {
            shared.guests[guest].set_global_control((*bits).into());
            wrmsr(&mut oracles[guest], GLOBAL_CTRL, *bits);
        }
        (Step::Counter { counter, value }, Some(guest)) => {
            let one = CounterSet::EMPTY.with(*counter);
            shared.cpu.open(&mut shared.guests[guest], one);
            wrmsr(&mut shared.cpu.port().pmu, address(*counter), *value);
            wrmsr(&mut oracles[guest], address(*counter), *value);
        }
        (Step::Emulate(retired), Some(guest)) => {
            let outcome = shared
                .cpu
                .add_emulated(&shared.guests[guest], Ring::Kernel, *retired);
            // Only counters of instructions and branches move; the cycles of the oracle stand still with
            // the emulated instruction, as they do on a CPU that is not running the guest.
            let pmi = retire_without_cycles(&mut oracles[guest], *retired);
            prop_assert_eq!(outcome == Emulated::Pmi, pmi);
        }
    }
    Ok(())
}

/// Retires on the oracle, and takes back what counters of cycles saw of it. Says whether a PMI was asked for.
fn retire_without_cycles(oracle: &mut Pmu, retired: Retired) -> bool {
    let counts_cycles = |pmu: &Pmu, counter: Counter| match counter.rdpmc() {
        ecx if ecx >= 1 << 30 => ecx & 3 != 0,
        ecx => pmu.rdmsr(0x186 + ecx).done().unwrap() & 0xff == 0x3c,
    };
    let selectors: Vec<_> = (0..8)
        .map(|i| oracle.rdmsr(0x186 + i).done().unwrap())
        .collect();
    let fixed = oracle.rdmsr(FIXED_CTR_CTRL).done().unwrap();
    // Stop the counters of cycles for the time of the emulated instructions.
    for counter in layout()
        .counters
        .iter()
        .filter(|&c| counts_cycles(oracle, c))
        .collect::<Vec<_>>()
    {
        if counter.rdpmc() < 8 {
            wrmsr(oracle, 0x186 + counter.rdpmc(), 0);
        }
    }
    wrmsr(oracle, FIXED_CTR_CTRL, fixed & 0xf);
    let _ = oracle.take_pmi();
    oracle.advance(&in_kernel(
        u64::from(retired.instructions),
        u64::from(retired.branches),
    ));
    let pmi = oracle.take_pmi();
    for (i, selector) in (0..).zip(selectors) {
        if oracle.rdmsr(0x186 + i).done() != Some(selector) {
            wrmsr(oracle, 0x186 + i, selector);
        }
    }
    wrmsr(oracle, FIXED_CTR_CTRL, fixed);
    pmi
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn shared_counters_count_as_if_each_owner_had_its_own(steps in steps(), tags in any::<[u32; OWNERS]>()) {
        let mut shared = Shared {
            cpu: cpu(),
            guests: tags.iter().map(|&tag| machine::context(0, u64::from(tag))).collect(),
            host: machine::context(0x1_0000_0001, 5),
            resident: None,
        };
        let mut oracles: Vec<_> = (0..=OWNERS).map(|_| Pmu::new(config()).unwrap()).collect();
        for (oracle, context) in oracles.iter_mut().zip(shared.guests.iter().chain([&shared.host])) {
            wrmsr(oracle, GLOBAL_CTRL, 0);
            for counter in layout().counters.iter() {
                wrmsr(oracle, address(counter), context.value(counter));
            }
        }
        wrmsr(&mut oracles[OWNERS], 0x186, machine::instructions().into());
        wrmsr(&mut oracles[OWNERS], FIXED_CTR_CTRL, 3);
        wrmsr(&mut oracles[OWNERS], GLOBAL_CTRL, 0x1_0000_0001);
        let mut stopped = shared.cpu.stop();
        stopped.take(&shared.host, LocalVector::Nmi);
        stopped.start_host(&shared.host);

        for step in &steps {
            apply(&mut shared, &mut oracles, step)?;
        }
        shared.put();
        let _ = shared.cpu.stop().leave_host(&mut shared.host);
        for (owner, (oracle, context)) in oracles.iter().zip(shared.guests.iter().chain([&shared.host])).enumerate() {
            for counter in layout().counters.iter() {
                prop_assert_eq!(oracle.rdpmc(counter.rdpmc()).done(), Some(context.value(counter)), "owner {} {:?}", owner, counter);
            }
            prop_assert_eq!(oracle.rdmsr(GLOBAL_STATUS).done(), Some(context.status().into()), "owner {}", owner);
        }
    }
}
