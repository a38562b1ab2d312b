//! A queue of threads, linked through the threads themselves.
//!
//! A thread is in one queue at most: ready, released, or waiting at an endpoint or notification.

use super::{ThreadId, Threads};

/// First and last of a doubly linked list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Queue {
    /// Next to be served.
    pub(crate) head: Option<ThreadId>,
    /// Last to be served.
    pub(crate) tail: Option<ThreadId>,
}

impl Queue {
    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.head.is_none()
    }

    /// Puts `id` before all others.
    pub(crate) fn push_front(&mut self, threads: &mut Threads, id: ThreadId) {
        self.insert_after(threads, None, id);
    }

    /// Puts `id` behind all others.
    pub(crate) fn push_back(&mut self, threads: &mut Threads, id: ThreadId) {
        self.insert_after(threads, self.tail, id);
    }

    /// Puts `id` behind all that are at least as urgent.
    pub(crate) fn push_by_priority(&mut self, threads: &mut Threads, id: ThreadId) {
        let priority = threads[id].priority;
        let mut before = self.tail;
        while let Some(other) = before
            && threads[other].priority < priority
        {
            before = threads[other].prev;
        }
        self.insert_after(threads, before, id);
    }

    /// Puts `id` behind all whose `wake_at` is not later.
    pub(crate) fn push_by_time(&mut self, threads: &mut Threads, id: ThreadId) {
        let time = threads[id].wake_at;
        let mut before = self.tail;
        while let Some(other) = before
            && threads[other].wake_at > time
        {
            before = threads[other].prev;
        }
        self.insert_after(threads, before, id);
    }

    fn insert_after(&mut self, threads: &mut Threads, before: Option<ThreadId>, id: ThreadId) {
        let after = match before {
            Some(before) => threads[before].next.replace(id),
            None => self.head.replace(id),
        };
        match after {
            Some(after) => threads[after].prev = Some(id),
            None => self.tail = Some(id),
        }
        let thread = &mut threads[id];
        thread.prev = before;
        thread.next = after;
    }

    /// Takes `id` out, which must be in this queue.
    pub(crate) fn remove(&mut self, threads: &mut Threads, id: ThreadId) {
        let thread = &mut threads[id];
        let (prev, next) = (thread.prev.take(), thread.next.take());
        match prev {
            Some(prev) => threads[prev].next = next,
            None => self.head = next,
        }
        match next {
            Some(next) => threads[next].prev = prev,
            None => self.tail = prev,
        }
    }
}
