//! Capabilities: what a thread may do with which object, and their derivation.

mod cnode;
mod slots;
mod vacate;

pub(crate) use cnode::{CNodePlan, decode_cnode, invoke_cnode};
pub(crate) use slots::{Slot, SlotId, Slots};

use core::num::NonZeroU16;

use sel4_sys::{CapRights, ObjectKind};

use crate::object::{
    CNodeId, EndpointId, FrameId, GuestSpaceId, InterruptId, NotificationId, PmuControlId,
    PmuLeaseId, PortId, ReplyId, SchedContextId, SpaceId, ThreadId, VcpuId,
};

/// The right to use one object. 16 bytes, also as an `Option`.
///
/// It needs no generation: objects live as long as the system, so an index never names another object later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Capability {
    /// What a receiver learns of a message through it; the bits of a signal through it.
    pub(crate) badge: u64,
    /// The object's id among those of its kind.
    pub(crate) object: NonZeroU16,
    /// The object's kind.
    pub(crate) kind: ObjectKind,
    /// What is allowed.
    pub(crate) rights: CapRights,
}

const _: () = assert!(size_of::<Option<Capability>>() == 16);

macro_rules! typed {
    ($($name:ident $kind:ident $id:ident,)*) => {$(
        #[doc = concat!("The object, if it is of kind `", stringify!($kind), "`.")]
        #[inline]
        pub(crate) fn $name(self) -> Option<$id> {
            (self.kind == ObjectKind::$kind).then_some($id::from_raw(self.object))
        }
    )*};
}

impl Capability {
    typed! {
        cnode CNode CNodeId,
        thread Thread ThreadId,
        endpoint Endpoint EndpointId,
        notification Notification NotificationId,
        reply Reply ReplyId,
        sched_context SchedContext SchedContextId,
        frame Frame FrameId,
        space AddressSpace SpaceId,
        interrupt Interrupt InterruptId,
        port Port PortId,
        guest_space GuestSpace GuestSpaceId,
        vcpu Vcpu VcpuId,
        pmu_control PmuControl PmuControlId,
        pmu_lease PmuLease PmuLeaseId,
    }

    /// Whether it allows all of `rights`.
    #[inline]
    pub(crate) fn allows(self, rights: CapRights) -> bool {
        self.rights.contains(rights)
    }

    /// Whether it names the same object.
    pub(crate) fn is_same_object(self, other: Self) -> bool {
        self.kind == other.kind && self.object == other.object
    }

    /// Whether a badge means anything for this kind of object.
    pub(crate) fn may_have_badge(self) -> bool {
        matches!(self.kind, ObjectKind::Endpoint | ObjectKind::Notification)
    }
}
