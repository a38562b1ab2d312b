//! Which life of its callers the server has dealt with.
//!
//! A client that died left its events open, and a VMM its lease. The next request of anybody finds out: a caller in a later life than
//! the one remembered, or one that will not live again, has died.

use idl::supervisor::{Activity, SupervisorClient};
use idl_runtime::Connection;

/// Tasks that are remembered at most: events of all of them must have a place.
const MAX: usize = pmu_server_core::MAX_EVENTS + pmu_server_core::MAX_VMS;

/// The lives of the tasks that hold something.
#[derive(Debug)]
pub(crate) struct Lives {
    supervisor: SupervisorClient<Connection>,
    /// Badge and generation.
    known: [Option<(u64, u64)>; MAX],
}

impl Lives {
    /// Nobody is remembered.
    pub(crate) const fn new(supervisor: SupervisorClient<Connection>) -> Self {
        Self {
            supervisor,
            known: [None; MAX],
        }
    }

    /// From now on `task` holds something in its present life.
    pub(crate) fn remember(&mut self, task: u64) {
        if self.known.iter().flatten().any(|&(known, _)| known == task) {
            return;
        }
        let generation = self.generation(task);
        let place = self.known.iter_mut().find(|place| place.is_none());
        if let (Some(place), Some(generation)) = (place, generation) {
            *place = Some((task, generation));
        }
    }

    /// Somebody who was remembered and has died since. Not remembered any more.
    pub(crate) fn take_dead(&mut self) -> Option<u64> {
        for at in 0..MAX {
            let Some((task, generation)) = self.known.get(at).copied().flatten() else {
                continue;
            };
            if self.generation(task) != Some(generation) {
                if let Some(place) = self.known.get_mut(at) {
                    *place = None;
                }
                return Some(task);
            }
        }
        None
    }

    /// The life that `task` is in; `None`: in none.
    fn generation(&mut self, task: u64) -> Option<u64> {
        let state = self.supervisor.task_state(u32::try_from(task).ok()?).ok()?;
        match state.activity {
            Activity::Alive | Activity::Finished => Some(state.generation),
            Activity::Restarting | Activity::GivenUp => None,
        }
    }
}
