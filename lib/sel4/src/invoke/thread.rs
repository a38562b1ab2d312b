//! Operations of threads and scheduling contexts.

use sel4_sys::{SchedContextOp, ThreadOp, ThreadState, UserContext, Word};

use super::{invoke, invoke_long, invoke_with_cap};
use crate::cap::{Notification, SchedContext, Thread};
use crate::{Result, with_ipc_buffer};

/// What the kernel says about a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadDescription {
    /// What it does.
    pub state: ThreadState,
    /// How often it was reset.
    pub generation: Word,
    /// Its priority.
    pub priority: Word,
}

impl Thread {
    /// Stops the thread; whatever IPC it was in is cancelled.
    ///
    /// # Errors
    /// The kernel's.
    pub fn suspend(self) -> Result<()> {
        invoke(self.bits(), ThreadOp::SUSPEND.0, 0, [0; 4]).map(drop)
    }

    /// Lets a stopped thread run.
    ///
    /// # Errors
    /// The kernel's.
    pub fn resume(self) -> Result<()> {
        invoke(self.bits(), ThreadOp::RESUME.0, 0, [0; 4]).map(drop)
    }

    /// The registers of a stopped thread.
    ///
    /// # Errors
    /// `IllegalOperation`: it is not stopped.
    pub fn read_all_registers(self) -> Result<UserContext> {
        let count = UserContext::WORDS as u64;
        let front = invoke(self.bits(), ThreadOp::READ_REGISTERS.0, 2, [0, count, 0, 0])?;
        let mut words = [0; UserContext::WORDS];
        with_ipc_buffer(|buffer| {
            words
                .iter_mut()
                .zip(buffer.msg_regs())
                .for_each(|(to, &from)| *to = from);
        });
        words
            .iter_mut()
            .zip(front)
            .for_each(|(to, from)| *to = from);
        Ok(zerocopy::transmute!(words))
    }

    /// Sets the registers of a stopped thread.
    ///
    /// # Errors
    /// `IllegalOperation`: it is not stopped.
    pub fn write_all_registers(self, registers: &UserContext) -> Result<()> {
        let words: &[Word; UserContext::WORDS] = zerocopy::transmute_ref!(registers);
        let front = [0, UserContext::WORDS as u64];
        invoke_long(self.bits(), ThreadOp::WRITE_REGISTERS.0, front, words).map(drop)
    }

    /// Sets the priority, at most the maximum controlled priority of `authority`.
    ///
    /// # Errors
    /// `RangeError`: it is above that.
    pub fn set_priority(self, authority: Self, priority: u8) -> Result<()> {
        let words = [u64::from(priority), 0, 0, 0];
        invoke_with_cap(
            self.bits(),
            ThreadOp::SET_PRIORITY.0,
            1,
            words,
            authority.bits(),
        )
        .map(drop)
    }

    /// From now on signals of `notification` end the thread's receiving, too.
    ///
    /// # Errors
    /// `IllegalOperation`: one of the two is bound already.
    pub fn bind_notification(self, notification: Notification) -> Result<()> {
        let label = ThreadOp::BIND_NOTIFICATION.0;
        invoke_with_cap(self.bits(), label, 0, [0; 4], notification.bits()).map(drop)
    }

    /// Undoes [`Self::bind_notification`].
    ///
    /// # Errors
    /// The kernel's.
    pub fn unbind_notification(self) -> Result<()> {
        invoke(self.bits(), ThreadOp::BIND_NOTIFICATION.0, 0, [0; 4]).map(drop)
    }

    /// What the thread does.
    ///
    /// # Errors
    /// The kernel's.
    pub fn read_state(self) -> Result<ThreadDescription> {
        let [state, generation, priority, _] =
            invoke(self.bits(), ThreadOp::READ_STATE.0, 0, [0; 4])?;
        Ok(ThreadDescription {
            state: ThreadState(state),
            generation,
            priority,
        })
    }

    /// Stops the thread, tells everybody who waits for its reply, and makes its registers those of the
    /// system image. Gives the new generation.
    ///
    /// # Errors
    /// The kernel's.
    pub fn reset(self) -> Result<u64> {
        let [generation, ..] = invoke(self.bits(), ThreadOp::RESET.0, 0, [0; 4])?;
        Ok(generation)
    }

    /// [`Self::reset`] of a server that will not run again: whoever calls it learns so at once.
    ///
    /// # Errors
    /// The kernel's.
    pub fn retire(self) -> Result<u64> {
        let [generation, ..] = invoke(self.bits(), ThreadOp::RETIRE.0, 0, [0; 4])?;
        Ok(generation)
    }
}

impl SchedContext {
    /// Gives the thread this context's time.
    ///
    /// # Errors
    /// `IllegalOperation`: one of the two is bound already.
    pub fn bind(self, thread: Thread) -> Result<()> {
        invoke_with_cap(
            self.bits(),
            SchedContextOp::BIND.0,
            0,
            [0; 4],
            thread.bits(),
        )
        .map(drop)
    }

    /// Takes this context's time from its thread, which becomes passive.
    ///
    /// # Errors
    /// The kernel's.
    pub fn unbind(self) -> Result<()> {
        invoke(self.bits(), SchedContextOp::UNBIND.0, 0, [0; 4]).map(drop)
    }

    /// µs used since the last question.
    ///
    /// # Errors
    /// The kernel's.
    pub fn consumed(self) -> Result<u64> {
        let [consumed, ..] = invoke(self.bits(), SchedContextOp::CONSUMED.0, 0, [0; 4])?;
        Ok(consumed)
    }

    /// Sets budget and period in µs; equal ones are plain round robin.
    ///
    /// # Errors
    /// `RangeError`: less than the kernel's shortest budget, or more than the period.
    pub fn configure(self, budget_us: u64, period_us: u64) -> Result<()> {
        let words = [budget_us, period_us, 0, 0];
        invoke(self.bits(), SchedContextOp::CONFIGURE.0, 2, words).map(drop)
    }
}
