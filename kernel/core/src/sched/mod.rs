//! Who runs: fixed priorities, round robin inside one, budgets of CPU time.
//!
//! The current thread of a CPU is in no queue, and nothing in the ready queue is more urgent when ring 3 runs.
//! Time is looked at only when the scheduling context in use changes and when the timer fires; a call to a server that
//! works on its caller's budget therefore costs no look at the clock.

mod donate;
mod ready;

pub(crate) use ready::Ready;

use crate::Kernel;
use crate::arch::CpuId;
use crate::arch::trap::Next;
use crate::arch::{cpu, timer};
use crate::object::{Place, PmuControlId, Queue, SchedContextId, Start, State, ThreadId, Threads};
use crate::trace::{Event, trace};

/// Shorter slices than this are not worth a switch.
pub(crate) const LEAST_SLICE_US: u64 = 2;

/// What one CPU runs and what waits for it.
#[derive(Debug)]
pub(crate) struct Cpu {
    /// The thread that ring 3 runs. `None` while idle.
    pub(crate) current: Option<ThreadId>,
    /// The scheduling context that time is charged to.
    pub(crate) charged: Option<SchedContextId>,
    /// Since when, in ticks.
    pub(crate) since: u64,
    /// When the timer fires; `u64::MAX` when it is not armed.
    pub(crate) armed: u64,
    /// The counters of this CPU.
    pub(crate) counters: Option<PmuControlId>,
    /// The thread whose guest's counters are on this CPU, if they are to go when it leaves.
    pub(crate) leaves: Option<ThreadId>,
    /// Threads that could run.
    pub(crate) ready: Ready,
    /// Threads whose budget is used up, by the time when some of it comes back.
    pub(crate) release: Queue,
}

impl Cpu {
    pub(crate) fn new(counters: Option<PmuControlId>) -> Self {
        Self {
            current: None,
            charged: None,
            since: 0,
            armed: u64::MAX,
            counters,
            leaves: None,
            ready: Ready::new(),
            release: Queue::default(),
        }
    }
}

impl Kernel {
    /// The state of a CPU.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "all CPU ids have a state")]
    pub(crate) fn cpu(&mut self, cpu: CpuId) -> &mut Cpu {
        &mut self.cpus[cpu.index()]
    }

    /// Chooses what the CPU does now that the system call, fault or interrupt is dealt with.
    pub(crate) fn schedule(&mut self, cpu: CpuId) -> Next {
        if let Some(id) = self.cpu(cpu).current {
            let thread = &self.threads[id];
            if thread.may_run() {
                let (priority, context) = (thread.priority, thread.sched_context);
                let state = self.cpu(cpu);
                if context == state.charged && !state.ready.has_more_urgent_than(priority) {
                    return Next::Thread;
                }
                // It did not use its turn up, so it comes before the others of its priority.
                self.make_ready_first_on(cpu, id);
            }
            self.cpu(cpu).current = None;
        }
        let now = timer::now().0;
        let next = loop {
            let (state, threads) = self.cpu_and_threads(cpu);
            let Some(id) = state.ready.pop(threads) else {
                self.charge(cpu, now);
                self.cpu(cpu).charged = None;
                break Next::Idle;
            };
            if self.begin(cpu, id, now) {
                break Next::Thread;
            }
        };
        self.arm(cpu, now);
        if next == Next::Idle && self.cpu(cpu).release.head.is_none() {
            trace(cpu, Event::NothingToRun);
        }
        next
    }

    /// Gives the CPU to a thread taken from the ready queue, unless its budget says no; then it is queued anew.
    fn begin(&mut self, cpu: CpuId, id: ThreadId, now: u64) -> bool {
        let Some(context) = self.threads[id].sched_context else {
            return false;
        };
        if self.cpu(cpu).charged != Some(context) {
            self.charge(cpu, now);
            self.cpu(cpu).charged = None;
            match self.sched_contexts[context].start(now, self.least_slice) {
                Start::Ready => {}
                Start::TurnOver => {
                    self.make_ready(id);
                    return false;
                }
                Start::Throttled(until) => {
                    self.throttle(id, until);
                    return false;
                }
            }
            let state = self.cpu(cpu);
            state.charged = Some(context);
            state.since = now;
        }
        self.cpu(cpu).current = Some(id);
        cpu::switch_to(cpu, self.threads[id].context);
        true
    }

    /// The timer fired. Who runs next is not chosen yet.
    pub(crate) fn timer_fired(&mut self, cpu: CpuId) {
        let now = timer::now().0;
        self.cpu(cpu).armed = u64::MAX;
        self.release_due(cpu, now);
        self.charge(cpu, now);
        if let Some(id) = self.cpu(cpu).current
            && let Some(context) = self.threads[id].sched_context
            && self.sched_contexts[context].available < self.least_slice
        {
            self.end_turn(cpu, id, context, now);
        }
        self.tick_counters(cpu, now);
        self.arm(cpu, now);
    }

    /// The current thread gives up the rest of its budget.
    pub(crate) fn yield_current(&mut self, cpu: CpuId, id: ThreadId) {
        let now = timer::now().0;
        self.charge(cpu, now);
        if let Some(context) = self.threads[id].sched_context {
            self.sched_contexts[context].give_up();
            self.end_turn(cpu, id, context, now);
        }
    }

    /// The current thread's budget is used up: it goes behind the others of its priority, or waits for more.
    fn end_turn(&mut self, cpu: CpuId, id: ThreadId, context: SchedContextId, now: u64) {
        let state = self.cpu(cpu);
        state.current = None;
        state.charged = None;
        match self.sched_contexts[context].start(now, self.least_slice) {
            Start::Ready | Start::TurnOver => self.make_ready(id),
            Start::Throttled(until) => self.throttle(id, until),
        }
    }

    /// Takes the time since the last look off the scheduling context in use.
    pub(crate) fn charge(&mut self, cpu: CpuId, now: u64) {
        let state = self.cpu(cpu);
        let used = now.saturating_sub(state.since);
        state.since = now;
        if let Some(context) = state.charged {
            self.sched_contexts[context].charge(used);
        }
    }

    /// Arms the timer, if something happens earlier than it fires already.
    pub(crate) fn arm(&mut self, cpu: CpuId, now: u64) {
        let state = self.cpu(cpu);
        let (charged, since, release) = (state.charged, state.since, state.release.head);
        let turn = charged.map_or(u64::MAX, |context| {
            since.saturating_add(self.sched_contexts[context].available)
        });
        let release = release.map_or(u64::MAX, |id| self.threads[id].wake_at);
        let wanted = turn.min(release);
        let state = self.cpu(cpu);
        if wanted < state.armed {
            state.armed = wanted;
            timer::arm(cpu, timer::Ticks(wanted.max(now)));
        }
    }

    fn release_due(&mut self, cpu: CpuId, now: u64) {
        while let Some(id) = self.cpu(cpu).release.head
            && self.threads[id].wake_at <= now
        {
            if self.threads[id].state == State::Halted {
                self.alarm(id);
            } else {
                self.unqueue(id);
                self.make_ready(id);
            }
        }
    }

    /// Queues a thread until a moment when it has time again, or a reason to wake.
    pub(crate) fn throttle(&mut self, id: ThreadId, until: u64) {
        let thread = &mut self.threads[id];
        thread.wake_at = until;
        thread.place = Place::Release;
        let cpu = thread.cpu;
        let (state, threads) = self.cpu_and_threads(cpu);
        state.release.push_by_time(threads, id);
    }

    /// Queues a thread behind those of its priority, if it may run and is not the current one.
    pub(crate) fn make_ready(&mut self, id: ThreadId) {
        if let Some(cpu) = self.cpu_to_queue_on(id) {
            let (state, threads) = self.cpu_and_threads(cpu);
            state.ready.push_back(threads, id);
        }
    }

    /// Queues a thread before those of its priority: it goes on with what its partner in IPC did.
    pub(crate) fn make_ready_first(&mut self, id: ThreadId) {
        if let Some(cpu) = self.cpu_to_queue_on(id) {
            self.make_ready_first_on(cpu, id);
        }
    }

    fn make_ready_first_on(&mut self, cpu: CpuId, id: ThreadId) {
        let (state, threads) = self.cpu_and_threads(cpu);
        state.ready.push_front(threads, id);
    }

    fn cpu_to_queue_on(&mut self, id: ThreadId) -> Option<CpuId> {
        let thread = &self.threads[id];
        let cpu = thread.cpu;
        let may_queue = thread.may_run() && thread.place == Place::Nowhere;
        (may_queue && self.cpu(cpu).current != Some(id)).then_some(cpu)
    }

    /// Takes a thread out of whatever queue it is in.
    pub(crate) fn unqueue(&mut self, id: ThreadId) {
        let thread = &self.threads[id];
        let (place, cpu) = (thread.place, thread.cpu);
        match place {
            Place::Nowhere => return,
            Place::Ready => {
                let (state, threads) = self.cpu_and_threads(cpu);
                state.ready.remove(threads, id);
            }
            Place::Release => {
                let (state, threads) = self.cpu_and_threads(cpu);
                state.release.remove(threads, id);
            }
            Place::Waiting => self.leave_queue(id),
        }
        self.threads[id].place = Place::Nowhere;
    }

    /// Stops a thread; it waits for nothing and nobody afterwards.
    pub(crate) fn stop(&mut self, id: ThreadId) {
        self.break_off_guest(id);
        self.cancel_wait(id);
        self.unqueue(id);
        self.threads[id].state = State::Stopped;
    }

    /// Changes a thread's priority, wherever it waits.
    pub(crate) fn set_priority(&mut self, id: ThreadId, priority: u8) {
        let place = self.threads[id].place;
        match place {
            Place::Ready => {
                self.unqueue(id);
                self.threads[id].priority = priority;
                self.make_ready(id);
            }
            Place::Waiting => {
                self.threads[id].priority = priority;
                self.queue_again(id);
            }
            Place::Nowhere | Place::Release => self.threads[id].priority = priority,
        }
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "all CPU ids have a state")]
    fn cpu_and_threads(&mut self, cpu: CpuId) -> (&mut Cpu, &mut Threads) {
        (&mut self.cpus[cpu.index()], &mut self.threads)
    }
}
