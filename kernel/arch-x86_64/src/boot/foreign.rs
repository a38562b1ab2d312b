//! Memory that firmware and boot loaders wrote, read with care.

use zerocopy::{FromBytes, Immutable, KnownLayout};

/// A way to read physical memory. Everything in it is a claim of others.
pub(crate) trait ForeignMemory {
    /// The `length` bytes at `address`, or `None` where they cannot be read.
    fn bytes(&self, address: u64, length: usize) -> Option<&[u8]>;

    /// A structure.
    fn read<T: FromBytes + KnownLayout + Immutable>(&self, address: u64) -> Option<T> {
        T::read_from_bytes(self.bytes(address, size_of::<T>())?).ok()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::ForeignMemory;

    /// Bytes that begin at physical address `0`.
    pub(crate) struct Bytes(pub(crate) u64, pub(crate) Vec<u8>);

    impl ForeignMemory for Bytes {
        fn bytes(&self, address: u64, length: usize) -> Option<&[u8]> {
            let start = usize::try_from(address.checked_sub(self.0)?).ok()?;
            self.1.get(start..start.checked_add(length)?)
        }
    }
}
