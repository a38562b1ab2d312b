//! Starts a task anew: everything it has becomes what the system image declares.

use sysdesc::Task;

use crate::cap::{AddressSpace, CNode, Frame, Thread};
use crate::{Cap, Result};

/// The thread of a task, as its supervisor holds it.
#[must_use]
pub const fn thread_of(task: &Task) -> Thread {
    Cap::from_bits(task.thread_slot as u64)
}

/// Gives a task a fresh life, and its number; the task is stopped, [`Thread::resume`] starts it.
///
/// Every step can be repeated, so an interrupted restart is simply done again.
///
/// # Errors
/// The kernel's: the supervisor's capabilities are not what the system image declares.
pub fn task(task: &Task) -> Result<u64> {
    // 1. The thread: it stops, and whoever waits for its reply learns that it died. Were memory
    //    reset first, the thread could still run on it.
    let generation = thread_of(task).reset()?;
    // 2. Capabilities and mappings, among them those it got from others.
    let cnode: CNode = Cap::from_bits(u64::from(task.cnode_slot));
    cnode.reset()?;
    let space: AddressSpace = Cap::from_bits(u64::from(task.address_space_slot));
    space.reset()?;
    // 3. Memory that it could write.
    let first = u64::from(task.first_frame_slot);
    for slot in first..first + u64::from(task.frames) {
        let frame: Frame = Cap::from_bits(slot);
        frame.reset()?;
    }
    Ok(generation)
}
