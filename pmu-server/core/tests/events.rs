//! Host events against a machine made of the model, and a ledger of time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::cast_possible_truncation, reason = "small numbers")]

use pmu_drv::{CounterSet, Layout};
use pmu_model::{Access, Batch, Config, Elapsed, Pmu};
use pmu_server_core::{
    Acquired, Admission, ClientId, CounterReading, CpuEvents, EventError, EventReading, EventSpec,
    Field, Guests, HostImage, Rings, VmId, What,
};

const ME: ClientId = ClientId(1);
const OTHER: ClientId = ClientId(2);
const BOTH: Rings = Rings {
    kernel: true,
    user: true,
};
const MASK: u64 = (1 << 48) - 1;

fn layout() -> Layout {
    Layout {
        counters: CounterSet::from_bits(0x7_0000_00ff),
        gp_width: 48,
        fixed_width: 48,
        version: 5,
    }
}

fn spec(what: What) -> EventSpec {
    EventSpec {
        what,
        rings: BOTH,
        guests: Guests::Exclude,
        period: None,
    }
}

/// A CPU as the kernel would drive it: one tick is one instruction.
struct Machine {
    pmu: Pmu,
    now: u64,
    guest_time: u64,
    overflows: [u64; 12],
}

impl Machine {
    fn new() -> Self {
        let mut pmu = Pmu::new(Config::sapphire_rapids()).unwrap();
        assert_eq!(pmu.wrmsr(0x38f, 0), Access::Done(()));
        Self {
            pmu,
            now: 1_000_000,
            guest_time: 500,
            overflows: [0; 12],
        }
    }

    fn load(&mut self, image: &HostImage) {
        let mut write =
            |address, value| assert_eq!(self.pmu.wrmsr(address, value), Access::Done(()));
        write(0x38f, 0);
        for (i, &selector) in (0..).zip(&image.selectors) {
            write(0x186 + i, selector.into());
        }
        for (i, start) in (0..).zip(image.starts) {
            if let Some(value) = start {
                write(if i < 8 { 0x4c1 + i } else { 0x309 + i - 8 }, value);
            }
        }
        write(0x38d, image.fixed_control.into());
        write(0x38f, image.global_control.into());
    }

    fn host_runs(&mut self, instructions: u64, branches: u64) {
        self.pmu.advance(&Elapsed {
            kernel: Batch {
                branches,
                ..Batch::instructions(instructions)
            },
            ..Elapsed::default()
        });
        self.now += instructions;
    }

    /// A guest is resident: the host's counters stand still.
    fn guest_runs(&mut self, ticks: u64) {
        self.now += ticks;
        self.guest_time += ticks;
    }

    fn read(&self) -> CounterReading {
        let ecx = |i: u32| if i < 8 { i } else { 1 << 30 | (i - 8) };
        let values = std::array::from_fn(|i| match self.pmu.rdpmc(ecx(i as u32)) {
            Access::Done(value) => value,
            _ => 0,
        });
        CounterReading {
            now: self.now,
            guest_time: self.guest_time,
            values,
            overflows: self.overflows,
        }
    }
}

#[test]
fn counts_are_exact_and_the_times_tell_host_from_guest() {
    let (mut machine, mut events) = (Machine::new(), CpuEvents::new(layout()));
    let instructions = events.open(ME, spec(What::Instructions)).unwrap();
    let branches = events.open(ME, spec(What::Branches)).unwrap();
    machine.host_runs(100, 10);
    events.enable(ME, instructions, &machine.read()).unwrap();
    events.enable(ME, branches, &machine.read()).unwrap();
    machine.load(&events.take_image());
    machine.host_runs(1000, 70);
    machine.guest_runs(333);
    machine.host_runs(500, 5);
    let at = machine.read();
    let expected = |value| EventReading {
        value,
        time_enabled: 1500,
        time_running: 1500,
        time_blind: 333,
    };
    assert_eq!(events.read(ME, instructions, &at), Ok(expected(1500)));
    assert_eq!(events.read(ME, branches, &at), Ok(expected(75)));
    events.disable(ME, instructions, &at).unwrap();
    machine.load(&events.take_image());
    machine.host_runs(9, 9);
    assert_eq!(
        events.read(ME, instructions, &machine.read()),
        Ok(expected(1500)),
        "a stopped event stands still"
    );
    assert_eq!(
        events.read(ME, branches, &machine.read()).unwrap().value,
        84
    );
}

#[test]
fn opening_and_closing_others_does_not_disturb_a_running_event() {
    let (mut machine, mut events) = (Machine::new(), CpuEvents::new(layout()));
    let mine = events.open(ME, spec(What::Branches)).unwrap();
    events.enable(ME, mine, &machine.read()).unwrap();
    machine.load(&events.take_image());
    for round in 0..20_u64 {
        machine.host_runs(10, 3);
        let other = events.open(OTHER, spec(What::Raw(0xc4))).unwrap();
        events.enable(OTHER, other, &machine.read()).unwrap();
        machine.load(&events.take_image());
        machine.host_runs(10, 2);
        assert_eq!(events.read(OTHER, other, &machine.read()).unwrap().value, 2);
        events.close(OTHER, other, &machine.read()).unwrap();
        machine.load(&events.take_image());
        assert_eq!(
            events.read(ME, mine, &machine.read()).unwrap().value,
            (round + 1) * 5
        );
    }
}

#[test]
fn a_running_event_keeps_its_counter_when_a_lower_one_becomes_free() {
    let (machine, mut events) = (Machine::new(), CpuEvents::new(layout()));
    let at = machine.read();
    let [first, second] = [(); 2].map(|()| events.open(ME, spec(What::Branches)).unwrap());
    events.enable(ME, first, &at).unwrap();
    events.enable(ME, second, &at).unwrap();
    let before = events.counter(second);
    events.close(ME, first, &at).unwrap();
    assert!(before.is_some());
    assert_eq!(events.counter(second), before);
}

#[test]
fn an_event_that_finds_no_counter_waits_and_says_so() {
    let (mut machine, mut events) = (Machine::new(), CpuEvents::new(layout()));
    let ids: Vec<_> = (0..9)
        .map(|_| events.open(ME, spec(What::Branches)).unwrap())
        .collect();
    for &id in &ids {
        events.enable(ME, id, &machine.read()).unwrap();
    }
    machine.load(&events.take_image());
    machine.host_runs(100, 40);
    let at = machine.read();
    let waiting = EventReading {
        value: 0,
        time_enabled: 100,
        time_running: 0,
        time_blind: 0,
    };
    assert_eq!(events.read(ME, ids[8], &at), Ok(waiting));
    assert_eq!(events.read(ME, ids[7], &at).unwrap().value, 40);
    events.close(ME, ids[0], &at).unwrap();
    machine.load(&events.take_image());
    machine.host_runs(10, 4);
    let at = machine.read();
    let ran = EventReading {
        value: 4,
        time_enabled: 110,
        time_running: 10,
        time_blind: 0,
    };
    assert_eq!(events.read(ME, ids[8], &at), Ok(ran));
}

#[test]
fn a_sampling_event_overflows_after_its_period_and_still_counts_everything() {
    let (mut machine, mut events) = (Machine::new(), CpuEvents::new(layout()));
    let id = events
        .open(
            ME,
            EventSpec {
                period: Some(1000),
                ..spec(What::Instructions)
            },
        )
        .unwrap();
    events.enable(ME, id, &machine.read()).unwrap();
    machine.load(&events.take_image());
    machine.host_runs(999, 0);
    assert_eq!(machine.pmu.rdmsr(0x38e), Access::Done(0));
    machine.host_runs(4, 0);
    assert_eq!(machine.pmu.rdmsr(0x38e), Access::Done(1 << 32));
    assert!(machine.pmu.take_pmi());
    // What the kernel's interrupt stub does: set back by one period, keeping the three that came late.
    assert_eq!(machine.pmu.rdpmc(1 << 30), Access::Done(3));
    assert_eq!(
        machine.pmu.wrmsr(0x309, 3_u64.wrapping_sub(1000) & MASK),
        Access::Done(())
    );
    machine.overflows[8] += 1;
    machine.host_runs(500, 0);
    assert_eq!(events.read(ME, id, &machine.read()).unwrap().value, 1503);
}

#[test]
fn wrong_requests_are_refused_by_name_and_change_nothing() {
    let mut events = CpuEvents::new(layout());
    let none = Rings {
        kernel: false,
        user: false,
    };
    let table = [
        (
            EventSpec {
                rings: none,
                ..spec(What::Cycles)
            },
            EventError::Invalid(Field::Rings),
        ),
        (spec(What::Raw(1 << 21)), EventError::Invalid(Field::Raw)),
        (spec(What::Raw(1 << 22)), EventError::Invalid(Field::Raw)),
        (
            EventSpec {
                period: Some(0),
                ..spec(What::Cycles)
            },
            EventError::Invalid(Field::Period),
        ),
        (
            EventSpec {
                period: Some(1 << 47),
                ..spec(What::Cycles)
            },
            EventError::Invalid(Field::Period),
        ),
    ];
    for (spec, error) in table {
        assert_eq!(events.open(ME, spec), Err(error), "{spec:?}");
    }
    let only_fixed = Layout {
        counters: CounterSet::from_bits(0x7_0000_0000),
        ..layout()
    };
    assert_eq!(
        CpuEvents::new(only_fixed).open(ME, spec(What::Branches)),
        Err(EventError::NoCounter)
    );
    for _ in 0..32 {
        events.open(ME, spec(What::Cycles)).unwrap();
    }
    assert_eq!(
        events.open(ME, spec(What::Cycles)),
        Err(EventError::TooMany)
    );
}

#[test]
fn nobody_reaches_another_clients_event() {
    let (machine, mut events) = (Machine::new(), CpuEvents::new(layout()));
    let mine = events.open(ME, spec(What::Cycles)).unwrap();
    let at = machine.read();
    assert_eq!(
        events.enable(OTHER, mine, &at),
        Err(EventError::NoSuchEvent)
    );
    assert_eq!(events.read(OTHER, mine, &at), Err(EventError::NoSuchEvent));
    assert_eq!(events.close(OTHER, mine, &at), Err(EventError::NoSuchEvent));
    events.enable(ME, mine, &at).unwrap();
    assert!(events.has_demand());
    assert_eq!(events.close_all(OTHER, &at), 0);
    assert_eq!(events.close_all(ME, &at), 1);
    assert!(!events.has_demand());
    assert_eq!(events.take_image(), HostImage::default());
}

/// Every sequence of six steps by two VMs and two events that must see guests: never both kinds at once,
/// and whoever is refused changed nothing (invariants I1 and I2).
#[test]
fn first_come_never_admits_both_sides_whatever_the_order() {
    const STEPS: u32 = 6;
    let (mut granted, mut refused) = (0, 0);
    for sequence in 0..8_u32.pow(STEPS) {
        let mut admission = Admission::default();
        let (mut holders, mut open) = ([false; 2], [false; 2]);
        for step in 0..STEPS {
            let event = sequence / 8_u32.pow(step) % 8;
            let (who, including) = ((event % 2) as usize, open.iter().filter(|&&o| o).count());
            match event / 2 {
                0 => {
                    let wanted = if including == 0 || holders[who] {
                        Acquired::Granted
                    } else {
                        Acquired::Busy
                    };
                    assert_eq!(admission.acquire(VmId(who as u8), including), wanted);
                    holders[who] |= wanted == Acquired::Granted;
                    refused += u32::from(wanted == Acquired::Busy);
                }
                1 => {
                    assert_eq!(admission.release(VmId(who as u8)), holders[who]);
                    holders[who] = false;
                }
                2 => {
                    let admitted = admission.admit_including_guests().is_ok();
                    assert_eq!(admitted, holders == [false; 2]);
                    open[who] |= admitted;
                    granted += u32::from(admitted);
                }
                _ => open[who] = false,
            }
            assert!(holders == [false; 2] || open == [false; 2]);
            assert_eq!(
                admission.holders(),
                holders.iter().filter(|&&h| h).count() as u32
            );
        }
    }
    assert!(granted > 0 && refused > 0);
}

#[test]
fn only_events_that_do_not_exclude_guests_run_on_in_one_with_idle_counters() {
    let mut events = CpuEvents::new(layout());
    let at = CounterReading::default();
    // Fixed counter 0, then general-purpose counters 0 and 1.
    for (what, guests) in [
        (What::Instructions, Guests::Include),
        (What::Branches, Guests::Exclude),
        (What::Branches, Guests::IncludeWhenPossible),
    ] {
        let event = EventSpec {
            guests,
            ..spec(what)
        };
        let id = events.open(ME, event).unwrap();
        events.enable(ME, id, &at).unwrap();
    }
    let image = events.take_image();
    assert_eq!(u64::from(image.global_control), 0x1_0000_0003);
    assert_eq!(u64::from(image.including_guests), 0x1_0000_0002);
}
