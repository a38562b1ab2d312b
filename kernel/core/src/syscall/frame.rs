//! Operations of frames and address spaces.

use sel4_sys::{CapRights, Error, FrameOp, MAP_EXECUTE, USER_END};

use super::{Answer, Args, Refusal};
use crate::Kernel;
use crate::arch::mm::{MapError, MapRights};
use crate::object::{FrameId, SpaceId};

const PAGE: u64 = 4096;
/// Pages at most that one call maps or unmaps; the kernel is not preemptible.
const MAP_PAGES: u64 = 512;
/// Pages at most that one call resets.
const RESET_PAGES: u64 = 64;

/// An operation on a frame.
#[derive(Clone, Copy, Debug)]
pub(super) enum FramePlan {
    Map {
        frame: FrameId,
        space: SpaceId,
        address: u64,
        first: u32,
        pages: u32,
        rights: MapRights,
    },
    Unmap {
        space: SpaceId,
        address: u64,
        pages: u32,
    },
    Reset {
        frame: FrameId,
        first: u32,
        pages: u32,
    },
    Describe(FrameId),
}

/// An operation on an address space.
#[derive(Clone, Copy, Debug)]
pub(super) enum SpacePlan {
    Reset(SpaceId),
}

/// Looks at a call on a frame.
pub(super) fn decode(k: &Kernel, id: FrameId, args: &Args) -> Result<FramePlan, Refusal> {
    match FrameOp(args.label()) {
        FrameOp::MAP => {
            let (first, pages) = page_range(k, id, args.word(2)?, args.word(3)?, MAP_PAGES)?;
            Ok(FramePlan::Map {
                frame: id,
                space: space(k, args)?,
                address: address(args.word(0)?, u64::from(pages))?,
                first,
                pages,
                rights: map_rights(args)?,
            })
        }
        FrameOp::UNMAP => {
            let pages = args.word(1)?;
            if !(1..=MAP_PAGES).contains(&pages) {
                return Err(Refusal::range(1, MAP_PAGES));
            }
            Ok(FramePlan::Unmap {
                space: space(k, args)?,
                address: address(args.word(0)?, pages)?,
                pages: u32::try_from(pages).map_err(|_| Refusal::range(1, MAP_PAGES))?,
            })
        }
        FrameOp::RESET => {
            let (first, pages) = page_range(k, id, args.word(0)?, args.word(1)?, RESET_PAGES)?;
            if k.frames[id].memory.device_address().is_some() {
                return Err(Refusal::new(Error::IllegalOperation));
            }
            if !args.capability.allows(CapRights::WRITE) {
                return Err(Refusal::capability(0));
            }
            Ok(FramePlan::Reset {
                frame: id,
                first,
                pages,
            })
        }
        FrameOp::DESCRIBE => Ok(FramePlan::Describe(id)),
        _ => Err(Refusal::new(Error::IllegalOperation)),
    }
}

/// Looks at a call on an address space.
pub(super) fn decode_space(id: SpaceId, args: &Args) -> Result<SpacePlan, Refusal> {
    match sel4_sys::AddressSpaceOp(args.label()) {
        sel4_sys::AddressSpaceOp::RESET => Ok(SpacePlan::Reset(id)),
        _ => Err(Refusal::new(Error::IllegalOperation)),
    }
}

/// Pages of a frame, 1 to `most`.
fn page_range(
    k: &Kernel,
    id: FrameId,
    first: u64,
    pages: u64,
    most: u64,
) -> Result<(u32, u32), Refusal> {
    let size = u64::from(k.frames[id].memory.pages());
    let end = first.checked_add(pages).filter(|&end| end <= size);
    let out_of_range = Refusal::range(1, most.min(size));
    if end.is_none() || pages == 0 || pages > most {
        return Err(out_of_range);
    }
    match (u32::try_from(first), u32::try_from(pages)) {
        (Ok(first), Ok(pages)) => Ok((first, pages)),
        _ => Err(out_of_range),
    }
}

/// A page-aligned address with room for `pages` pages; never the page at 0.
fn address(address: u64, pages: u64) -> Result<u64, Refusal> {
    if !address.is_multiple_of(PAGE) {
        return Err(Refusal::new(Error::AlignmentError));
    }
    let end = address.checked_add(pages * PAGE);
    if address < PAGE || end.is_none_or(|end| end > USER_END) {
        return Err(Refusal::range(PAGE, USER_END));
    }
    Ok(address)
}

fn space(k: &Kernel, args: &Args) -> Result<SpaceId, Refusal> {
    let (_, capability) = args.extra(k, 0)?;
    capability.space().ok_or(Refusal::capability(1))
}

/// The rights asked for, which the frame's capability must have. Executable needs READ.
fn map_rights(args: &Args) -> Result<MapRights, Refusal> {
    let word = args.word(1)?;
    let rights = u8::try_from(word & !MAP_EXECUTE).ok();
    let rights = rights.and_then(CapRights::from_bits);
    let rights = rights.filter(|&rights| (CapRights::READ | CapRights::WRITE).contains(rights));
    let rights = rights.ok_or(Refusal::argument(1))?;
    let map = MapRights {
        write: rights.contains(CapRights::WRITE),
        execute: word & MAP_EXECUTE != 0,
    };
    if map.write && map.execute {
        return Err(Refusal::argument(1));
    }
    // x86 pages that are present are readable.
    if !args.capability.allows(rights | CapRights::READ) {
        return Err(Refusal::capability(0));
    }
    Ok(map)
}

fn page_at(address: u64, n: u32) -> u64 {
    address + u64::from(n) * PAGE
}

/// Does what was decoded. Only page tables may be missing then; in that case nothing stays mapped.
pub(super) fn invoke(k: &mut Kernel, plan: FramePlan) -> Answer {
    match plan {
        FramePlan::Map {
            frame,
            space,
            address,
            first,
            pages,
            rights,
        } => {
            let memory = &k.frames[frame].memory;
            let space = &mut k.spaces[space];
            for n in 0..pages {
                let mapped = space
                    .tables
                    .map(page_at(address, n), memory, first + n, rights);
                let Err(error) = mapped else {
                    continue;
                };
                for undo in 0..n {
                    space.tables.unmap(page_at(address, undo));
                }
                return Answer::from(match error {
                    MapError::Occupied => Refusal::new(Error::DeleteFirst),
                    MapError::NoTable => Refusal::no_table(u64::from(space.spare_tables)),
                });
            }
            Answer::done()
        }
        FramePlan::Unmap {
            space,
            address,
            pages,
        } => {
            for n in 0..pages {
                k.spaces[space].tables.unmap(page_at(address, n));
            }
            Answer::done()
        }
        FramePlan::Reset {
            frame,
            first,
            pages,
        } => {
            let frame = &mut k.frames[frame];
            let region = k.image.regions.get(usize::from(frame.region));
            let contents = region.map_or(&[][..], |region| k.image.contents(region));
            frame.memory.reset(first, pages, contents);
            Answer::done()
        }
        FramePlan::Describe(id) => {
            let memory = &k.frames[id].memory;
            let device = memory.device_address();
            Answer::of([
                u64::from(memory.pages()),
                u64::from(device.is_some()),
                device.unwrap_or(0),
            ])
        }
    }
}

/// Does what was decoded.
pub(super) fn invoke_space(k: &mut Kernel, plan: SpacePlan) -> Answer {
    let SpacePlan::Reset(id) = plan;
    k.reset_space(id);
    Answer::done()
}
