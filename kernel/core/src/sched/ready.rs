//! The threads of one CPU that could run at once, by priority.

use crate::object::{Place, Queue, ThreadId, Threads};

const PRIORITIES: usize = 256;

/// One queue per priority, and a bit for each that is not empty.
#[derive(Debug)]
pub(crate) struct Ready {
    queues: [Queue; PRIORITIES],
    bits: [u64; PRIORITIES / 64],
    /// One more than the highest priority in use, 0 when all queues are empty.
    top: u16,
}

impl Ready {
    pub(crate) fn new() -> Self {
        Self {
            queues: [Queue::default(); PRIORITIES],
            bits: [0; PRIORITIES / 64],
            top: 0,
        }
    }

    /// Whether a thread waits here that is more urgent than `priority`.
    #[inline]
    pub(crate) fn has_more_urgent_than(&self, priority: u8) -> bool {
        self.top > u16::from(priority) + 1
    }

    /// The queue of a priority.
    #[cfg(test)]
    pub(crate) fn queue(&self, priority: u8) -> Queue {
        self.queues[usize::from(priority)]
    }

    /// One more than the highest priority in use.
    #[cfg(test)]
    pub(crate) fn top(&self) -> u16 {
        self.top
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "a u8 indexes 256 queues and 4 words of 64 bits"
    )]
    fn queue_mut(&mut self, priority: u8) -> (&mut Queue, &mut u64) {
        let priority = usize::from(priority);
        (&mut self.queues[priority], &mut self.bits[priority / 64])
    }

    /// Puts a thread behind those of its priority.
    pub(crate) fn push_back(&mut self, threads: &mut Threads, id: ThreadId) {
        let priority = self.note_push(threads, id);
        self.queue_mut(priority).0.push_back(threads, id);
    }

    /// Puts a thread before those of its priority.
    pub(crate) fn push_front(&mut self, threads: &mut Threads, id: ThreadId) {
        let priority = self.note_push(threads, id);
        self.queue_mut(priority).0.push_front(threads, id);
    }

    fn note_push(&mut self, threads: &mut Threads, id: ThreadId) -> u8 {
        let thread = &mut threads[id];
        thread.place = Place::Ready;
        let priority = thread.priority;
        *self.queue_mut(priority).1 |= 1 << (priority % 64);
        self.top = self.top.max(u16::from(priority) + 1);
        priority
    }

    /// Takes a thread out, which must be here.
    pub(crate) fn remove(&mut self, threads: &mut Threads, id: ThreadId) {
        let thread = &mut threads[id];
        thread.place = Place::Nowhere;
        let priority = thread.priority;
        let (queue, bits) = self.queue_mut(priority);
        queue.remove(threads, id);
        if queue.is_empty() {
            *bits &= !(1 << (priority % 64));
            self.top = self.highest();
        }
    }

    /// Takes out the one that runs next.
    pub(crate) fn pop(&mut self, threads: &mut Threads) -> Option<ThreadId> {
        let priority = u8::try_from(self.top.checked_sub(1)?).ok()?;
        let id = self.queue_mut(priority).0.head?;
        self.remove(threads, id);
        Some(id)
    }

    fn highest(&self) -> u16 {
        let mut top = 256;
        for bits in self.bits.iter().rev() {
            if *bits != 0 {
                #[expect(clippy::cast_possible_truncation, reason = "at most 64")]
                return top - bits.leading_zeros() as u16;
            }
            top -= 64;
        }
        0
    }
}
