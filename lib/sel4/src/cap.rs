//! Capabilities with the kind of their object in their type.
//!
//! The kind is this program's belief, not a check: it selects which methods exist. The kernel checks each use.

use core::fmt;
use core::marker::PhantomData;

use sel4_sys::{CPtr, ObjectKind};

/// A kind of kernel object, as a type.
pub trait CapType: 'static {
    /// Its number in the kernel, `None` for [`cap_type::Unspecified`].
    const KIND: Option<ObjectKind>;
    /// Its name.
    const NAME: &'static str;
}

/// A slot of this task's CNode, believed to hold a capability of kind `T`.
pub struct Cap<T: CapType> {
    slot: CPtr,
    kind: PhantomData<fn() -> T>,
}

impl<T: CapType> Cap<T> {
    /// The capability in a slot.
    #[must_use]
    #[inline]
    pub const fn from_bits(slot: CPtr) -> Self {
        Self {
            slot,
            kind: PhantomData,
        }
    }

    /// The slot's index.
    #[must_use]
    #[inline]
    pub const fn bits(self) -> CPtr {
        self.slot
    }

    /// The same slot, believed to hold another kind.
    #[must_use]
    #[inline]
    pub const fn cast<U: CapType>(self) -> Cap<U> {
        Cap::from_bits(self.slot)
    }
}

// Not derived: that would ask the same of `T`, of which there are no values.
impl<T: CapType> Clone for Cap<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: CapType> Copy for Cap<T> {}

impl<T: CapType> PartialEq for Cap<T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.slot == other.slot
    }
}

impl<T: CapType> Eq for Cap<T> {}

impl<T: CapType> fmt::Debug for Cap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in slot {}", T::NAME, self.slot)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $kind:expr;)*) => {
        /// The kinds as types; none has a value.
        pub mod cap_type {
            use sel4_sys::ObjectKind;
            $(
                $(#[$doc])*
                #[derive(Debug)]
                pub enum $name {}
                impl super::CapType for $name {
                    const KIND: Option<ObjectKind> = $kind;
                    const NAME: &'static str = stringify!($name);
                }
            )*
        }
        $($(#[$doc])* pub type $name = Cap<cap_type::$name>;)*
    };
}

kinds! {
    /// Nothing is believed about it.
    Unspecified None;
    /// A table of capability slots.
    CNode Some(ObjectKind::CNode);
    /// A thread of execution (seL4: TCB).
    Thread Some(ObjectKind::Thread);
    /// Where threads meet for IPC.
    Endpoint Some(ObjectKind::Endpoint);
    /// A word of signal bits.
    Notification Some(ObjectKind::Notification);
    /// The right to answer one caller.
    Reply Some(ObjectKind::Reply);
    /// A budget of CPU time.
    SchedContext Some(ObjectKind::SchedContext);
    /// A run of pages of memory.
    Frame Some(ObjectKind::Frame);
    /// A tree of page tables (seL4: VSpace).
    AddressSpace Some(ObjectKind::AddressSpace);
    /// One interrupt line (seL4: IRQHandler).
    Interrupt Some(ObjectKind::Interrupt);
    /// A range of x86 I/O ports (seL4: IOPort).
    Port Some(ObjectKind::Port);
    /// The memory of a guest.
    GuestSpace Some(ObjectKind::GuestSpace);
    /// A virtual CPU.
    Vcpu Some(ObjectKind::Vcpu);
    /// Authority over one CPU's performance counters.
    PmuControl Some(ObjectKind::PmuControl);
    /// A VM's right to one CPU's performance counters.
    PmuLease Some(ObjectKind::PmuLease);
}

/// seL4's name of [`Thread`].
pub type Tcb = Thread;
/// seL4's name of [`AddressSpace`].
pub type VSpace = AddressSpace;
/// seL4's name of [`Interrupt`].
pub type IrqHandler = Interrupt;
/// seL4's name of [`Port`].
pub type IOPort = Port;
