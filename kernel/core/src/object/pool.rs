//! Objects of one kind, numbered.
//!
//! An id is made for every object at boot and for nothing else, so having one means that the object
//! exists. `Option` of an id is as big as the id.

use core::marker::PhantomData;
use core::num::NonZeroU16;
use core::ops::{Index, IndexMut};

use lease::{ContextId, LeaseId};

/// Numbers of the objects of one kind.
pub(crate) trait Id: Copy {
    /// The id of the object at this position; `None` at 65535, where no object is.
    fn new(index: u16) -> Option<Self>;

    /// Position in the pool.
    fn index(self) -> usize;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(transparent)]
        pub(crate) struct $name(NonZeroU16);

        impl $name {
            /// The id that a capability of the right kind holds.
            #[inline]
            pub(crate) const fn from_raw(raw: NonZeroU16) -> Self {
                Self(raw)
            }
        }

        impl Id for $name {
            fn new(index: u16) -> Option<Self> {
                NonZeroU16::new(index.wrapping_add(1)).map(Self)
            }

            #[inline]
            fn index(self) -> usize {
                usize::from(self.0.get()) - 1
            }
        }
    )*};
}

ids! {
    /// A CNode.
    CNodeId,
    /// A thread.
    ThreadId,
    /// An endpoint.
    EndpointId,
    /// A notification.
    NotificationId,
    /// A reply object.
    ReplyId,
    /// A scheduling context.
    SchedContextId,
    /// A frame.
    FrameId,
    /// An address space.
    SpaceId,
    /// An interrupt line.
    InterruptId,
    /// A range of I/O ports.
    PortId,
    /// The memory of a guest.
    GuestSpaceId,
    /// A virtual CPU.
    VcpuId,
    /// One CPU's counters.
    PmuControlId,
    /// A VM's right to one CPU's counters.
    PmuLeaseId,
}

impl VcpuId {
    /// The number of its context for the arbiter.
    pub(crate) fn context(self) -> ContextId {
        ContextId(number(self))
    }

    /// The virtual CPU whose context has this number.
    pub(crate) fn of_context(context: ContextId) -> Option<Self> {
        Self::new(context.0)
    }
}

impl PmuLeaseId {
    /// Its number for the arbiter.
    pub(crate) fn lease(self) -> LeaseId {
        LeaseId(number(self))
    }
}

/// An index is less than 65535.
fn number(id: impl Id) -> u16 {
    u16::try_from(id.index()).unwrap_or(u16::MAX)
}

/// All objects of one kind.
#[derive(Debug)]
pub(crate) struct Pool<I, T: 'static> {
    objects: &'static mut [T],
    id: PhantomData<I>,
}

impl<I: Id, T> Pool<I, T> {
    pub(crate) fn new(objects: &'static mut [T]) -> Self {
        Self {
            objects,
            id: PhantomData,
        }
    }

    /// The ids of all objects.
    pub(crate) fn ids(&self) -> impl Iterator<Item = I> + use<I, T> {
        let count = self.objects.len();
        (0..u16::MAX).take(count).filter_map(I::new)
    }

    pub(crate) fn iter(&self) -> core::slice::Iter<'_, T> {
        self.objects.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> core::slice::IterMut<'_, T> {
        self.objects.iter_mut()
    }

    /// Two objects at once; `None` when they are the same.
    #[inline(always)]
    pub(crate) fn pair(&mut self, a: I, b: I) -> Option<(&mut T, &mut T)> {
        let [a, b] = self.objects.get_disjoint_mut([a.index(), b.index()]).ok()?;
        Some((a, b))
    }
}

impl<I: Id, T> Index<I> for Pool<I, T> {
    type Output = T;
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "an id exists only for an object that exists"
    )]
    fn index(&self, id: I) -> &T {
        &self.objects[id.index()]
    }
}

impl<I: Id, T> IndexMut<I> for Pool<I, T> {
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "an id exists only for an object that exists"
    )]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.objects[id.index()]
    }
}
