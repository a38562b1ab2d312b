//! How scheduling contexts travel with calls.
//!
//! A server without one of its own runs on its caller's. The answer gives it back; so does waiting for the next message.
//! A scheduling context has a home, the thread it is bound to, and a runner, the thread that uses it; at any time
//! a thread uses at most one.

use crate::Kernel;
use crate::object::{SchedContextId, State, ThreadId};

impl Kernel {
    /// Makes `to` run on `context`, whoever did so before.
    ///
    /// When `to` runs on another one already, `context` is left with nobody until that one leaves.
    pub(crate) fn hand_over(&mut self, context: SchedContextId, to: ThreadId) {
        if self.sched_contexts[context].runner == Some(to) {
            return;
        }
        self.take_away(context);
        let thread = &mut self.threads[to];
        if thread.sched_context.is_none() {
            thread.sched_context = Some(context);
            self.sched_contexts[context].runner = Some(to);
            self.make_ready(to);
        }
    }

    /// Nobody runs on `context` afterwards. Who did gets its own back, if that is free.
    pub(crate) fn take_away(&mut self, context: SchedContextId) {
        let Some(from) = self.sched_contexts[context].runner.take() else {
            return;
        };
        if self.threads[from].state == State::Runnable {
            self.unqueue(from);
        }
        let thread = &mut self.threads[from];
        thread.sched_context = None;
        if let Some(home) = thread.home
            && home != context
            && self.sched_contexts[home].runner.is_none()
        {
            thread.sched_context = Some(home);
            self.sched_contexts[home].runner = Some(from);
            self.make_ready(from);
        }
    }

    /// A thread without a scheduling context works for `from`, and on its time.
    pub(crate) fn lend(&mut self, from: ThreadId, to: ThreadId) -> Option<SchedContextId> {
        if self.threads[to].sched_context.is_some() {
            return None;
        }
        let context = self.threads[from].sched_context?;
        self.hand_over(context, to);
        Some(context)
    }

    /// Sends a borrowed scheduling context home: the thread waits, so it works for nobody.
    pub(crate) fn return_borrowed(&mut self, id: ThreadId) {
        let thread = &self.threads[id];
        if let Some(context) = thread.sched_context
            && thread.home != Some(context)
        {
            match self.sched_contexts[context].home {
                Some(home) => self.hand_over(context, home),
                None => self.take_away(context),
            }
        }
    }
}
