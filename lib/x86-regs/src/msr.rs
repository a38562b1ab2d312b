//! What a model-specific register is to the type system: an address and a name.
//!
//! A register that exists once implements [`MsrReg`]; a row of equal registers, one per
//! counter say, implements [`MsrBank`]. Reading and writing belong to whoever has a CPU.

/// The number by which RDMSR and WRMSR name a register (ECX).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MsrAddr(pub u32);

/// A model-specific register that exists once per logical processor.
pub trait MsrReg: Copy + From<u64> + Into<u64> {
    /// Where it lives.
    const ADDR: MsrAddr;
    /// What the manual calls it.
    const NAME: &'static str;
}

/// A row of model-specific registers of one layout, numbered from zero.
pub trait MsrBank: Copy + From<u64> + Into<u64> {
    /// The register with index 0.
    const FIRST: MsrAddr;
    /// How many registers the architecture reserves room for. A CPU may have fewer.
    const COUNT: u32;
    /// The distance between the addresses of neighbours.
    const STRIDE: u32 = 1;
    /// What the manual calls register 0, without the number.
    const NAME: &'static str;

    /// The address of register `index`, or `None` past the end of the row.
    #[must_use]
    fn addr(index: u32) -> Option<MsrAddr> {
        (index < Self::COUNT).then(|| MsrAddr(Self::FIRST.0 + index * Self::STRIDE))
    }

    /// Which register of this row lives at `addr`, or `None` when none does.
    #[must_use]
    fn index(addr: MsrAddr) -> Option<u32> {
        let distance = addr.0.checked_sub(Self::FIRST.0)?;
        let index = distance / Self::STRIDE;
        (distance % Self::STRIDE == 0 && index < Self::COUNT).then_some(index)
    }
}

/// The low 32 bits: what a 32-bit register is in a 64-bit transfer.
pub(crate) fn low_half(bits: u64) -> u32 {
    u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// Declares registers that are one plain number, without fields.
macro_rules! plain_registers {
    ($($(#[$doc:meta])* $name:ident: $trait:ident { $($body:tt)* })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
        pub struct $name(pub u64);
        impl From<u64> for $name {
            fn from(bits: u64) -> Self {
                Self(bits)
            }
        }
        impl From<$name> for u64 {
            fn from(register: $name) -> u64 {
                register.0
            }
        }
        impl $crate::msr::$trait for $name { $($body)* }
    )+};
}
pub(crate) use plain_registers;

#[cfg(test)]
mod tests {
    use super::*;

    plain_registers! {
        /// Two apart, as AMD's extended counters are.
        EveryOther: MsrBank {
            const FIRST: MsrAddr = MsrAddr(0x100);
            const COUNT: u32 = 3;
            const STRIDE: u32 = 2;
            const NAME: &'static str = "EVERY_OTHER";
        }
    }

    #[test]
    fn a_bank_knows_its_addresses_and_no_others() {
        assert_eq!(EveryOther::addr(0), Some(MsrAddr(0x100)));
        assert_eq!(EveryOther::addr(2), Some(MsrAddr(0x104)));
        assert_eq!(EveryOther::addr(3), None);
        assert_eq!(EveryOther::index(MsrAddr(0x104)), Some(2));
        for stranger in [0, 0xff, 0x101, 0x103, 0x106, u32::MAX] {
            assert_eq!(EveryOther::index(MsrAddr(stranger)), None, "{stranger:#x}");
        }
    }
}
