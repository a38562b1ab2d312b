//! Operations of an interrupt line.

use sel4_sys::{CapRights, Error, InterruptOp};

use super::{Answer, Args, Refusal};
use crate::Kernel;
use crate::arch::irq;
use crate::object::{InterruptId, InterruptTarget};

/// An operation that cannot fail any more.
#[derive(Clone, Copy, Debug)]
pub(super) enum InterruptPlan {
    SetNotification(InterruptId, InterruptTarget),
    Acknowledge(InterruptId),
    Clear(InterruptId),
}

/// Looks at a call on an interrupt.
pub(super) fn decode(k: &Kernel, id: InterruptId, args: &Args) -> Result<InterruptPlan, Refusal> {
    match InterruptOp(args.label()) {
        InterruptOp::SET_NOTIFICATION => {
            let (slot, capability) = args.extra(k, 0)?;
            let notification = capability
                .notification()
                .filter(|_| capability.allows(CapRights::WRITE))
                .ok_or(Refusal::capability(1))?;
            let target = InterruptTarget {
                notification,
                badge: capability.badge,
                slot,
            };
            Ok(InterruptPlan::SetNotification(id, target))
        }
        InterruptOp::ACK if k.interrupts[id].target.is_some() => Ok(InterruptPlan::Acknowledge(id)),
        InterruptOp::CLEAR => Ok(InterruptPlan::Clear(id)),
        _ => Err(Refusal::new(Error::IllegalOperation)),
    }
}

/// Does what was decoded.
pub(super) fn invoke(k: &mut Kernel, plan: InterruptPlan) -> Answer {
    match plan {
        InterruptPlan::SetNotification(id, target) => {
            let interrupt = &mut k.interrupts[id];
            interrupt.target = Some(target);
            irq::unmask(interrupt.line);
        }
        InterruptPlan::Acknowledge(id) => irq::unmask(k.interrupts[id].line),
        InterruptPlan::Clear(id) => {
            let interrupt = &mut k.interrupts[id];
            interrupt.target = None;
            irq::mask(interrupt.line);
        }
    }
    Answer::done()
}
