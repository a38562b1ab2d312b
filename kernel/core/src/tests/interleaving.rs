//! Random sequences of what can happen to counters, with a ledger kept by hand.
//!
//! The ledger knows the rules of the protocol: a guest counts what it retires while its counters are enabled and its lease is
//! armed, the host what it retires while no guest is on the counters.

use proptest::prelude::*;
use sel4_sys::pmu::PmuControlOp;
use sel4_sys::slot;
use sel4_sys::vcpu::{VcpuOp, VcpuReturn, VcpuState};
use x86_regs::vmx::ExitReason;

use super::guests::{AT, GuestStep, LEASES, OTHER, SECOND, SERVER, VMM, WAKE_SERVER, World, run};
use super::invariants;
use super::machine::CPU;
use super::system::Number;
use crate::arch::trap::Interrupt;
use arch_host::machine::{advance, next_interrupt};

const EXIT: GuestStep = GuestStep::Exit(ExitReason::CPUID);
/// Where the VMM tells how many instructions it has completed.
const EMULATED: usize = core::mem::offset_of!(VcpuState, emulated_instructions);

/// Something that happens.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A VMM enters its guest, which retires twice with an exit for the kernel in between.
    Enter(Number, u64, u64),
    /// As `Enter`, but a device wakes the server in between, which takes the lease away while the guest's thread waits.
    Revoke(Number, u64, u64),
    /// The VMM completes instructions for the guest; the next entry adds them.
    Emulate(Number, u64),
    /// The host retires while a VMM has the CPU.
    Host(u64),
    /// Another task has the CPU, and the host retires.
    Other(u64),
    Enable(Number),
    Disable(Number),
    Arm(Number),
    Disarm(Number),
    Mode(u64),
    Program,
    Pass(u64),
    KillVmm(Number),
    KillServer,
}

fn an_event() -> impl Strategy<Value = Event> {
    let vmm = || prop_oneof![Just(VMM), Just(SECOND)];
    prop_oneof![
        12 => (vmm(), 0..50_u64, 0..50_u64).prop_map(|(vmm, a, b)| Event::Enter(vmm, a, b)),
        4 => (vmm(), 0..50_u64, 0..50_u64).prop_map(|(vmm, a, b)| Event::Revoke(vmm, a, b)),
        3 => (vmm(), 1..9_u64).prop_map(|(vmm, n)| Event::Emulate(vmm, n)),
        4 => (1..50_u64).prop_map(Event::Host),
        3 => (1..50_u64).prop_map(Event::Other),
        4 => vmm().prop_map(Event::Enable),
        2 => vmm().prop_map(Event::Disable),
        5 => vmm().prop_map(Event::Arm),
        2 => vmm().prop_map(Event::Disarm),
        2 => (0..3_u64).prop_map(Event::Mode),
        1 => Just(Event::Program),
        2 => (1..200_000_u64).prop_map(Event::Pass),
        1 => vmm().prop_map(Event::KillVmm),
        1 => Just(Event::KillServer),
    ]
}

/// What must be true of a VM.
#[derive(Clone, Copy, Default, Debug)]
struct Guest {
    is_enabled: bool,
    is_armed: bool,
    count: u64,
    /// Instructions that the VMM has completed and not told the kernel yet.
    emulated: u64,
}

struct Ledger {
    w: World,
    guests: [Guest; 2],
    /// What each guest retires before it does anything new: it was stopped in the middle.
    unfinished: [Option<u64>; 2],
    /// What the host has counted since it was programmed; `None` before.
    host: Option<u64>,
}

impl Ledger {
    fn new() -> Self {
        Self {
            w: World::new(),
            guests: [Guest::default(); 2],
            unfinished: [None; 2],
            host: None,
        }
    }

    fn guest(&mut self, vmm: Number) -> &mut Guest {
        &mut self.guests[usize::from(vmm)]
    }

    /// Makes this VMM the one that runs.
    fn turn(&mut self, vmm: Number) {
        if let Some(running) = self.w.m.running().filter(|&running| running != vmm) {
            self.w.m.yield_now(running);
        }
        assert_eq!(self.w.m.running(), Some(vmm));
    }

    fn host_retires(&mut self, count: u64) {
        if self.w.account().resident == 0
            && let Some(host) = &mut self.host
        {
            *host += count;
        }
        self.w.host_retires(count);
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Enter(vmm, first, second) => self.enter(vmm, first, second),
            Event::Revoke(vmm, first, second) => self.revoke(vmm, first, second),
            Event::Emulate(vmm, count) => {
                self.guest(vmm).emulated += count;
                let told = self.guest(vmm).emulated;
                self.w.set_state(vmm, EMULATED, told);
            }
            Event::Host(count) => self.host_retires(count),
            Event::Other(count) => {
                self.w.m.signal(OTHER);
                self.host_retires(count);
                self.w.m.wait(OTHER, slot::NOTIFICATION);
            }
            Event::Enable(vmm) => {
                self.turn(vmm);
                let count = self.guest(vmm).count;
                self.w.guest_counts(vmm, count, false);
                self.guest(vmm).is_enabled = true;
            }
            Event::Disable(vmm) => {
                self.turn(vmm);
                self.w.vcpu(vmm, VcpuOp::SET_FIXED_CONTROL, &[0]);
                self.guest(vmm).is_enabled = false;
            }
            Event::Arm(vmm) => {
                self.w.arm(usize::from(vmm));
                self.guest(vmm).is_armed = true;
            }
            Event::Disarm(vmm) => {
                self.w.disarm(usize::from(vmm));
                self.guest(vmm).is_armed = false;
            }
            Event::Mode(mode) => self.w.set_mode(mode),
            Event::Program => {
                self.w.host_counts(false, 1000, 0);
                self.host = Some(1000);
            }
            Event::Pass(ticks) => {
                // A slice ends for whoever has the CPU now.
                self.w.m.pass(ticks);
            }
            Event::KillVmm(vmm) => {
                self.w.m.reset(vmm);
                let emulated = self.guest(vmm).emulated;
                // The page is the VMM's memory; nobody has emptied it.
                *self.guest(vmm) = Guest {
                    emulated,
                    ..Guest::default()
                };
                self.w.m.resume(vmm);
            }
            Event::KillServer => {
                let served = self.host.is_some() || self.guests.iter().any(|g| g.is_armed);
                self.w.m.reset(SERVER);
                if served {
                    self.guests
                        .iter_mut()
                        .for_each(|guest| guest.is_armed = false);
                    self.host = None;
                }
                self.w.m.resume(SERVER);
                self.w.m.wait(SERVER, slot::NOTIFICATION);
            }
        }
        assert_eq!(next_interrupt(CPU), None, "nobody asked for an interrupt");
    }

    /// The kernel adds what the VMM has completed. Whether the guest will run then.
    fn prepare(&mut self, vmm: Number) -> bool {
        self.turn(vmm);
        advance(10);
        let guest = self.guest(vmm);
        let emulated = core::mem::take(&mut guest.emulated);
        if guest.is_enabled {
            guest.count += emulated;
        }
        !guest.is_enabled || guest.is_armed
    }

    fn counts(&mut self, vmm: Number, retired: u64) {
        let guest = self.guest(vmm);
        if guest.is_enabled {
            guest.count += retired;
        }
    }

    fn enter(&mut self, vmm: Number, first: u64, second: u64) {
        if !self.prepare(vmm) {
            assert_eq!(self.w.enter(vmm, &[]), VcpuReturn::LEASE_NEEDED);
            return;
        }
        if let Some(rest) = self.unfinished[usize::from(vmm)].take() {
            assert_eq!(self.w.enter(vmm, &[]), VcpuReturn::EXIT);
            self.counts(vmm, rest);
            return;
        }
        let tick = GuestStep::Interrupt(Interrupt::Spurious);
        let steps = [run(first), tick, run(second), EXIT];
        assert_eq!(self.w.enter(vmm, &steps), VcpuReturn::EXIT);
        self.counts(vmm, first + second);
    }

    fn revoke(&mut self, vmm: Number, first: u64, second: u64) {
        if self.unfinished[usize::from(vmm)].is_some() || !self.prepare(vmm) {
            return self.enter(vmm, first, second);
        }
        self.w
            .start(vmm, &[run(first), WAKE_SERVER, run(second), EXIT]);
        self.counts(vmm, first);
        assert_eq!(self.w.m.running(), Some(SERVER));
        self.host_retires(first);
        let lease = [LEASES[usize::from(vmm)]];
        self.w.serve_awake(PmuControlOp::DISARM, &[], &lease);
        self.guest(vmm).is_armed = false;
        self.turn(vmm);
        if self.guest(vmm).is_enabled {
            assert_eq!(self.w.answer(vmm).0, VcpuReturn::LEASE_NEEDED);
            self.unfinished[usize::from(vmm)] = Some(second);
        } else {
            assert_eq!(self.w.answer(vmm).0, VcpuReturn::EXIT);
        }
    }

    fn check(&mut self) {
        for vmm in [VMM, SECOND] {
            self.turn(vmm);
            let expected = self.guest(vmm).count;
            assert_eq!(self.w.guest_count(vmm), expected, "guest {vmm}");
        }
        if let Some(host) = self.host {
            assert_eq!(self.w.read().values[AT], host, "the host");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_count_is_exact_whatever_happens_in_whatever_order(
        events in proptest::collection::vec(an_event(), 1..60)
    ) {
        let mut ledger = Ledger::new();
        for &event in &events {
            ledger.happens(event);
            invariants::check(&ledger.w.m.k);
        }
        ledger.check();
    }
}
