//! Explores every sequence of events of a small world, and checks each state.
//!
//! The world: one CPU, two VMs with one vCPU each, one server, a slice of two ticks, time up to eight. A ledger that
//! is kept by hand beside the arbiter says who must be resident; it knows the rules, not the code.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::HashSet;

use lease::{
    Arbiter, ContextId, Entry, Exit, Lease, LeaseId, Mode, PutReason, Resident, Ticks, Vcpu,
};

const SLICE: u64 = 2;
const END: u64 = 8;

#[derive(Clone, Debug)]
struct World {
    arbiter: Arbiter,
    leases: [Lease; 2],
    idle: [bool; 2],
    /// The vCPU that is in its guest.
    inside: Option<usize>,
    /// The vCPU whose thread is on the CPU.
    on_cpu: Option<usize>,
    now: u64,
    ledger: Ledger,
}

/// What must be true, written down independently.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
struct Ledger {
    resident: Option<usize>,
    since: u64,
    guest_time: u64,
    loads: u64,
    puts: u64,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Tick,
    Enter(usize),
    Exit(Exit),
    Leave,
    Arm(usize),
    Revoke(usize),
    SetMode(Mode),
    ToggleIdle,
    Die(usize),
}

fn events(world: &World) -> Vec<Event> {
    let mut events = Vec::new();
    if world.now < END {
        events.push(Event::Tick);
    }
    if world.inside.is_some() {
        // Nothing but time and an exit happens on a CPU that is inside a guest.
        events.extend([Event::Exit(Exit::Kernel), Event::Exit(Exit::Vmm)]);
        return events;
    }
    for vm in 0..2 {
        if world.on_cpu.is_none_or(|on| on == vm) {
            events.push(Event::Enter(vm));
        }
        events.extend([Event::Arm(vm), Event::Revoke(vm), Event::Die(vm)]);
    }
    if world.on_cpu.is_some() {
        events.extend([Event::Leave, Event::ToggleIdle]);
    }
    events.extend([Mode::Retain, Mode::Yield, Mode::Eager].map(Event::SetMode));
    events
}

fn vcpu(world: &World, vm: usize) -> Vcpu {
    let id = u16::try_from(vm).unwrap();
    Vcpu {
        context: ContextId(id),
        lease: LeaseId(id),
        is_idle: world.idle[vm],
    }
}

impl Ledger {
    fn put(&mut self, now: u64) {
        if self.resident.take().is_some() {
            self.guest_time += now - self.since;
            self.puts += 1;
        }
    }
    fn load(&mut self, vm: usize, now: u64) {
        self.put(now);
        self.resident = Some(vm);
        self.since = now;
        self.loads += 1;
    }
}

fn step(mut world: World, event: Event) -> World {
    let now = Ticks(world.now);
    let mode = world.arbiter.mode();
    match event {
        Event::Tick => world.now += 1,
        Event::Enter(vm) => {
            let vcpu = vcpu(&world, vm);
            let before = world.ledger.resident;
            let entry = world.arbiter.enter(vcpu, &world.leases[vm], now);
            world.on_cpu = Some(vm);
            world.inside = Some(vm);
            let armed = world.leases[vm].is_armed();
            match (before, world.idle[vm], armed) {
                (Some(resident), ..) if resident == vm => assert_eq!(entry, Entry::Resident),
                (_, true, _) => assert_eq!(entry, Entry::Idle, "an idle guest needs no lease"),
                (_, false, false) => {
                    assert_eq!(entry, Entry::LeaseNeeded);
                    world.inside = None;
                }
                (None, false, true) => {
                    assert_eq!(entry, Entry::Load);
                    world.ledger.load(vm, world.now);
                }
                (Some(other), false, true) => {
                    assert_eq!(
                        entry,
                        Entry::Replace(ContextId(u16::try_from(other).unwrap()))
                    );
                    world.ledger.load(vm, world.now);
                }
            }
        }
        Event::Exit(exit) => {
            let put = world.arbiter.exit(exit, now);
            let ended = mode != Mode::Retain && world.now >= world.ledger.since + SLICE;
            let must = world.ledger.resident.is_some()
                && (ended || mode == Mode::Eager && exit == Exit::Vmm);
            assert_eq!(put.is_some(), must, "{mode:?} {exit:?}");
            if must {
                world.ledger.put(world.now);
            }
            world.inside = None;
        }
        Event::Leave => {
            let vm = world.on_cpu.take().unwrap();
            let put = world.arbiter.leave(vcpu(&world, vm).context, now);
            let must = world.ledger.resident == Some(vm) && mode != Mode::Retain;
            assert_eq!(put.map(|put| put.reason), must.then_some(PutReason::Left));
            if must {
                world.ledger.put(world.now);
            }
        }
        Event::Arm(vm) => {
            let was = world.leases[vm];
            let epoch = world.leases[vm].arm();
            assert_eq!(
                epoch > was.epoch(),
                !was.is_armed(),
                "an epoch is new exactly when it is armed anew"
            );
        }
        Event::Revoke(vm) => {
            world.leases[vm].disarm();
            let put = world.arbiter.revoke(vcpu(&world, vm).lease, now);
            assert_eq!(put.is_some(), world.ledger.resident == Some(vm));
            if put.is_some() {
                world.ledger.put(world.now);
            }
        }
        Event::SetMode(new) => {
            let put = world.arbiter.set_mode(new, now);
            assert_eq!(
                put.is_some(),
                new != Mode::Retain && world.ledger.resident.is_some()
            );
            if put.is_some() {
                world.ledger.put(world.now);
            }
        }
        Event::ToggleIdle => {
            let vm = world.on_cpu.unwrap();
            world.idle[vm] = !world.idle[vm];
        }
        Event::Die(vm) => {
            world.leases[vm].disarm();
            world.idle[vm] = true;
            if world.on_cpu == Some(vm) {
                world.on_cpu = None;
            }
            let put = world.arbiter.forget(vcpu(&world, vm).context, now);
            assert_eq!(put.is_some(), world.ledger.resident == Some(vm));
            if put.is_some() {
                world.ledger.put(world.now);
            }
        }
    }
    world
}

fn check(world: &World) {
    let resident = match world.arbiter.resident() {
        Resident::Host => None,
        Resident::Guest {
            context,
            lease,
            epoch,
            since,
        } => {
            assert_eq!(context.0, lease.0, "a context stays by its own VM's lease");
            assert_eq!(since, Ticks(world.ledger.since));
            let lease = &world.leases[usize::from(lease.0)];
            assert!(lease.is_current(epoch), "a resident guest's epoch is armed");
            Some(usize::from(context.0))
        }
    };
    assert_eq!(resident, world.ledger.resident);
    if world.arbiter.mode() != Mode::Retain && world.on_cpu.is_none() {
        assert_eq!(
            resident, None,
            "with host events, nobody is resident while no vCPU is on the CPU"
        );
    }
    let account = world.arbiter.account();
    assert_eq!(
        (account.loads, account.total_puts(), account.guest_time),
        (
            world.ledger.loads,
            world.ledger.puts,
            world.ledger.guest_time
        )
    );
    assert_eq!(
        account.loads - account.total_puts(),
        u64::from(resident.is_some())
    );
}

/// What decides the future. Totals do not, and neither do absolute epochs.
fn key(world: &World) -> impl Eq + std::hash::Hash + use<> {
    let since = world
        .ledger
        .resident
        .map(|_| world.now - world.ledger.since);
    let armed = world.leases.map(|lease| lease.is_armed());
    (
        world.arbiter.mode(),
        world.ledger.resident,
        since,
        armed,
        world.idle,
        world.inside,
        world.on_cpu,
        world.now,
    )
}

#[test]
fn every_reachable_state_obeys_the_rules() {
    let start = World {
        arbiter: Arbiter::new(SLICE),
        leases: [Lease::default(); 2],
        idle: [true; 2],
        inside: None,
        on_cpu: None,
        now: 0,
        ledger: Ledger::default(),
    };
    let mut seen = HashSet::from([key(&start)]);
    let mut todo = vec![start];
    let mut transitions = 0_u64;
    while let Some(world) = todo.pop() {
        for event in events(&world) {
            let next = step(world.clone(), event);
            transitions += 1;
            check(&next);
            if seen.insert(key(&next)) {
                todo.push(next);
            }
        }
    }
    println!("{} states, {transitions} transitions", seen.len());
    // The world is not accidentally empty: both guests, all modes and all times were reached.
    assert!(seen.len() > 1000, "{} states", seen.len());
}
