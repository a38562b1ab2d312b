//! The kernel's objects: what each of them is. What happens to them is in `ipc`, `sched` and `syscall`.

mod endpoint;
mod notification;
mod pmu;
mod pool;
mod queue;
mod reply;
mod sched_context;
mod thread;
mod vcpu;

pub(crate) use endpoint::{Endpoint, EndpointState};
pub(crate) use notification::{Notification, Signal};
pub(crate) use pmu::{PmuControl, PmuLease, Server};
pub(crate) use pool::{
    CNodeId, EndpointId, FrameId, GuestSpaceId, Id, InterruptId, NotificationId, PmuControlId,
    PmuLeaseId, Pool, PortId, ReplyId, SchedContextId, SpaceId, ThreadId, VcpuId,
};
pub(crate) use queue::Queue;
pub(crate) use reply::Reply;
pub(crate) use sched_context::{SchedContext, Start};
pub(crate) use thread::{Fault, Place, SendRights, State, Thread};
pub(crate) use vcpu::{Activity, Blind, Entry, StatePage, StateWord, Vcpu};

use crate::arch::{mm, vcpu as arch_vcpu};
use crate::cap::SlotId;

/// The threads, which every queue needs.
pub(crate) type Threads = Pool<ThreadId, Thread>;

/// A table of capability slots: a run of the one array of slots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CNode {
    /// Position of slot 0.
    pub(crate) base: u32,
    /// Slots.
    pub(crate) slots: u32,
}

impl CNode {
    /// The slot with this index. Slot 0 of a CNode does not exist: it is always empty.
    #[inline]
    pub(crate) fn slot(self, index: u64) -> Option<SlotId> {
        // Slot 0 of the array is slot 0 of the first CNode, so `SlotId::new` refuses it there;
        // everywhere else nothing is ever put into it.
        if index < u64::from(self.slots) {
            #[expect(clippy::cast_possible_truncation, reason = "it is less than a u32")]
            let index = index as u32;
            SlotId::new(self.base + index)
        } else {
            None
        }
    }
}

/// A run of pages that an address space can map.
#[derive(Debug)]
pub(crate) struct Frame {
    /// The pages.
    pub(crate) memory: mm::Frame,
    /// Its region in the system image, by position.
    pub(crate) region: u16,
}

/// An address space.
#[derive(Debug)]
pub(crate) struct Space {
    /// The page tables.
    pub(crate) tables: mm::AddressSpace,
    /// Page tables that the image declares beyond those for its own mappings.
    pub(crate) spare_tables: u32,
}

/// The memory of a guest.
#[derive(Debug)]
pub(crate) struct GuestSpace {
    /// The page tables.
    pub(crate) tables: arch_vcpu::GuestSpace,
    /// How many of them the image declares.
    pub(crate) declared: u32,
}

/// An interrupt line of a device.
#[derive(Debug)]
pub(crate) struct Interrupt {
    /// Global system interrupt number.
    pub(crate) line: u32,
    /// Whom it signals.
    pub(crate) target: Option<InterruptTarget>,
}

/// Whom an interrupt signals, or a CPU's counters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct InterruptTarget {
    /// The notification.
    pub(crate) notification: NotificationId,
    /// The bits that it gets.
    pub(crate) badge: u64,
    /// The capability that said so; when it goes, the interrupt signals nobody.
    pub(crate) slot: SlotId,
}

/// A range of I/O ports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PortRange {
    /// First port.
    pub(crate) first: u16,
    /// Ports.
    pub(crate) count: u16,
}
