//! What a change of owner costs, and that nobody sees another owner's values.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod machine;

use machine::{GUEST_VECTOR, ModelPort, context, cpu, in_kernel, layout, run};
use pmu_drv::{CounterSet, CpuPmu, HostOverflow, LocalVector, Phase, PmuContext};
use x86_regs::pmu::PerfEvtSel;

const THREE_FIXED_TWO_GP: u64 = 0x7_0000_0003;
const ALL: u64 = 0x7_0000_00ff;

fn start_host(cpu: &mut CpuPmu<ModelPort>, host: &PmuContext) {
    let mut stopped = cpu.stop();
    stopped.take(host, LocalVector::Nmi);
    stopped.start_host(host);
}

fn load(cpu: &mut CpuPmu<ModelPort>, host: &mut PmuContext, guest: &PmuContext) -> u64 {
    let mut stopped = cpu.stop();
    assert_eq!(stopped.leave_host(host), HostOverflow(CounterSet::EMPTY));
    stopped.take(guest, GUEST_VECTOR);
    stopped.start_guest(guest).into()
}

fn put(cpu: &mut CpuPmu<ModelPort>, guest: &mut PmuContext, host: &PmuContext) {
    let mut stopped = cpu.exited();
    stopped.leave(guest);
    stopped.take(host, LocalVector::Nmi);
    stopped.start_host(host);
}

/// (R, W, P) of host to guest, guest to host and guest to another guest, all with `mask` live, everything having counted in between.
fn costs(mask: u64) -> [(u64, u64, u64); 3] {
    let mut cpu = cpu();
    // The host counts other events than the guests, so that every selector differs.
    let mut host = context(mask, 0x1000);
    for bit in (0..8).filter(|bit| mask >> bit & 1 == 1) {
        host.set_selector(bit, PerfEvtSel::from(0x3c | 1 << 17 | 1 << 22));
    }
    host.set_fixed_control(0x111_u64.into());
    let (mut a, mut b) = (context(mask, 0x2000), context(mask, 0x3000));
    for bit in (0..8).filter(|bit| mask >> bit & 1 == 1) {
        b.set_selector(bit, PerfEvtSel::from(0xc0 | 1 << 17 | 1 << 22));
    }
    b.set_fixed_control(0x222_u64.into());
    start_host(&mut cpu, &host);
    cpu.port().pmu.advance(&in_kernel(1000, 100));

    let before = cpu.operations();
    let control = load(&mut cpu, &mut host, &a);
    let loaded = cpu.operations();
    run(&mut cpu.port().pmu, control, &in_kernel(500, 50));
    let before_put = cpu.operations();
    put(&mut cpu, &mut a, &host);
    let after_put = cpu.operations();
    cpu.port().pmu.advance(&in_kernel(10, 1));
    let control = load(&mut cpu, &mut host, &a);
    run(&mut cpu.port().pmu, control, &in_kernel(500, 50));
    let before_change = cpu.operations();
    let mut stopped = cpu.exited();
    stopped.leave(&mut a);
    stopped.take(
        &b,
        LocalVector::Fixed {
            vector: 0xf5,
            masked: false,
        },
    );
    let _ = stopped.start_guest(&b);
    [
        loaded.since(before),
        after_put.since(before_put),
        cpu.operations().since(before_change),
    ]
    .map(|operations| operations.triple())
}

#[test]
fn three_fixed_and_two_gp_cost_the_budgeted_operations() {
    // Host to guest: GLOBAL_CTRL, LVTPC, 2 selectors, 5 counters, FIXED_CTR_CTRL = 10 W; 5 P; STATUS = 1 R.
    // Back: the same with GLOBAL_CTRL at the end. Guest to guest: GLOBAL_CTRL is zero already.
    assert_eq!(
        costs(THREE_FIXED_TWO_GP),
        [(1, 10, 5), (1, 10, 5), (1, 9, 5)]
    );
}

#[test]
fn eight_gp_and_three_fixed_cost_the_budgeted_operations() {
    // GLOBAL_CTRL, LVTPC, 8 selectors, 11 counters, FIXED_CTR_CTRL = 22 W.
    assert_eq!(costs(ALL), [(1, 22, 11), (1, 22, 11), (1, 21, 11)]);
}

#[test]
fn a_host_without_events_pays_nothing_for_its_own_side() {
    let mut cpu = cpu();
    let mut host = PmuContext::new();
    let mut guest = context(THREE_FIXED_TWO_GP, 0x2000);
    let before = cpu.operations();
    let control = load(&mut cpu, &mut host, &guest);
    // LVTPC, 2 selectors, 5 counters, FIXED_CTR_CTRL; STATUS is known to be zero and nothing needs to be stopped or saved.
    assert_eq!(cpu.operations().since(before).triple(), (0, 9, 0));
    run(&mut cpu.port().pmu, control, &in_kernel(10, 0));
    let before = cpu.operations();
    put(&mut cpu, &mut guest, &host);
    // LVTPC, 2 selectors off, FIXED_CTR_CTRL off; 5 counters read, none written: nobody can see them.
    assert_eq!(cpu.operations().since(before).triple(), (1, 4, 5));
}

#[test]
fn an_exit_and_reentry_with_the_lease_kept_cost_nothing() {
    let mut cpu = cpu();
    let guest = context(ALL, 0);
    let control = load(&mut cpu, &mut PmuContext::new(), &guest);
    let before = cpu.operations();
    for _ in 0..1000 {
        run(&mut cpu.port().pmu, control, &in_kernel(7, 1));
    }
    assert_eq!(cpu.operations().since(before).triple(), (0, 0, 0));
    assert_eq!(cpu.port().pmu.rdpmc(0).done(), Some(7000));
    assert_eq!(
        cpu.port().pmu.rdpmc(1).done(),
        Some(1001),
        "branches, from tag 1 on"
    );
}

#[test]
fn a_guest_that_is_put_and_loaded_again_without_running_sees_no_difference() {
    let mut cpu = cpu();
    let mut host = PmuContext::new();
    let mut guest = context(ALL, 0x500);
    guest.set_status((1_u64 << 3 | 1 << 33).into());
    let as_saved = guest.clone();
    for _ in 0..3 {
        let _ = load(&mut cpu, &mut host, &guest);
        put(&mut cpu, &mut guest, &host);
        assert_eq!(guest, as_saved);
    }
}

/// Every live mask of the new owner, after an owner that filled every counter with a tagged value: what the new
/// one can reach holds its own value, and nothing of the old one's is enabled.
#[test]
fn no_live_mask_leaves_a_value_of_the_last_owner_in_reach() {
    const OLD: u64 = 0xdead_0000_0000;
    const NEW: u64 = 0x1111_0000_0000;
    let masks = (0..=0xff_u64).flat_map(|gp| (0..8_u64).map(move |fixed| fixed << 32 | gp));
    for mask in masks {
        for opened in [0, ALL, 0x1_0000_0001, !mask & ALL] {
            let mut cpu = cpu();
            let (mut host, mut old) = (PmuContext::new(), context(ALL, OLD));
            old.set_status(ALL.into());
            let control = load(&mut cpu, &mut host, &old);
            run(&mut cpu.port().pmu, control, &in_kernel(9, 3));
            let mut new = context(mask, NEW);
            new.set_opened(CounterSet::from_bits(opened));
            let mut stopped = cpu.exited();
            stopped.leave(&mut old);
            stopped.take(&new, GUEST_VECTOR);
            let _ = stopped.start_guest(&new);

            let pmu = &cpu.port().pmu;
            for counter in layout().counters.iter() {
                let held = pmu.rdpmc(counter.rdpmc()).done().unwrap();
                if (mask | opened) >> bit(counter) & 1 == 1 {
                    assert_eq!(
                        held,
                        new.value(counter),
                        "mask {mask:#x} opened {opened:#x} {counter:?}"
                    );
                }
            }
            for index in 0..8 {
                let selector = PerfEvtSel::from(pmu.rdmsr(0x186 + index).done().unwrap());
                assert_eq!(
                    selector.enable(),
                    mask >> index & 1 == 1,
                    "selector {index} of mask {mask:#x}"
                );
            }
            assert_eq!(pmu.rdmsr(machine::GLOBAL_STATUS).done(), Some(0));
        }
    }
}

fn bit(counter: pmu_drv::Counter) -> u32 {
    let ecx = counter.rdpmc();
    if ecx >= 1 << 30 {
        32 + (ecx & 0xff)
    } else {
        ecx
    }
}

#[test]
fn a_host_overflow_that_nobody_has_seen_is_handed_over_once_and_not_to_the_guest() {
    let mut cpu = cpu();
    let mut host = context(0x1_0000_0000, 0);
    host.set_value(pmu_drv::Counter::fixed(0).unwrap(), (1 << 48) - 5);
    start_host(&mut cpu, &host);
    cpu.port().pmu.advance(&in_kernel(6, 0));
    let guest = context(THREE_FIXED_TWO_GP, 0);
    let mut stopped = cpu.stop();
    let HostOverflow(overflowed) = stopped.leave_host(&mut host);
    assert_eq!(overflowed.bits(), 1 << 32);
    stopped.take(&guest, GUEST_VECTOR);
    let control = stopped.start_guest(&guest).into();
    assert_eq!(cpu.port().pmu.rdmsr(machine::GLOBAL_STATUS).done(), Some(0));
    assert_eq!(host.value(pmu_drv::Counter::fixed(0).unwrap()), 1);
    run(&mut cpu.port().pmu, control, &in_kernel(1, 0));
    let mut guest = guest;
    put(&mut cpu, &mut guest, &host);
    assert_eq!(
        cpu.port().pmu.rdmsr(machine::GLOBAL_STATUS).done(),
        Some(0),
        "not raised again"
    );
}

#[test]
fn the_guests_vector_is_set_while_it_is_resident_and_the_hosts_otherwise() {
    let mut cpu = cpu();
    let mut host = context(1, 0);
    start_host(&mut cpu, &host);
    assert_eq!(
        (cpu.port().vector, cpu.port().phase),
        (LocalVector::Nmi, Phase::Host)
    );
    let mut guest = context(1, 0);
    let _ = load(&mut cpu, &mut host, &guest);
    assert_eq!(
        (cpu.port().vector, cpu.port().phase),
        (GUEST_VECTOR, Phase::Guest)
    );
    put(&mut cpu, &mut guest, &host);
    assert_eq!(
        (cpu.port().vector, cpu.port().phase),
        (LocalVector::Nmi, Phase::Host)
    );
    cpu.stop().leave_stopped();
    assert_eq!(
        (cpu.port().vector, cpu.port().phase),
        (LocalVector::Masked, Phase::Host)
    );
}

#[test]
fn a_cpu_that_firmware_left_counting_is_taken_over_quiet() {
    let mut cpu = cpu();
    let guest = context(ALL, 77);
    let _ = load(&mut cpu, &mut PmuContext::new(), &guest);
    let mut dirty = pmu_model::Pmu::new(machine::config()).unwrap();
    machine::wrmsr(&mut dirty, 0x186, 0x53_00c0);
    machine::wrmsr(&mut dirty, 0x38d, 0x333);
    machine::wrmsr(&mut dirty, machine::GLOBAL_CTRL, ALL);
    machine::wrmsr(&mut dirty, 0x391, 0x1_0000_0001);
    dirty.advance(&in_kernel(5, 5));
    let port = ModelPort {
        pmu: dirty,
        vector: LocalVector::Nmi,
        phase: Phase::Host,
    };
    let mut cpu = CpuPmu::new(port, layout());
    let pmu = &mut cpu.port().pmu;
    pmu.advance(&in_kernel(100, 100));
    for counter in layout().counters.iter() {
        assert_eq!(pmu.rdpmc(counter.rdpmc()).done(), Some(0));
    }
    for address in [0x186, 0x38d, machine::GLOBAL_CTRL, machine::GLOBAL_STATUS] {
        assert_eq!(pmu.rdmsr(address).done(), Some(0), "{address:#x}");
    }
    assert_eq!(cpu.port().vector, LocalVector::Masked);
}
