//! Operations of a range of I/O ports.

use sel4_sys::{CapRights, Error, PortOp};

use super::{Answer, Args, Refusal};
use crate::Kernel;
use crate::arch::port::{self, Width};
use crate::object::PortId;

/// Words before the bytes of `OUT_BYTES`: port, count.
const BYTES_AT: usize = 2;
/// Bytes at most that one call writes.
const MOST_BYTES: u32 = 118 * 8;

/// An operation that cannot fail any more.
#[derive(Clone, Copy, Debug)]
pub(super) enum PortPlan {
    In(u16, Width),
    Out(u16, Width, u32),
    OutBytes { port: u16, count: u32 },
}

/// Looks at a call on a port range.
pub(super) fn decode(k: &Kernel, id: PortId, args: &Args) -> Result<PortPlan, Refusal> {
    let operation = PortOp(args.label());
    let right = match operation {
        PortOp::IN => CapRights::READ,
        PortOp::OUT | PortOp::OUT_BYTES => CapRights::WRITE,
        _ => return Err(Refusal::new(Error::IllegalOperation)),
    };
    if !args.capability.allows(right) {
        return Err(Refusal::capability(0));
    }
    if operation == PortOp::OUT_BYTES {
        let port = port_in_range(k, id, args, 1)?;
        let count = args.word_up_to(1, MOST_BYTES)?;
        if let Some(last) = count.div_ceil(8).checked_sub(1) {
            args.word(BYTES_AT + last as usize)?;
        }
        return Ok(PortPlan::OutBytes { port, count });
    }
    let width = Width::of_bytes(args.word(1)?).ok_or(Refusal::argument(1))?;
    let port = port_in_range(k, id, args, width.bytes())?;
    if operation == PortOp::IN {
        return Ok(PortPlan::In(port, width));
    }
    Ok(PortPlan::Out(port, width, args.word_up_to(2, u32::MAX)?))
}

/// The port of word 0, with all its `bytes` in the range.
fn port_in_range(k: &Kernel, id: PortId, args: &Args, bytes: u32) -> Result<u16, Refusal> {
    let range = k.ports[id];
    let first = u64::from(range.first);
    let last = first + u64::from(range.count) - 1;
    let port = args.word(0)?;
    let end = port.saturating_add(u64::from(bytes) - 1);
    if port < first || end > last {
        return Err(Refusal::range(first, last));
    }
    u16::try_from(port).map_err(|_| Refusal::range(first, last))
}

/// Does what was decoded.
pub(super) fn invoke(args: &Args, plan: PortPlan) -> Answer {
    match plan {
        PortPlan::In(port, width) => Answer::of([u64::from(port::read(port, width))]),
        PortPlan::Out(port, width, value) => {
            port::write(port, width, value);
            Answer::done()
        }
        PortPlan::OutBytes { port, count } => {
            for i in 0..count {
                // Decoding saw that the last word is there, so all are.
                let word = args.word(BYTES_AT + (i / 8) as usize).unwrap_or(0);
                let [byte, ..] = (word >> (i % 8 * 8)).to_le_bytes();
                port::write(port, Width::Byte, u32::from(byte));
            }
            Answer::done()
        }
    }
}
