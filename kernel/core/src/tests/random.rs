//! Random system calls with random registers, from several threads at once.
//!
//! Two promises at once: whatever tasks do, every invariant holds and the kernel does not panic; and the short way of `Call` and
//! `ReplyRecv` leaves exactly the state behind that the general way leaves.

use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use sel4_sys::{CapRights, IpcBuffer, MessageInfo, ObjectKind, Syscall, UserContext, slot};
use sysdesc::{Interrupt as Line, Port, SchedContext as Budget};

use super::FastPath;
use super::invariants;
use super::machine::Machine;
use super::system::{Number, SLOTS, System, vmm_slot};
use crate::arch::timer;
use crate::arch::trap::{Interrupt, UserFault};
use crate::object::{Id, State, ThreadId};

const THREADS: Number = 5;
const ENDPOINT: u64 = 16;
const SECOND_ENDPOINT: u64 = 20;
const SECOND_REPLY: u64 = 24;
const THREAD: u64 = 28;
const SCHED_CONTEXT: u64 = 34;
const OTHER_CNODE: u64 = 42;
const FRAME: u64 = 43;
const INTERRUPT: u64 = 44;
const PORT: u64 = 45;
const OTHER_NOTIFICATION: u64 = 46;
const CONTROL: u64 = 52;
const A_LEASE: u64 = 53;

/// Threads of many kinds, each with a capability to almost everything.
fn system() -> System {
    let mut s = System::new();
    for (priority, budget) in [
        (10, (1000, 1000)),
        (20, (100, 1000)),
        (20, (50, 200)),
        (30, (1000, 1000)),
    ] {
        let context = s.sched_context(budget.0, budget.1);
        s.task_on(priority, Some(context));
    }
    s.passive_task(40);
    let endpoints = [s.endpoint(), s.endpoint()];
    let replies = [s.reply(), s.reply()];
    s.sched_contexts.push(Budget {
        budget_us: 30,
        period_us: 40,
    });
    s.interrupts.push(Line { line: 4, flags: 0 });
    s.ports.push(Port {
        first: 0x3f8,
        count: 8,
        reserved: 0,
    });
    let everything = CapRights::all();
    let call = CapRights::WRITE | CapRights::GRANT_REPLY;
    let root = s.give(0, 54, ObjectKind::Endpoint, endpoints[0]);
    for task in 0..THREADS {
        s.derive(root, task, ENDPOINT, 1 + u64::from(task));
        s.give_with(
            task,
            ENDPOINT + 1,
            ObjectKind::Endpoint,
            endpoints[0],
            call,
            7,
        );
        s.give_with(
            task,
            ENDPOINT + 2,
            ObjectKind::Endpoint,
            endpoints[0],
            CapRights::READ,
            0,
        );
        s.give_with(
            task,
            SECOND_ENDPOINT,
            ObjectKind::Endpoint,
            endpoints[1],
            everything,
            0,
        );
        s.give(
            task,
            SECOND_REPLY,
            ObjectKind::Reply,
            replies[usize::from(task % 2)],
        );
        for other in 0..THREADS {
            s.give(task, THREAD + u64::from(other), ObjectKind::Thread, other);
            s.give(
                task,
                SCHED_CONTEXT + u64::from(other),
                ObjectKind::SchedContext,
                other,
            );
        }
        s.give(task, OTHER_CNODE, ObjectKind::CNode, (task + 1) % THREADS);
        s.give(task, FRAME, ObjectKind::Frame, task);
        s.give(task, INTERRUPT, ObjectKind::Interrupt, 0);
        s.give(task, PORT, ObjectKind::Port, 0);
        let neighbour = (task + 1) % THREADS;
        s.give_with(
            task,
            OTHER_NOTIFICATION,
            ObjectKind::Notification,
            neighbour,
            everything,
            1 << task,
        );
    }
    // The two least urgent threads are VMMs, and everybody has authority over the counters.
    s.guest(0);
    s.guest(1);
    let control = s.control();
    for task in 0..THREADS {
        s.give(task, CONTROL, ObjectKind::PmuControl, control);
        s.give(task, A_LEASE, ObjectKind::PmuLease, task % 2);
        if task > 1 {
            s.give(task, vmm_slot::VCPU, ObjectKind::Vcpu, task % 2);
        }
    }
    // Every second thread has a handler for its faults.
    for task in (0..usize::from(THREADS)).step_by(2) {
        s.threads[task].fault_endpoint = endpoints[1];
    }
    s
}

/// One thing that happens, in numbers.
#[derive(Clone, Debug)]
struct Step {
    what: u8,
    slots: [u64; 3],
    label: u64,
    words: Vec<u64>,
    caps: Vec<u64>,
    receive: (u64, u64),
    passes: u64,
}

fn a_slot() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => Just(ENDPOINT),
        2 => ENDPOINT..ENDPOINT + 3,
        2 => Just(SECOND_ENDPOINT),
        4 => Just(slot::REPLY),
        2 => Just(slot::NOTIFICATION),
        1 => Just(OTHER_NOTIFICATION),
        3 => vmm_slot::VCPU..vmm_slot::LEASE + 1,
        3 => CONTROL..A_LEASE + 1,
        6 => 0..u64::from(SLOTS) + 2,
        1 => any::<u64>(),
    ]
}

fn a_word() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 0..u64::from(SLOTS) + 2,
        2 => 0_u64..300,
        2 => (0_u64..40).prop_map(|page| page << 12),
        2 => Just(0xb), // FIXED_CTR_CTRL: counter 0 in both rings, with PMI
        2 => Just(1 << 32),
        1 => Just(1 << 22), // EN of a selector
        1 => Just((1 << 48) - 20),
        1 => any::<u64>(),
    ]
}

fn a_label() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(0_u64),
        3 => 16_u64..22,
        4 => 32_u64..41,
        2 => 48_u64..52,
        2 => 64_u64..68,
        2 => 80_u64..116,
        4 => 128_u64..140,
        2 => Just(128_u64),
        1 => 144_u64..146,
        5 => 160_u64..169,
        1 => any::<u64>(),
    ]
}

fn a_step() -> impl Strategy<Value = Step> {
    (
        any::<u8>(),
        [a_slot(), a_slot(), a_slot()],
        a_label(),
        proptest::collection::vec(a_word(), 0..8),
        proptest::collection::vec(a_slot(), 0..4),
        (a_slot(), a_word()),
        prop_oneof![3 => 0_u64..3000, 1 => 0_u64..400_000],
    )
        .prop_map(|(what, slots, label, words, caps, receive, passes)| Step {
            what,
            slots,
            label,
            words,
            caps,
            receive,
            passes,
        })
}

/// The running thread does what the step says, or the machine does.
fn take(m: &mut Machine, step: &Step) {
    m.pass(step.passes);
    let number = match step.what {
        0..60 => Syscall::CALL,
        60..120 => Syscall::REPLY_RECV,
        120..150 => Syscall::RECV,
        150..165 => Syscall::SEND,
        165..210 => Syscall(-(i64::from(step.what) % 12)),
        210..220 => return m.interrupt(Interrupt::Line(4)),
        220..225 => return m.interrupt(Interrupt::Timer),
        225..230 => return m.interrupt(Interrupt::Spurious),
        230..240 => Syscall(step.label.cast_signed()),
        240.. => return fault_or_wake(m, step),
    };
    let Some(running) = m.running() else {
        return fault_or_wake(m, step);
    };
    // Most of the time, tasks do what clients and servers do.
    let plain = step.what < 150 && !step.what.is_multiple_of(8);
    let (number, target, reply, caps) = match running {
        _ if !plain => (number, step.slots[0], step.slots[1], &step.caps[..]),
        ..=1 if step.what.is_multiple_of(3) => {
            (Syscall::CALL, vmm_slot::VCPU, slot::REPLY, &[][..])
        }
        2 if step.what.is_multiple_of(3) => (Syscall::CALL, CONTROL, slot::REPLY, &[A_LEASE][..]),
        ..=2 => (Syscall::CALL, ENDPOINT, slot::REPLY, &[][..]),
        3.. => (Syscall::REPLY_RECV, ENDPOINT, slot::REPLY, &[][..]),
    };
    let buffer = m.buffer(running);
    for (i, word) in step.words.iter().enumerate() {
        buffer.set_word(IpcBuffer::MSG_WORD + i, *word);
    }
    for (i, slot) in caps.iter().enumerate() {
        buffer.set_word(IpcBuffer::CAPS_WORD + i, *slot);
    }
    buffer.set_word(IpcBuffer::RECEIVE_CNODE_WORD, step.receive.0);
    buffer.set_word(IpcBuffer::RECEIVE_INDEX_WORD, step.receive.1);
    let word = |i: usize| step.words.get(i).copied().unwrap_or(0);
    let info = MessageInfo::new(
        step.label,
        step.what.into(),
        caps.len() as u64,
        step.words.len() as u64,
    );
    m.system_call(number, |r| {
        [r.r10, r.r8, r.r9, r.r15] = [word(0), word(1), word(2), word(3)];
        (r.rsi, r.rdi, r.r12, r.r13) = (info.0, target, reply, step.slots[2]);
    });
}

/// A fault of the running thread; if there is none, what a supervisor would do to get one.
fn fault_or_wake(m: &mut Machine, step: &Step) {
    if let Some(running) = m.running() {
        let fault = if step.label.is_multiple_of(2) {
            UserFault::Page {
                address: step.label,
                error_code: 4,
                is_fetch: false,
            }
        } else {
            UserFault::Exception {
                vector: 6,
                error_code: 0,
            }
        };
        m.fault(running, fault);
        return;
    }
    let number = u16::try_from(step.label % u64::from(THREADS)).unwrap();
    let id = ThreadId::new(number).unwrap();
    m.k.stop(id);
    m.k.resume(id);
    m.interrupt(Interrupt::Spurious);
}

/// Everything that the short way could get wrong.
pub(super) fn state_of(m: &Machine) -> u64 {
    let mut hasher = DefaultHasher::new();
    let k = &m.k;
    for thread in k.threads.iter() {
        let registers: [u64; UserContext::WORDS] =
            zerocopy::transmute!(thread.context.user_context());
        registers.hash(&mut hasher);
        let waits = (
            thread.endpoint,
            thread.waits_for,
            thread.blocked_slot,
            thread.reply,
        );
        let queue = (
            thread.next,
            thread.prev,
            thread.state,
            thread.place,
            thread.wake_at,
        );
        let time = (
            thread.sched_context,
            thread.home,
            thread.priority,
            thread.generation,
        );
        let message = (thread.state == State::Sending).then_some((thread.badge, thread.rights));
        let rest = (message, thread.fault, thread.notification, thread.guest);
        format!("{waits:?} {queue:?} {time:?} {rest:?}").hash(&mut hasher);
    }
    let objects = (
        &k.endpoints,
        &k.notifications,
        &k.replies,
        &k.sched_contexts,
        &k.interrupts,
    );
    format!("{objects:?}").hash(&mut hasher);
    for vcpu in k.vcpus.iter() {
        let guest = (
            &vcpu.context,
            vcpu.pmi,
            vcpu.entry,
            vcpu.deadline,
            vcpu.slot,
        );
        format!("{guest:?}").hash(&mut hasher);
    }
    for control in k.pmu_controls.iter() {
        let counters = (
            &control.arbiter,
            &control.host,
            control.server,
            control.tally,
        );
        format!("{counters:?} {:?}", control.target).hash(&mut hasher);
    }
    let cpu = &k.cpus[0];
    let clock = (cpu.current, cpu.charged, cpu.since, cpu.armed, cpu.release);
    format!("{clock:?} {:?}", timer::now()).hash(&mut hasher);
    arch_host::machine::current().hash(&mut hasher);
    hasher.finish()
}

fn run(mut m: Machine, steps: &[Step]) -> (Vec<u64>, Machine) {
    let states = steps.iter().map(|step| {
        take(&mut m, step);
        invariants::check(&m.k);
        state_of(&m)
    });
    (states.collect(), m)
}

fn taken(m: &Machine) -> u64 {
    match m.k.fast_path {
        FastPath::On { taken } => taken,
        FastPath::Off => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_tasks_do_the_kernel_stays_sound_and_both_ways_agree(
        steps in proptest::collection::vec(a_step(), 1..120)
    ) {
        let system = system();
        let (fast, _) = run(Machine::boot(&system), &steps);
        let (slow, _) = run(Machine::boot_slow(&system), &steps);
        for (i, (fast, slow)) in fast.iter().zip(&slow).enumerate() {
            prop_assert_eq!(fast, slow, "the two ways differ after step {}: {:?}", i, &steps[i]);
        }
    }
}

#[test]
fn random_steps_take_the_short_way_often_enough_to_test_it() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = proptest::collection::vec(a_step(), 100);
    let count: u64 = (0..50)
        .map(|_| {
            let steps = strategy.new_tree(&mut runner).unwrap().current();
            taken(&run(Machine::boot(&system()), &steps).1)
        })
        .sum();
    assert!(count > 100, "taken {count} times in 5000 steps");
}
