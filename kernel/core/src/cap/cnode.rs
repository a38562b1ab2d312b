//! Operations of a CNode: copy, mint, move, delete, revoke, reset.

use sel4_sys::{CNodeOp, CapRights, Error};

use super::{Capability, SlotId};
use crate::Kernel;
use crate::object::{CNode, CNodeId};
use crate::syscall::{Answer, Args, Refusal};

/// An operation that cannot fail any more.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CNodePlan {
    Derive {
        source: SlotId,
        destination: SlotId,
        capability: Capability,
    },
    Move {
        source: SlotId,
        destination: SlotId,
    },
    Delete(SlotId),
    Revoke(SlotId),
    Reset(CNodeId),
}

/// The slot with an index that message word `word` gives.
fn slot_at(cnode: CNode, args: &Args, word: usize) -> Result<SlotId, Refusal> {
    match args.word(word)? {
        0 => Err(Refusal::new(Error::FailedLookup)),
        index => cnode.slot(index).ok_or(Refusal::new(Error::FailedLookup)),
    }
}

/// The CNode of extra capability 0.
fn source_cnode(k: &Kernel, args: &Args) -> Result<CNode, Refusal> {
    let (_, capability) = args.extra(k, 0)?;
    let id = capability.cnode().ok_or(Refusal::capability(1))?;
    Ok(k.cnodes[id])
}

/// Destination (empty), source slot and its capability.
fn two_slots(
    k: &Kernel,
    cnode: CNode,
    args: &Args,
) -> Result<(SlotId, SlotId, Capability), Refusal> {
    let destination = slot_at(cnode, args, 0)?;
    let source = slot_at(source_cnode(k, args)?, args, 1)?;
    if k.slots.capability(destination).is_some() {
        return Err(Refusal::new(Error::DeleteFirst));
    }
    let capability = k.slots.capability(source);
    let capability = capability.ok_or(Refusal::new(Error::FailedLookup))?;
    Ok((destination, source, capability))
}

fn decode_derive(
    k: &Kernel,
    cnode: CNode,
    args: &Args,
    badge: Option<u64>,
) -> Result<CNodePlan, Refusal> {
    let rights = u8::try_from(args.word(2)?)
        .ok()
        .and_then(CapRights::from_bits);
    let rights = rights.ok_or(Refusal::argument(2))?;
    let (destination, source, mut capability) = two_slots(k, cnode, args)?;
    capability.rights &= rights;
    if let Some(badge) = badge.filter(|&badge| badge != 0) {
        if !capability.may_have_badge() || capability.badge != 0 {
            return Err(Refusal::new(Error::IllegalOperation));
        }
        capability.badge = badge;
    }
    Ok(CNodePlan::Derive {
        source,
        destination,
        capability,
    })
}

/// Looks at a call on a CNode.
pub(crate) fn decode_cnode(k: &Kernel, id: CNodeId, args: &Args) -> Result<CNodePlan, Refusal> {
    let cnode = k.cnodes[id];
    match CNodeOp(args.label()) {
        CNodeOp::COPY => decode_derive(k, cnode, args, None),
        CNodeOp::MINT => decode_derive(k, cnode, args, Some(args.word(3)?)),
        CNodeOp::MOVE => {
            let (destination, source, _) = two_slots(k, cnode, args)?;
            Ok(CNodePlan::Move {
                source,
                destination,
            })
        }
        CNodeOp::DELETE => Ok(CNodePlan::Delete(slot_at(cnode, args, 0)?)),
        CNodeOp::REVOKE => Ok(CNodePlan::Revoke(slot_at(cnode, args, 0)?)),
        CNodeOp::RESET => Ok(CNodePlan::Reset(id)),
        _ => Err(Refusal::new(Error::IllegalOperation)),
    }
}

/// Does what was decoded.
pub(crate) fn invoke_cnode(k: &mut Kernel, plan: CNodePlan) -> Answer {
    match plan {
        CNodePlan::Derive {
            source,
            destination,
            capability,
        } => k.slots.insert(destination, capability, Some(source)),
        CNodePlan::Move {
            source,
            destination,
        } => k.relocate(source, destination),
        CNodePlan::Delete(slot) => k.delete(slot),
        CNodePlan::Revoke(slot) => k.revoke(slot),
        CNodePlan::Reset(id) => k.reset_cnode(id),
    }
    Answer::done()
}
