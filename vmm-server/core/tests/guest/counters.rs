//! The guest's performance counters.

use pmu_drv::CounterSet;
use proptest::prelude::*;
use sel4_sys::vcpu::VcpuReturn;
use vmm_server_core::vpmu::EventFilter;
use vmm_server_core::{Direct, Next, PmuConfig};
use x86_regs::apic::{ApicReg as _, LvtEntry, LvtPmc, SpuriousVector};
use x86_regs::pmu::{
    EventSelect, FixedCounter, FixedCtrCtrl, FixedField, FullWidthCounter, GlobalStatus,
    GlobalStatusReset, GlobalStatusSet, LegacyCounter, PerfEvtSel, PerfGlobalCtrl,
};
use x86_regs::vmx::ExitReason;
use x86_regs::{MsrAddr, MsrBank as _, MsrReg as _};

use crate::machine::{ALL, Did, Machine, Order, shape};

const GP: u8 = 13;

const INSTRUCTIONS: PerfEvtSel = PerfEvtSel::new()
    .with_event(EventSelect::INSTRUCTIONS)
    .with_kernel(true)
    .with_enable(true);

const SELECTOR_1: MsrAddr = MsrAddr(PerfEvtSel::FIRST.0 + 1);

#[test]
fn a_selector_reaches_the_hardware_when_its_copy_changes_and_only_then() {
    let mut machine = Machine::new();
    let value = INSTRUCTIONS.into();
    assert_eq!(machine.write(SELECTOR_1, value), Did::Done);
    assert_eq!(machine.orders(), [Order::Selector(1, value)]);
    assert_eq!(machine.write(SELECTOR_1, value), Did::Done);
    assert_eq!(machine.orders(), []);
    assert_eq!(machine.read(SELECTOR_1), Some(value));
}

#[test]
fn a_denied_event_reads_back_but_its_counter_is_not_enabled() {
    let mut filter = EventFilter::allow_all();
    filter
        .deny(EventSelect::INSTRUCTIONS)
        .expect("there is room");
    filter.deny_fixed(0b001);
    let mut machine = Machine::with(shape(PmuConfig::default()), filter);
    assert_eq!(machine.write(SELECTOR_1, INSTRUCTIONS.into()), Did::Done);
    let hardware = INSTRUCTIONS.with_enable(false);
    assert_eq!(machine.orders(), [Order::Selector(1, hardware.into())]);
    assert_eq!(machine.read(SELECTOR_1), Some(INSTRUCTIONS.into()));

    let kernel = FixedField::new().with_kernel(true);
    let both = FixedCtrCtrl::new()
        .with_instructions(kernel)
        .with_cycles(kernel);
    assert_eq!(machine.set(both), Did::Done);
    let hardware = FixedCtrCtrl::new().with_cycles(kernel);
    assert_eq!(machine.orders(), [Order::FixedControl(hardware.into())]);
    assert_eq!(machine.read(FixedCtrCtrl::ADDR), Some(both.into()));
}

#[test]
fn a_counter_is_opened_at_its_first_access_and_not_again() {
    let mut machine = Machine::new();
    let counter = MsrAddr(FullWidthCounter::FIRST.0 + 1);
    assert_eq!(machine.write(counter, 5), Did::Done);
    let open = |counters| {
        Order::Open(Direct {
            counters: CounterSet::from_bits(counters),
            full_width: true,
            global: true,
        })
    };
    assert_eq!(machine.orders(), [Order::WriteCounter(1, 5), open(0b10)]);
    assert_eq!(machine.read(counter), Some(5));
    assert_eq!(machine.orders(), []);
    assert_eq!(machine.read(FixedCounter::FIRST), Some(0));
    assert_eq!(machine.orders(), [open(0x1_0000_0002)]);
}

#[test]
fn the_first_rdpmc_opens_everything_if_everything_is_the_guests() {
    let mut machine = Machine::new();
    machine.env.counters.insert(3, 0x1_2345_6789);
    machine.state.registers[1] = 3;
    assert_eq!(machine.exits(ExitReason::RDPMC, 2), Did::Done);
    assert_eq!(machine.state.registers[0], 0x2345_6789);
    assert_eq!(machine.state.registers[2], 1);
    assert!(machine.orders().contains(&Order::OpenRdpmc));

    let few = PmuConfig {
        gp_counters: 4,
        ..PmuConfig::default()
    };
    let mut machine = Machine::with(shape(few), EventFilter::allow_all());
    assert_eq!(machine.exits(ExitReason::RDPMC, 2), Did::Done);
    assert!(!machine.orders().contains(&Order::OpenRdpmc));
}

#[test]
fn rdpmc_of_a_counter_that_the_guest_has_not_faults() {
    let mut machine = Machine::new();
    for number in [8, 0x4000_0003, 0x2000_0000, 0x8000_0000] {
        machine.state.registers[1] = number;
        assert_eq!(
            machine.exits(ExitReason::RDPMC, 2),
            Did::Raised(GP),
            "{number:#x}"
        );
    }
}

#[test]
fn a_legacy_counter_takes_32_bits_and_extends_their_sign() {
    let mut machine = Machine::new();
    assert_eq!(
        machine.write(LegacyCounter::FIRST, 0xdead_8000_0000),
        Did::Done
    );
    assert_eq!(
        machine.orders().first(),
        Some(&Order::WriteCounter(0, 0xffff_8000_0000))
    );
}

#[test]
fn what_the_guests_version_has_not_faults_though_the_cpu_has_it() {
    let mut machine = Machine::new();
    let faults = [
        GlobalStatusSet::ADDR,
        MsrAddr(PerfEvtSel::FIRST.0 + 8),
        MsrAddr(FixedCounter::FIRST.0 + 3),
        MsrAddr(0x3f1), // PEBS_ENABLE
        MsrAddr(0x329), // PERF_METRICS
    ];
    for address in faults {
        assert_eq!(machine.read(address), None, "{address:?}");
        assert_eq!(machine.write(address, 0), Did::Raised(GP), "{address:?}");
    }
    assert_eq!(machine.orders(), []);
}

#[test]
fn global_status_shows_the_guests_counters_only_and_is_cleared_by_the_reset_register() {
    let mut machine = Machine::new();
    machine.env.status = ALL | 1 << 55 | 1 << 62;
    assert_eq!(machine.read(GlobalStatus::ADDR), Some(ALL));
    assert_eq!(machine.set(GlobalStatus::from(0)), Did::Raised(GP));
    assert_eq!(machine.write(GlobalStatusReset::ADDR, 0b11), Did::Done);
    assert_eq!(machine.orders(), [Order::ChangeStatus(0b11, 0)]);
}

#[test]
fn a_machine_without_counters_has_none_of_their_registers() {
    let mut machine = Machine::with(None, EventFilter::allow_all());
    for address in [
        PerfEvtSel::FIRST,
        PerfGlobalCtrl::ADDR,
        LegacyCounter::FIRST,
    ] {
        assert_eq!(machine.read(address), None);
    }
    assert_eq!(machine.exits(ExitReason::RDPMC, 2), Did::Raised(GP));
    assert_eq!(machine.exits(ExitReason::CPUID, 2), Did::Done);
}

#[test]
fn a_pmi_goes_through_lvtpc_which_masks_itself_and_a_masked_entry_delivers_nothing() {
    let mut machine = Machine::new();
    let on = SpuriousVector::new().with_vector(0xff).with_enable(true);
    machine.write(SpuriousVector::REGISTER.msr(), u32::from(on).into());
    machine.state.rflags |= 1 << 9;
    let entry = LvtEntry::new().with_vector(0x50);
    machine.write(LvtPmc::REGISTER.msr(), u32::from(entry).into());
    assert_eq!(machine.orders(), [Order::MaskPmi(false)]);

    machine.state.pmi_pending = 1;
    assert_eq!(machine.returns(VcpuReturn::PMI), Next::Enter);
    assert_eq!(machine.state.inject & 0x8000_00ff, 0x8000_0050);
    assert_eq!(machine.state.pmi_pending, 0);
    assert_eq!(machine.orders(), [Order::MaskPmi(true)]);
    let masked = entry.with_masked(true);
    assert_eq!(
        machine.read(LvtPmc::REGISTER.msr()),
        Some(u32::from(masked).into())
    );

    machine.state.pmi_pending = 1;
    assert_eq!(machine.returns(VcpuReturn::PMI), Next::Enter);
    assert_eq!(machine.state.inject, 0);
}

#[test]
fn nothing_is_asked_of_the_lease_by_the_core_but_to_need_it() {
    let mut machine = Machine::new();
    let before = machine.state.rip;
    assert_eq!(machine.returns(VcpuReturn::LEASE_NEEDED), Next::NeedLease);
    assert_eq!(machine.state.rip, before);
    assert_eq!(machine.orders(), []);
}

proptest! {
    /// Threats T5 to T8: nothing that a guest writes brings the kernel a bit that the guest does not own.
    #[test]
    fn no_register_and_no_value_makes_more_than_the_guests_own(
        address in prop_oneof![
            0xc1_u32..0xcd, 0x186_u32..0x192, 0x309_u32..0x310, 0x38d_u32..0x393, 0x4c1_u32..0x4cd, Just(0x345_u32), Just(0x1d9),
        ],
        value in prop_oneof![any::<u64>(), (0_u32..64).prop_map(|bit| 1 << bit), 0_u64..0x1000],
    ) {
        let mut machine = Machine::new();
        let did = machine.write(MsrAddr(address), value);
        for order in machine.orders() {
            match order {
                Order::Selector(index, selector) => {
                    prop_assert!(index < 8);
                    prop_assert_eq!(selector & !0xffd7_ffff, 0, "AnyThread, pin control and the high half stay out");
                }
                Order::FixedControl(control) => prop_assert_eq!(control & !0xbbb, 0),
                Order::GlobalControl(control) => prop_assert_eq!(control & !ALL, 0),
                Order::WriteCounter(_, value) => prop_assert_eq!(value >> 48, 0),
                Order::ChangeStatus(clear, set) => prop_assert_eq!((clear & !ALL, set), (0, 0)),
                Order::Open(direct) => prop_assert_eq!(direct.counters.bits() & !ALL, 0),
                Order::OpenRdpmc | Order::MaskPmi(_) => {}
            }
        }
        prop_assert!(matches!(did, Did::Done | Did::Raised(GP)));
    }
}
