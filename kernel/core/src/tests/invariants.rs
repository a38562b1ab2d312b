//! What must be true between any two system calls.

use std::collections::BTreeMap;

use x86_regs::msr::MsrReg;
use x86_regs::pmu::PerfGlobalCtrl;

use crate::Kernel;
use crate::cap::SlotId;
use crate::object::{EndpointState, Entry, Id, Place, Queue, Signal, State, ThreadId};

/// Panics with the first thing that is not as it must be.
pub(super) fn check(k: &Kernel) {
    let mut found = BTreeMap::new();
    queues_of_cpu(k, &mut found);
    queues_of_objects(k, &mut found);
    for id in k.threads.ids() {
        thread(k, id, found.get(&id.index()).copied());
    }
    sched_contexts(k);
    guests(k);
    replies(k);
    tree(k);
}

/// The members of a queue, whose links must agree with each other.
fn members(k: &Kernel, queue: Queue) -> Vec<ThreadId> {
    let mut all = Vec::new();
    let mut next = queue.head;
    let mut prev = None;
    while let Some(id) = next {
        assert_eq!(k.threads[id].prev, prev, "links of {id:?}");
        assert!(all.len() < 1000, "a queue goes round in circles");
        all.push(id);
        prev = next;
        next = k.threads[id].next;
    }
    assert_eq!(queue.tail, prev, "the tail is the last");
    all
}

fn note(found: &mut BTreeMap<usize, Place>, id: ThreadId, place: Place) {
    let before = found.insert(id.index(), place);
    assert_eq!(before, None, "{id:?} is in two queues");
}

fn queues_of_cpu(k: &Kernel, found: &mut BTreeMap<usize, Place>) {
    let cpu = &k.cpus[0];
    let mut top = 0;
    for priority in 0..=255 {
        for id in members(k, cpu.ready.queue(priority)) {
            assert_eq!(k.threads[id].priority, priority);
            note(found, id, Place::Ready);
            top = u16::from(priority) + 1;
        }
    }
    assert_eq!(cpu.ready.top(), top, "the top of the ready queues");
    let released = members(k, cpu.release);
    assert!(released.is_sorted_by_key(|&id| k.threads[id].wake_at));
    for id in released {
        assert!(
            cpu.armed <= k.threads[id].wake_at,
            "nobody would wake {id:?}"
        );
        note(found, id, Place::Release);
    }
    if let Some(current) = cpu.current {
        let thread = &k.threads[current];
        assert!(thread.may_run(), "the current thread may run");
        assert_eq!(thread.place, Place::Nowhere);
        assert_eq!(cpu.charged, thread.sched_context, "who uses the CPU pays");
        assert!(
            top <= u16::from(thread.priority) + 1,
            "the most urgent runs"
        );
        assert!(
            cpu.armed <= cpu.since + k.sched_contexts[thread.sched_context.unwrap()].available,
            "nothing would end the turn"
        );
    } else {
        assert_eq!((cpu.charged, top), (None, 0), "idle with nothing to do");
    }
}

fn queues_of_objects(k: &Kernel, found: &mut BTreeMap<usize, Place>) {
    for (id, object) in k.endpoints.ids().zip(k.endpoints.iter()) {
        let all = members(k, object.queue);
        assert_eq!(all.is_empty(), object.state == EndpointState::Idle);
        let waits_for_nobody = object.retired.is_some() && object.state == EndpointState::Sending;
        assert!(
            !waits_for_nobody,
            "somebody waits for a server that retired"
        );
        assert!(all.is_sorted_by(|&a, &b| k.threads[a].priority >= k.threads[b].priority));
        for thread in all {
            let wants = match k.threads[thread].state {
                State::Sending => EndpointState::Sending,
                State::Receiving => EndpointState::Receiving,
                other => panic!("{other:?} in an endpoint's queue"),
            };
            assert_eq!(
                (wants, k.threads[thread].endpoint),
                (object.state, Some(id))
            );
            note(found, thread, Place::Waiting);
        }
    }
    for (id, object) in k.notifications.ids().zip(k.notifications.iter()) {
        let all = members(k, object.queue);
        assert!(
            all.is_empty() || object.signal == Signal::Idle,
            "a signal nobody takes"
        );
        for thread in all {
            let waiting = &k.threads[thread];
            assert_eq!(
                (waiting.state, waiting.waits_for),
                (State::Waiting, Some(id))
            );
            note(found, thread, Place::Waiting);
        }
        if let Some(bound) = object.bound {
            assert_eq!(k.threads[bound].notification, Some(id));
        }
    }
}

fn thread(k: &Kernel, id: ThreadId, found: Option<Place>) {
    let thread = &k.threads[id];
    let place = found.unwrap_or(Place::Nowhere);
    assert_eq!(thread.place, place, "{id:?} knows where it is");
    let is_current = k.cpus[0].current == Some(id);
    match thread.state {
        State::Stopped => assert_eq!(place, Place::Nowhere),
        State::Runnable if is_current || thread.sched_context.is_none() => {
            assert_eq!(place, Place::Nowhere);
        }
        State::Runnable => assert!(matches!(place, Place::Ready | Place::Release)),
        State::Sending | State::Receiving | State::Waiting => assert_eq!(place, Place::Waiting),
        State::Halted => {
            assert!(thread.guest.is_some(), "{id:?} sleeps for a guest");
            assert!(matches!(place, Place::Release | Place::Nowhere));
        }
        State::Calling => {
            assert_eq!(place, Place::Nowhere);
            let reply = thread.reply.expect("a caller knows who answers");
            assert_eq!(k.replies[reply].caller, Some(id));
        }
    }
    if !matches!(thread.state, State::Calling | State::Receiving) {
        assert_eq!(thread.reply, None, "{id:?} waits for no reply object");
    }
    if place != Place::Waiting {
        let waits = (thread.endpoint, thread.waits_for, thread.blocked_slot);
        assert_eq!(waits, (None, None, None), "{id:?} waits for nothing");
    }
    if let Some(notification) = thread.notification {
        assert_eq!(k.notifications[notification].bound, Some(id));
    }
    if let Some(slot) = thread.blocked_slot {
        assert!(
            k.slots.capability(slot).is_some(),
            "{id:?} waits through an empty slot"
        );
    }
}

fn sched_contexts(k: &Kernel) {
    for (id, context) in k.sched_contexts.ids().zip(k.sched_contexts.iter()) {
        let queued: u64 = context.queue().iter().map(|refill| refill.amount).sum();
        let sum = context.available + context.spent + queued;
        assert_eq!(
            sum, context.budget,
            "time is neither made nor lost: {context:?}"
        );
        assert!(context.queue().is_sorted_by_key(|refill| refill.time));
        if let Some(runner) = context.runner {
            assert_eq!(k.threads[runner].sched_context, Some(id));
        }
        if let Some(home) = context.home {
            assert_eq!(k.threads[home].home, Some(id));
        }
    }
    for (id, thread) in k.threads.ids().zip(k.threads.iter()) {
        if let Some(context) = thread.sched_context {
            assert_eq!(k.sched_contexts[context].runner, Some(id));
        }
        if let Some(home) = thread.home {
            assert_eq!(k.sched_contexts[home].home, Some(id));
            if thread.sched_context.is_none() {
                let runner = k.sched_contexts[home].runner;
                assert!(
                    runner.is_some(),
                    "{id:?} has no time though its own is free"
                );
            }
        }
    }
}

fn replies(k: &Kernel) {
    for (id, reply) in k.replies.ids().zip(k.replies.iter()) {
        if let Some(caller) = reply.caller {
            let thread = &k.threads[caller];
            assert_eq!((thread.state, thread.reply), (State::Calling, Some(id)));
            assert!(reply.server.is_some());
        } else if let Some(server) = reply.server {
            let thread = &k.threads[server];
            assert_eq!((thread.state, thread.reply), (State::Receiving, Some(id)));
            assert_eq!(reply.donated, None);
        } else {
            assert_eq!(
                (reply.donated, reply.slot),
                (None, None),
                "a free reply object"
            );
        }
    }
}

/// Who has the counters, by the arbiter, the driver's registers and the scheduler's note of it.
fn guests(k: &Kernel) {
    for (id, thread) in k.threads.ids().zip(k.threads.iter()) {
        if let Some(vcpu) = thread.guest {
            assert_eq!(k.vcpus[vcpu].thread, id, "only its own thread enters");
            let inside = matches!(thread.state, State::Runnable | State::Halted);
            assert!(inside, "{id:?} is in a guest and {:?}", thread.state);
            assert_ne!(
                k.cpus[0].current,
                Some(id),
                "ring 3 runs a thread in a guest"
            );
        }
    }
    for vcpu in k.vcpus.iter() {
        assert_eq!(vcpu.is_idle, vcpu.context.is_idle());
    }
    for control in k.pmu_controls.iter() {
        let Some(resident) = control.resident() else {
            assert_eq!(k.cpus[0].leaves, None);
            continue;
        };
        let vcpu = &k.vcpus[resident];
        let lease = &k.pmu_leases[vcpu.lease].lease;
        assert!(lease.is_armed(), "on the counters without a lease");
        let stays = control.arbiter.mode() == lease::Mode::Retain;
        let expected = (!stays).then_some(vcpu.thread);
        assert_eq!(k.cpus[0].leaves, expected, "whose leaving ends a residency");
        if !stays {
            let current = k.cpus[0].current;
            assert_eq!(
                current, expected,
                "it stays only while its thread has the CPU"
            );
            assert!(
                k.cpus[0].armed <= control.arbiter.slice_end().unwrap().0
                    || vcpu.entry == Entry::Fresh
            );
        }
        let control =
            arch_host::machine::counter_register(arch_host::CpuId::BOOT, PerfGlobalCtrl::ADDR);
        assert_eq!(
            control, 0,
            "the kernel runs with a guest's counters stopped"
        );
    }
}

/// The derivation tree: links in both directions, children of the same object with no more rights.
pub(super) fn tree(k: &Kernel) {
    for cnode in k.cnodes.iter() {
        for position in 0..u64::from(cnode.slots) {
            if let Some(id) = cnode.slot(position) {
                slot(k, id);
            }
        }
    }
}

fn slot(k: &Kernel, id: SlotId) {
    let slot = &k.slots[id];
    let Some(capability) = slot.capability else {
        assert_eq!(
            *slot,
            crate::cap::Slot::default(),
            "an empty slot has no links"
        );
        return;
    };
    if let Some(parent) = slot.parent {
        let above = k.slots[parent].capability.expect("a parent is there");
        assert!(
            above.is_same_object(capability),
            "children are of the same object"
        );
        assert!(
            above.allows(capability.rights),
            "children have no more rights"
        );
        if slot.prev.is_none() {
            assert_eq!(k.slots[parent].first_child, Some(id));
        }
    } else {
        assert_eq!(
            (slot.next, slot.prev),
            (None, None),
            "only children have neighbours"
        );
    }
    if let Some(next) = slot.next {
        assert_eq!(
            (k.slots[next].prev, k.slots[next].parent),
            (Some(id), slot.parent)
        );
    }
    if let Some(prev) = slot.prev {
        assert_eq!(
            (k.slots[prev].next, k.slots[prev].parent),
            (Some(id), slot.parent)
        );
    }
    if let Some(child) = slot.first_child {
        assert_eq!(
            (k.slots[child].prev, k.slots[child].parent),
            (None, Some(id))
        );
    }
    // Going up ends.
    let mut above = slot.parent;
    for _ in 0..1000 {
        match above {
            Some(next) => above = k.slots[next].parent,
            None => return,
        }
    }
    panic!("the tree goes round in circles");
}
