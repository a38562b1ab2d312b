//! Operations of a thread.

use sel4_sys::{CapRights, Error, ThreadOp, ThreadState, UserContext};

use super::{Answer, Args, Refusal};
use crate::Kernel;
use crate::object::{NotificationId, State, Thread, ThreadId};
use crate::trace::{Event, trace};

/// An operation that cannot fail any more.
#[derive(Clone, Copy, Debug)]
pub(super) enum ThreadPlan {
    Suspend(ThreadId),
    Resume(ThreadId),
    Read {
        thread: ThreadId,
        first: usize,
        count: usize,
    },
    Write {
        thread: ThreadId,
        registers: UserContext,
    },
    SetPriority(ThreadId, u8),
    Bind(ThreadId, NotificationId),
    Unbind(ThreadId),
    ReadState(ThreadId),
    Reset(ThreadId),
    Retire(ThreadId),
}

/// Looks at a call on a thread.
pub(super) fn decode(k: &Kernel, id: ThreadId, args: &Args) -> Result<ThreadPlan, Refusal> {
    match ThreadOp(args.label()) {
        ThreadOp::SUSPEND => Ok(ThreadPlan::Suspend(id)),
        ThreadOp::RESUME => Ok(ThreadPlan::Resume(id)),
        ThreadOp::READ_REGISTERS => {
            let (first, count) = register_range(k, id, args)?;
            Ok(ThreadPlan::Read {
                thread: id,
                first,
                count,
            })
        }
        ThreadOp::WRITE_REGISTERS => decode_write(k, id, args),
        ThreadOp::SET_PRIORITY => decode_set_priority(k, id, args),
        ThreadOp::BIND_NOTIFICATION => decode_bind(k, id, args),
        ThreadOp::READ_STATE => Ok(ThreadPlan::ReadState(id)),
        ThreadOp::RESET => Ok(ThreadPlan::Reset(id)),
        ThreadOp::RETIRE => Ok(ThreadPlan::Retire(id)),
        _ => Err(Refusal::new(Error::IllegalOperation)),
    }
}

/// First word and number of words; the thread's registers must stand still.
fn register_range(k: &Kernel, id: ThreadId, args: &Args) -> Result<(usize, usize), Refusal> {
    const WORDS: u64 = UserContext::WORDS as u64;
    let (first, count) = (args.word(0)?, args.word(1)?);
    if first.checked_add(count).is_none_or(|end| end > WORDS) {
        return Err(Refusal::range(0, WORDS));
    }
    if !k.threads[id].is_halted() {
        return Err(Refusal::new(Error::IllegalOperation));
    }
    let small = |word| usize::try_from(word).map_err(|_| Refusal::range(0, WORDS));
    Ok((small(first)?, small(count)?))
}

fn decode_write(k: &Kernel, id: ThreadId, args: &Args) -> Result<ThreadPlan, Refusal> {
    let (first, count) = register_range(k, id, args)?;
    let mut words = words_of(&k.threads[id].context.user_context());
    for (i, word) in words.iter_mut().skip(first).take(count).enumerate() {
        *word = args.word(2 + i)?;
    }
    Ok(ThreadPlan::Write {
        thread: id,
        registers: registers_of(words),
    })
}

fn decode_set_priority(k: &Kernel, id: ThreadId, args: &Args) -> Result<ThreadPlan, Refusal> {
    let priority = args.word(0)?;
    let (_, authority) = args.extra(k, 0)?;
    let authority = authority.thread().ok_or(Refusal::capability(1))?;
    let most = k.threads[authority].max_priority;
    match u8::try_from(priority) {
        Ok(priority) if priority <= most => Ok(ThreadPlan::SetPriority(id, priority)),
        _ => Err(Refusal::range(0, u64::from(most))),
    }
}

fn decode_bind(k: &Kernel, id: ThreadId, args: &Args) -> Result<ThreadPlan, Refusal> {
    if !args.has_extra(0) {
        return Ok(ThreadPlan::Unbind(id));
    }
    let (_, capability) = args.extra(k, 0)?;
    let notification = capability
        .notification()
        .filter(|_| capability.allows(CapRights::READ))
        .ok_or(Refusal::capability(1))?;
    if k.threads[id].notification.is_some() || k.notifications[notification].bound.is_some() {
        return Err(Refusal::new(Error::IllegalOperation));
    }
    Ok(ThreadPlan::Bind(id, notification))
}

/// Does what was decoded.
pub(super) fn invoke(k: &mut Kernel, args: &Args, plan: ThreadPlan) -> Answer {
    match plan {
        ThreadPlan::Suspend(id) => {
            k.tell(id, Event::ThreadSuspended);
            k.stop(id);
        }
        ThreadPlan::Resume(id) => {
            k.tell(id, Event::ThreadResumed);
            k.resume(id);
        }
        ThreadPlan::Read {
            thread,
            first,
            count,
        } => return read_registers(&k.threads[thread], args, first, count),
        ThreadPlan::Write { thread, registers } => {
            k.threads[thread].context.set_user_context(&registers);
        }
        ThreadPlan::SetPriority(id, priority) => k.set_priority(id, priority),
        ThreadPlan::Bind(id, notification) => {
            k.threads[id].notification = Some(notification);
            k.notifications[notification].bound = Some(id);
            k.hear_pending_signal(id);
        }
        ThreadPlan::Unbind(id) => {
            if let Some(notification) = k.threads[id].notification.take() {
                k.notifications[notification].bound = None;
            }
        }
        ThreadPlan::ReadState(id) => {
            let thread = &k.threads[id];
            let state = number_of(thread).0;
            return Answer::of([state, thread.generation, u64::from(thread.priority)]);
        }
        ThreadPlan::Reset(id) => {
            k.reset_thread(id);
            let generation = k.threads[id].generation;
            k.tell(id, |thread| Event::ThreadReset(thread, generation));
            return Answer::of([generation]);
        }
        ThreadPlan::Retire(id) => {
            k.tell(id, Event::ThreadRetired);
            k.reset_thread(id);
            k.retire(id);
            return Answer::of([k.threads[id].generation]);
        }
    }
    Answer::done()
}

impl Kernel {
    /// Traces an event of a thread.
    pub(crate) fn tell(&self, id: ThreadId, event: impl FnOnce(u16) -> Event) {
        let thread = &self.threads[id];
        trace(thread.cpu, event(thread.number));
    }

    /// Lets a stopped thread run.
    pub(crate) fn resume(&mut self, id: ThreadId) {
        let thread = &mut self.threads[id];
        if thread.state == State::Stopped {
            thread.fault = None;
            self.set_runnable(id);
        }
    }

    /// Stops a thread for good and makes it ready to begin anew, as the next generation.
    pub(crate) fn reset_thread(&mut self, id: ThreadId) {
        self.stop(id);
        self.end_retirement(id);
        self.bury_guests(id);
        self.bury(id);
        self.return_borrowed(id);
        self.threads[id].generation += 1;
        self.restore_ties(id);
        self.start_registers(id);
    }
}

fn read_registers(thread: &Thread, args: &Args, first: usize, count: usize) -> Answer {
    let words = words_of(&thread.context.user_context());
    Answer::long(args, words.get(first..first + count).unwrap_or(&[]))
}

fn words_of(registers: &UserContext) -> [u64; UserContext::WORDS] {
    zerocopy::transmute!(*registers)
}

fn registers_of(words: [u64; UserContext::WORDS]) -> UserContext {
    zerocopy::transmute!(words)
}

fn number_of(thread: &Thread) -> ThreadState {
    if thread.fault.is_some() {
        return ThreadState::FAULTED;
    }
    match thread.state {
        State::Stopped => ThreadState::STOPPED,
        State::Runnable => ThreadState::RUNNABLE,
        State::Sending => ThreadState::SENDING,
        State::Receiving => ThreadState::RECEIVING,
        State::Waiting => ThreadState::WAITING,
        State::Calling => ThreadState::CALLING,
        State::Halted => ThreadState::WAITING,
    }
}
