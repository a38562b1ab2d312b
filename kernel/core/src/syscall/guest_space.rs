//! Operations of a guest's memory.

use sel4_sys::vcpu::GuestSpaceOp;
use sel4_sys::{CapRights, Error, MAP_EXECUTE};

use super::{Answer, Args, Refusal};
use crate::Kernel;
use crate::arch::mm::{MapError, PAGE};
use crate::arch::vcpu::{GUEST_END, GuestRights};
use crate::object::{FrameId, GuestSpaceId};

/// Pages at most that one call maps or unmaps, so that interrupts do not wait long.
const MOST_PAGES: u64 = 512;

/// An operation that only a lack of page tables can stop.
#[derive(Clone, Copy, Debug)]
pub(super) enum GuestSpacePlan {
    Map {
        space: GuestSpaceId,
        address: u64,
        frame: FrameId,
        first: u32,
        pages: u32,
        rights: GuestRights,
    },
    Unmap {
        space: GuestSpaceId,
        address: u64,
        pages: u32,
    },
}

/// Looks at a call on a guest's memory.
pub(super) fn decode(k: &Kernel, id: GuestSpaceId, args: &Args) -> Result<GuestSpacePlan, Refusal> {
    match GuestSpaceOp(args.label()) {
        GuestSpaceOp::MAP => {
            let (_, capability) = args.extra(k, 0)?;
            let frame = capability.frame().ok_or(Refusal::capability(1))?;
            let word = args.word(1)?;
            let rights = u8::try_from(word & !MAP_EXECUTE).ok();
            let rights = rights.and_then(CapRights::from_bits);
            let rights = rights.filter(|&r| (CapRights::READ | CapRights::WRITE).contains(r));
            let rights = rights.ok_or(Refusal::argument(1))?;
            // A guest reads what it has at all.
            if !capability.allows(rights | CapRights::READ) {
                return Err(Refusal::capability(1));
            }
            let memory = &k.frames[frame].memory;
            if memory.device_address().is_some() {
                // A guest's device is software; a real one would write where it likes.
                return Err(Refusal::new(Error::IllegalOperation));
            }
            let pages = pages(args, 3)?;
            let size = u64::from(memory.pages());
            let first = args.word(2)?;
            let fits = first
                .checked_add(u64::from(pages))
                .is_some_and(|end| end <= size);
            let first = u32::try_from(first).ok().filter(|_| fits);
            Ok(GuestSpacePlan::Map {
                space: id,
                address: address(args, pages)?,
                frame,
                first: first.ok_or(Refusal::range(0, size))?,
                pages,
                rights: GuestRights {
                    write: rights.contains(CapRights::WRITE),
                    execute: word & MAP_EXECUTE != 0,
                },
            })
        }
        GuestSpaceOp::UNMAP => {
            let pages = pages(args, 1)?;
            Ok(GuestSpacePlan::Unmap {
                space: id,
                address: address(args, pages)?,
                pages,
            })
        }
        _ => Err(Refusal::new(Error::IllegalOperation)),
    }
}

/// Message word `i`: a number of pages.
fn pages(args: &Args, i: usize) -> Result<u32, Refusal> {
    let out_of_range = Refusal::range(1, MOST_PAGES);
    let pages = args.word(i)?;
    match u32::try_from(pages) {
        Ok(small) if (1..=MOST_PAGES).contains(&pages) => Ok(small),
        _ => Err(out_of_range),
    }
}

/// Message word 0: a page-aligned address with room for `pages` pages.
fn address(args: &Args, pages: u32) -> Result<u64, Refusal> {
    let address = args.word(0)?;
    if !address.is_multiple_of(PAGE) {
        return Err(Refusal::new(Error::AlignmentError));
    }
    let end = address.checked_add(u64::from(pages) * PAGE);
    if end.is_none_or(|end| end > GUEST_END) {
        return Err(Refusal::range(0, GUEST_END));
    }
    Ok(address)
}

fn page_at(address: u64, n: u32) -> u64 {
    address + u64::from(n) * PAGE
}

/// Does what was decoded. Where something is mapped already, or page tables are missing, nothing stays mapped.
pub(super) fn invoke(k: &mut Kernel, plan: GuestSpacePlan) -> Answer {
    match plan {
        GuestSpacePlan::Map {
            space,
            address,
            frame,
            first,
            pages,
            rights,
        } => {
            let memory = &k.frames[frame].memory;
            let space = &mut k.guest_spaces[space];
            for n in 0..pages {
                let at = page_at(address, n);
                if let Err(error) = space.tables.map(at, memory, first + n, rights) {
                    (0..n).for_each(|n| space.tables.unmap(page_at(address, n)));
                    return refusal(error, space.declared).into();
                }
            }
        }
        GuestSpacePlan::Unmap {
            space,
            address,
            pages,
        } => {
            let tables = &mut k.guest_spaces[space].tables;
            (0..pages).for_each(|n| tables.unmap(page_at(address, n)));
        }
    }
    Answer::done()
}

fn refusal(error: MapError, declared: u32) -> Refusal {
    match error {
        MapError::Occupied => Refusal::new(Error::DeleteFirst),
        MapError::NoTable => Refusal::no_table(u64::from(declared)),
    }
}
