//! A capability as an argument: an address in a CSpace and the kind the interface promises.

use core::fmt;
use core::marker::PhantomData;

/// The kinds of capability that an interface can ask for, as types.
///
/// One for each [`ObjectKind`](sel4_sys::ObjectKind), with its name; none has a value.
pub mod kind {
    macro_rules! kinds {
        ($($name:ident)*) => { $(
            #[doc = concat!("See [`ObjectKind::", stringify!($name), "`](sel4_sys::ObjectKind).")]
            #[derive(Debug)]
            pub enum $name {}

            impl super::Kind for $name {
                const KIND: sel4_sys::ObjectKind = sel4_sys::ObjectKind::$name;
            }
        )* };
    }
    kinds! { CNode Thread Endpoint Notification Reply SchedContext Frame AddressSpace Interrupt Port }
}

/// A type that stands for a kind of kernel object.
pub trait Kind {
    /// The kernel's number for it.
    const KIND: sel4_sys::ObjectKind;
}

/// The address of a capability of kind `K`, in the CSpace of whoever holds this value.
///
/// The client's stub takes the address of the capability to pass. The server's method gets the
/// address of the slot that the kernel put it in, where it stays until the method returns; a server
/// that wants to keep it moves it away before. The kind is a promise between honest stubs: a client
/// may pass anything, and the server's first invocation of it then fails in the kernel.
pub struct Cap<K> {
    address: u64,
    kind: PhantomData<fn() -> K>,
}

impl<K> Cap<K> {
    /// The capability at `address`.
    #[inline]
    #[must_use]
    pub const fn at(address: u64) -> Self {
        Self {
            address,
            kind: PhantomData,
        }
    }

    /// Where the capability is, as the kernel's system calls take it.
    #[inline]
    #[must_use]
    pub const fn address(self) -> u64 {
        self.address
    }
}

// Written by hand: derived, they would ask the same of `K`, which is never a value.
impl<K> Clone for Cap<K> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Cap<K> {}

impl<K> PartialEq for Cap<K> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

impl<K> Eq for Cap<K> {}

impl<K: Kind> fmt::Debug for Cap<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{:#x}", K::KIND, self.address)
    }
}
