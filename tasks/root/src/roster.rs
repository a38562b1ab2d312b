//! What the supervisor knows of its tasks and decides: events in, actions out.

use idl::supervisor::{Activity, EndReason, SupervisorError, TaskState, Verdict};
use sysdesc::Task;
use testproto::End;

/// Tasks at most.
pub const MAX_TASKS: usize = 64;

/// How often a task is started anew. One that dies every time would keep the others from their work, and
/// fill the console.
const RESTARTS: u64 = 8;

/// What happened to a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// Its life ended.
    Died(EndReason),
    /// It has done its work.
    Finished(Verdict),
}

/// What the supervisor has to do about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// Start it anew.
    Restart,
    /// Leave it stopped for good; the system can do without.
    GiveUp,
    /// End the system.
    End(End),
}

#[derive(Clone, Copy, Debug)]
struct Life {
    generation: u64,
    activity: Activity,
    last_end: EndReason,
    verdict: Option<Verdict>,
}

/// The tasks of a system and what became of them.
#[derive(Debug)]
pub struct Roster<'a> {
    tasks: &'a [Task],
    lives: [Life; MAX_TASKS],
}

impl<'a> Roster<'a> {
    /// All tasks in their first life. Those beyond [`MAX_TASKS`] do not exist for it.
    #[must_use]
    pub fn new(tasks: &'a [Task]) -> Self {
        let first = Life {
            generation: 0,
            activity: Activity::Alive,
            last_end: EndReason::StillFirst,
            verdict: None,
        };
        Self {
            tasks: tasks.get(..MAX_TASKS).unwrap_or(tasks),
            lives: [first; MAX_TASKS],
        }
    }

    /// The tasks.
    #[must_use]
    pub const fn tasks(&self) -> &'a [Task] {
        self.tasks
    }

    /// The task with this badge.
    #[must_use]
    pub fn task(&self, badge: u64) -> Option<&'a Task> {
        self.tasks.get(index(badge)?)
    }

    /// What became of a task.
    ///
    /// # Errors
    /// There is none with this badge.
    pub fn state(&self, badge: u64) -> Result<TaskState, SupervisorError> {
        let place = index(badge).filter(|&place| place < self.tasks.len());
        let life = place.and_then(|place| self.lives.get(place));
        let life = life.ok_or(SupervisorError::NoSuchTask)?;
        Ok(TaskState {
            generation: life.generation,
            activity: life.activity,
            last_end: life.last_end,
            reserved: [0; 6],
        })
    }

    /// Notes the number that the kernel gave a task's new life.
    pub fn restarted(&mut self, badge: u64, generation: u64) {
        if let Some(life) = self.life_mut(badge) {
            life.generation = generation;
            life.activity = Activity::Alive;
        }
    }

    /// Decides what follows from an event. Events of tasks that do not exist have no consequence.
    pub fn on(&mut self, badge: u64, event: Event) -> Action {
        let Some(&task) = self.task(badge) else {
            return Action::None;
        };
        let Some(life) = self.life_mut(badge) else {
            return Action::None;
        };
        match event {
            Event::Finished(verdict) => {
                // The first verdict counts; a task must not take back that it failed.
                life.verdict.get_or_insert(verdict);
                life.activity = Activity::Finished;
                self.verdict_of_all().map_or(Action::None, Action::End)
            }
            Event::Died(reason) => {
                life.last_end = reason;
                if task.flags & Task::NO_RESTART == 0 && life.generation < RESTARTS {
                    life.activity = Activity::Restarting;
                    return Action::Restart;
                }
                life.activity = Activity::GivenUp;
                if task.flags & Task::ESSENTIAL == 0 {
                    Action::GiveUp
                } else {
                    Action::End(End::Failed)
                }
            }
        }
    }

    /// How the system ends, once every essential task has given its verdict.
    fn verdict_of_all(&self) -> Option<End> {
        let lives = self.tasks.iter().zip(&self.lives);
        let mut end = End::Passed;
        for (_, life) in lives.filter(|(task, _)| task.flags & Task::ESSENTIAL != 0) {
            if life.verdict? == Verdict::Failed {
                end = End::Failed;
            }
        }
        Some(end)
    }

    fn life_mut(&mut self, badge: u64) -> Option<&mut Life> {
        self.lives.get_mut(index(badge)?)
    }
}

/// Badges count from 1.
fn index(badge: u64) -> Option<usize> {
    usize::try_from(badge).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests;
