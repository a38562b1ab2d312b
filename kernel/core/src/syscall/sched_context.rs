//! Operations of a scheduling context.
//!
//! Giving, taking and sizing time needs the right WRITE; a task that only holds READ of its own can look at it.

use sel4_sys::{CapRights, Error, SchedContextOp};

use super::{Answer, Args, Refusal};
use crate::Kernel;
use crate::arch::timer;
use crate::object::{Id, SchedContextId, ThreadId};

/// The shortest budget, in µs.
const LEAST_BUDGET_US: u32 = 10;

/// An operation that cannot fail any more.
#[derive(Clone, Copy, Debug)]
pub(super) enum SchedContextPlan {
    Bind(SchedContextId, ThreadId),
    Unbind(SchedContextId),
    Consumed(SchedContextId),
    Configure {
        context: SchedContextId,
        budget_us: u32,
        period_us: u32,
    },
}

/// Looks at a call on a scheduling context.
pub(super) fn decode(
    k: &Kernel,
    id: SchedContextId,
    args: &Args,
) -> Result<SchedContextPlan, Refusal> {
    let operation = SchedContextOp(args.label());
    let right = match operation {
        SchedContextOp::CONSUMED => CapRights::READ,
        _ => CapRights::WRITE,
    };
    if !args.capability.allows(right) {
        return Err(Refusal::capability(0));
    }
    match operation {
        SchedContextOp::BIND => {
            let (_, capability) = args.extra(k, 0)?;
            let thread = capability.thread().ok_or(Refusal::capability(1))?;
            let target = &k.threads[thread];
            if k.sched_contexts[id].home.is_some()
                || target.home.is_some()
                || target.sched_context.is_some()
            {
                return Err(Refusal::new(Error::IllegalOperation));
            }
            Ok(SchedContextPlan::Bind(id, thread))
        }
        SchedContextOp::UNBIND => Ok(SchedContextPlan::Unbind(id)),
        SchedContextOp::CONSUMED => Ok(SchedContextPlan::Consumed(id)),
        SchedContextOp::CONFIGURE => {
            let period_us = args.word_up_to(1, u32::MAX)?;
            let budget_us = args.word_up_to(0, period_us)?;
            if budget_us < LEAST_BUDGET_US {
                return Err(Refusal::range(
                    u64::from(LEAST_BUDGET_US),
                    u64::from(period_us),
                ));
            }
            Ok(SchedContextPlan::Configure {
                context: id,
                budget_us,
                period_us,
            })
        }
        _ => Err(Refusal::new(Error::IllegalOperation)),
    }
}

/// Does what was decoded.
pub(super) fn invoke(k: &mut Kernel, plan: SchedContextPlan) -> Answer {
    match plan {
        SchedContextPlan::Bind(id, thread) => {
            k.sched_contexts[id].home = Some(thread);
            k.threads[thread].home = Some(id);
            k.hand_over(id, thread);
            k.hear_pending_signal(thread);
        }
        SchedContextPlan::Unbind(id) => k.unbind_sched_context(id),
        SchedContextPlan::Consumed(id) => {
            k.charge_if_in_use(id);
            let ticks = core::mem::take(&mut k.sched_contexts[id].consumed);
            return Answer::of([ticks / timer::ticks_per_us()]);
        }
        SchedContextPlan::Configure {
            context,
            budget_us,
            period_us,
        } => k.set_budget(context, budget_us, period_us),
    }
    Answer::done()
}

impl Kernel {
    fn set_budget(&mut self, id: SchedContextId, budget_us: u32, period_us: u32) {
        let per_us = timer::ticks_per_us();
        let now = self.charge_if_in_use(id);
        self.sched_contexts[id].configure(
            u64::from(budget_us) * per_us,
            u64::from(period_us) * per_us,
            now,
        );
        self.arm_all(now);
    }

    /// Makes budget and period those of the system image. What was used stays used.
    pub(crate) fn restore_budget(&mut self, id: SchedContextId) {
        if let Some(record) = self.image.sched_contexts.get(id.index()) {
            self.set_budget(id, record.budget_us, record.period_us);
        }
    }

    /// The scheduling context belongs to nobody and nobody runs on it afterwards.
    fn unbind_sched_context(&mut self, id: SchedContextId) {
        if let Some(home) = self.sched_contexts[id].home.take() {
            self.threads[home].home = None;
        }
        self.take_away(id);
        // Answers must not bring back time that may belong to somebody else by then.
        for reply in self.replies.iter_mut() {
            if reply.donated == Some(id) {
                reply.donated = None;
            }
        }
    }

    /// Brings a scheduling context's numbers up to the moment, which is the result.
    fn charge_if_in_use(&mut self, id: SchedContextId) -> u64 {
        let now = timer::now().0;
        for cpu in self.all_cpus() {
            if self.cpu(cpu).charged == Some(id) {
                self.charge(cpu, now);
            }
        }
        now
    }

    fn arm_all(&mut self, now: u64) {
        for cpu in self.all_cpus() {
            self.arm(cpu, now);
        }
    }
}
