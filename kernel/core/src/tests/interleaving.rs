//! Random sequences of what can happen to counters, with a ledger kept by hand.
//!
//! The ledger knows the rules of the protocol: a guest counts what it retires while its counters are enabled and its lease is
//! armed, the host what it retires while no guest is on the counters.

use proptest::prelude::*;
use sel4_sys::slot;
use sel4_sys::vcpu::{VcpuOp, VcpuReturn};
use x86_regs::vmx::ExitReason;

use super::guests::{AT, GuestStep, OTHER, SECOND, SERVER, VMM, World, run};
use super::invariants;
use super::machine::CPU;
use super::system::Number;
use crate::arch::trap::Interrupt;
use arch_host::machine::{advance, next_interrupt};

/// Something that happens.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A VMM enters its guest, which retires twice with an exit for the kernel in between.
    Enter(Number, u64, u64),
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
}

struct Ledger {
    w: World,
    guests: [Guest; 2],
    /// What the host has counted since it was programmed; `None` before.
    host: Option<u64>,
}

impl Ledger {
    fn new() -> Self {
        Self {
            w: World::new(),
            guests: [Guest::default(); 2],
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
                *self.guest(vmm) = Guest::default();
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

    fn enter(&mut self, vmm: Number, first: u64, second: u64) {
        self.turn(vmm);
        let guest = *self.guest(vmm);
        let resident = self.w.account().resident == 1 + u64::from(vmm);
        if guest.is_enabled && !guest.is_armed && !resident {
            assert_eq!(self.w.enter(vmm, &[]), VcpuReturn::LEASE_NEEDED);
            return;
        }
        advance(10);
        let exit = GuestStep::Exit(ExitReason::CPUID);
        let tick = GuestStep::Interrupt(Interrupt::Spurious);
        let steps = [run(first), tick, run(second), exit];
        assert_eq!(self.w.enter(vmm, &steps), VcpuReturn::EXIT);
        if guest.is_enabled {
            self.guest(vmm).count += first + second;
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
