//! Who runs when, held against a scheduler that anybody can check by reading.
//!
//! The reference keeps one list of threads and searches it. For budgets that are less than their period it would have to
//! repeat the kernel's bookkeeping, so there the promise itself is measured: in no window of a
//! period does a thread get more than its budget.

use proptest::prelude::*;
use sel4_sys::{ObjectKind, ThreadOp};

use super::invariants;
use super::machine::{CPU, Machine, message, thread_id};
use super::system::{Number, System};
use crate::arch::timer;
use crate::arch::trap::Interrupt;

/// Ticks of a µs on the host's machine.
const US: u64 = 1000;
/// All times are multiples of this, so that no slice ends with a rest that is not worth a switch.
const STEP: u64 = 10 * US;
const THREADS: Number = 5;
/// µs of the round-robin slices, one a thread.
const SLICES: [u32; THREADS as usize] = [100, 250, 70, 100, 1000];
/// The slot of a thread's own scheduling authority over thread `i` is `AUTHORITY + i`.
const AUTHORITY: u64 = 20;

#[derive(Clone, Copy, Debug)]
struct Thread {
    priority: u8,
    slice: u64,
    left: u64,
    runs: bool,
}

/// The reference: the first thread of the highest priority in `line` runs.
#[derive(Debug)]
struct Reference {
    threads: Vec<Thread>,
    /// Those that could run, in the order in which they get their turn; the first of each priority is next.
    line: Vec<Number>,
}

impl Reference {
    fn thread(&mut self, number: Number) -> &mut Thread {
        &mut self.threads[usize::from(number)]
    }

    fn running(&self) -> Option<Number> {
        let priority = |&number: &Number| self.threads[usize::from(number)].priority;
        let most = self.line.iter().map(priority).max()?;
        self.line
            .iter()
            .copied()
            .find(|number| priority(number) == most)
    }

    fn leaves(&mut self, number: Number) {
        self.line.retain(|&other| other != number);
    }

    fn put_last(&mut self, number: Number) {
        self.leaves(number);
        self.line.push(number);
    }

    fn turn_is_over(&mut self, number: Number) {
        let thread = self.thread(number);
        thread.left = thread.slice;
        self.put_last(number);
    }

    fn pass(&mut self, mut time: u64) {
        while let Some(running) = self.running() {
            let thread = self.thread(running);
            if thread.left > time {
                thread.left -= time;
                return;
            }
            time -= thread.left;
            self.turn_is_over(running);
        }
    }

    fn act(&mut self, event: Event) {
        match event {
            Event::Pass(steps) => self.pass(u64::from(steps) * STEP),
            Event::Stop(number) => {
                self.thread(number).runs = false;
                self.leaves(number);
            }
            Event::Resume(number) => {
                if !self.thread(number).runs {
                    self.thread(number).runs = true;
                    self.put_last(number);
                }
            }
            Event::Yield => {
                if let Some(running) = self.running() {
                    self.turn_is_over(running);
                }
            }
            Event::SetPriority(number, priority) => {
                let is_running = self.running() == Some(number);
                self.thread(number).priority = priority;
                if self.thread(number).runs && !is_running {
                    self.put_last(number);
                } else if is_running {
                    // It goes on before the others of its new priority.
                    self.leaves(number);
                    self.line.insert(0, number);
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Pass(u8),
    Stop(Number),
    Resume(Number),
    Yield,
    SetPriority(Number, u8),
}

fn an_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..30_u8).prop_map(Event::Pass),
        2 => (0..THREADS).prop_map(Event::Stop),
        4 => (0..THREADS).prop_map(Event::Resume),
        2 => Just(Event::Yield),
        2 => (0..THREADS, 9..12_u8).prop_map(|(number, priority)| Event::SetPriority(number, priority)),
    ]
}

fn act(m: &mut Machine, event: Event) {
    match event {
        Event::Pass(steps) => m.pass(u64::from(steps) * STEP),
        Event::Stop(number) => m.stop(number),
        Event::Resume(number) => m.resume(number),
        Event::Yield => {
            if let Some(running) = m.running() {
                m.yield_now(running);
            }
        }
        Event::SetPriority(number, priority) => match m.running() {
            // By system call when somebody can make one, so that the current thread's own priority changes that way too.
            Some(running) => {
                let own = AUTHORITY + u64::from(running);
                let mut set = message(ThreadOp::SET_PRIORITY.0, &[priority.into()]);
                set.caps.push(own);
                m.call(running, AUTHORITY + u64::from(number), &set);
            }
            None => m.k.set_priority(thread_id(number), priority),
        },
    }
}

fn round_robin() -> (Machine, Reference) {
    let mut system = System::new();
    let mut threads = Vec::new();
    for slice in SLICES {
        let context = system.sched_context(slice, slice);
        system.task_on(10, Some(context));
        let slice = u64::from(slice) * US;
        threads.push(Thread {
            priority: 10,
            slice,
            left: slice,
            runs: true,
        });
    }
    for task in 0..THREADS {
        for other in 0..THREADS {
            system.give(
                task,
                AUTHORITY + u64::from(other),
                ObjectKind::Thread,
                other,
            );
        }
    }
    let line = (0..THREADS).collect();
    (Machine::boot(&system), Reference { threads, line })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn who_runs_is_who_a_naive_scheduler_would_run(
        events in proptest::collection::vec(an_event(), 1..80)
    ) {
        let (mut m, mut reference) = round_robin();
        prop_assert_eq!(m.running(), reference.running());
        for (i, &event) in events.iter().enumerate() {
            act(&mut m, event);
            reference.act(event);
            prop_assert_eq!(m.running(), reference.running(), "after event {}: {:?}", i, event);
            invariants::check(&m.k);
        }
    }

    #[test]
    fn in_no_window_of_a_period_does_a_thread_get_more_than_its_budget(
        budgets in proptest::collection::vec((20_u32..200, 200_u32..1000), 3),
        gaps in proptest::collection::vec((0..3_u16, 1..150_u64), 1..80),
    ) {
        let mut system = System::new();
        for (i, &(budget, period)) in budgets.iter().enumerate() {
            let context = system.sched_context(budget, period);
            system.task_on(10 + u8::try_from(i % 2).unwrap(), Some(context));
        }
        let mut m = Machine::boot(&system);
        let mut ran = vec![Vec::new(); budgets.len()];
        for &(number, gap) in &gaps {
            // Threads sleep and wake at moments of their own choice, the worst ones for the budget included.
            if m.k.threads[thread_id(number)].may_run() { m.stop(number) } else { m.resume(number) }
            watch(&mut m, gap * US, &mut ran);
        }
        for (number, (&(budget, period), ran)) in budgets.iter().zip(&ran).enumerate() {
            let most = most_in_a_window(ran, u64::from(period) * US);
            // A timer that is armed for the end of a slice too short to be given fires that much late.
            prop_assert!(most <= u64::from(budget) * US + m.k.least_slice, "{} got {}", number, most);
        }
    }
}

/// Lets time pass and notes who ran from when to when.
fn watch(m: &mut Machine, ticks: u64, ran: &mut [Vec<(u64, u64)>]) {
    let end = timer::now().0 + ticks;
    while timer::now().0 < end {
        let now = timer::now().0;
        let next = arch_host::machine::deadline().map_or(end, |deadline| deadline.0.min(end));
        if let Some(running) = m.running() {
            ran[usize::from(running)].push((now, next));
        }
        arch_host::machine::advance(next.saturating_sub(now));
        if arch_host::machine::deadline().is_some_and(|deadline| deadline.0 <= next) {
            arch_host::machine::disarm();
            m.interrupt(Interrupt::Timer);
        }
    }
}

/// The longest time that falls into a window of this length which begins or ends with a run.
fn most_in_a_window(ran: &[(u64, u64)], length: u64) -> u64 {
    let starts = ran
        .iter()
        .flat_map(|&(from, to)| [from, to.saturating_sub(length)]);
    let inside = |start: u64| -> u64 {
        let end = start + length;
        let parts = ran
            .iter()
            .map(|&(from, to)| to.min(end).saturating_sub(from.max(start)));
        parts.sum()
    };
    starts.map(inside).max().unwrap_or(0)
}

#[test]
fn threads_of_one_priority_share_the_cpu_by_their_slices() {
    let (mut m, _) = round_robin();
    let mut ran = vec![Vec::new(); usize::from(THREADS)];
    let round: u64 = SLICES.iter().map(|&slice| u64::from(slice) * US).sum();
    watch(&mut m, 10 * round, &mut ran);
    for (ran, slice) in ran.iter().zip(SLICES) {
        let time: u64 = ran.iter().map(|&(from, to)| to - from).sum();
        assert_eq!(time, 10 * u64::from(slice) * US);
    }
    assert_eq!(
        m.k.cpu(CPU).current.map(|id| m.k.threads[id].number),
        Some(0)
    );
}
