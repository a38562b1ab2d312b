//! What a VMCS field is to the type system.
//!
//! A number, a value type and a direction.

use core::marker::PhantomData;

use bitfield_struct::bitfield;

/// A field that VMWRITE may change.
#[derive(Clone, Copy, Debug)]
pub enum Rw {}
/// A field that only a VM exit or entry changes.
#[derive(Clone, Copy, Debug)]
pub enum Ro {}

/// What may be done with a field.
pub trait FieldAccess {
    /// VMWRITE may change it.
    const IS_WRITABLE: bool;
}

impl FieldAccess for Rw {
    const IS_WRITABLE: bool = true;
}

impl FieldAccess for Ro {
    const IS_WRITABLE: bool = false;
}

/// The number of a field, as VMREAD and VMWRITE take it.
/// SDM vol. 3D, "Field Encoding in VMCS".
#[bitfield(u32)]
#[derive(PartialEq, Eq)]
pub struct FieldEncoding {
    /// The high half of a 64-bit field.
    pub high_half: bool,
    /// Which field of its kind.
    #[bits(9)]
    pub index: u16,
    /// 0 control, 1 exit information, 2 guest state, 3 host state.
    #[bits(2)]
    pub kind: u8,
    #[bits(1)]
    __: bool,
    /// 0: 16 bits, 1: 64 bits, 2: 32 bits, 3: natural.
    #[bits(2)]
    pub width: u8,
    #[bits(17)]
    __: u32,
}

/// What can be in a VMCS field. VMREAD and VMWRITE move 64 bits whatever the width is.
pub trait VmcsValue: Copy {
    /// How many bytes the field has.
    const BYTES: usize = size_of::<Self>();
    /// From what VMREAD returned.
    fn from_vmcs(bits: u64) -> Self;
    /// For VMWRITE.
    fn into_vmcs(self) -> u64;
}

impl VmcsValue for u64 {
    fn from_vmcs(bits: u64) -> Self {
        bits
    }
    fn into_vmcs(self) -> u64 {
        self
    }
}

impl VmcsValue for u16 {
    fn from_vmcs(bits: u64) -> Self {
        let [low, high, ..] = bits.to_le_bytes();
        Self::from_le_bytes([low, high])
    }
    fn into_vmcs(self) -> u64 {
        u64::from(self)
    }
}

impl VmcsValue for u32 {
    fn from_vmcs(bits: u64) -> Self {
        crate::msr::low_half(bits)
    }
    fn into_vmcs(self) -> u64 {
        u64::from(self)
    }
}

/// Lets register types be the values of VMCS fields, by the number they are made of.
#[macro_export]
macro_rules! vmcs_values {
    ($($name:ty: $number:ty;)+) => {$(
        impl $crate::vmx::VmcsValue for $name {
            fn from_vmcs(bits: u64) -> Self {
                Self::from_bits(<$number as $crate::vmx::VmcsValue>::from_vmcs(bits))
            }
            fn into_vmcs(self) -> u64 {
                u64::from(self.into_bits())
            }
        }
    )+};
}

/// A VMCS field that holds a `T` and allows `A`.
pub struct VmcsField<T, A> {
    encoding: FieldEncoding,
    name: &'static str,
    holds: PhantomData<fn() -> (T, A)>,
}

impl<T: VmcsValue, A: FieldAccess> VmcsField<T, A> {
    /// Field `encoding`, called `name`. Use [`vmcs_fields!`](crate::vmcs_fields).
    ///
    /// # Panics
    ///
    /// When compiled: if the number says another width than `T` has, or is that of exit
    /// information and `A` allows writing, or the reverse.
    #[must_use]
    pub const fn new(encoding: u32, name: &'static str) -> Self {
        let encoding = FieldEncoding::from_bits(encoding);
        let bytes = match encoding.width() {
            0 => 2,
            2 => 4,
            _ => 8,
        };
        assert!(bytes == T::BYTES, "the field's number says another width");
        let is_exit_information = encoding.kind() == 1;
        assert!(
            is_exit_information != A::IS_WRITABLE,
            "exit information, and only it, is read-only"
        );
        Self {
            encoding,
            name,
            holds: PhantomData,
        }
    }

    /// The number for VMREAD and VMWRITE.
    #[must_use]
    pub const fn encoding(&self) -> FieldEncoding {
        self.encoding
    }

    /// The constant's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T, A> core::fmt::Debug for VmcsField<T, A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} ({:#x})", self.name, self.encoding.into_bits())
    }
}

/// Declares VMCS fields: `NAME: Type = number, Rw;`. A number whose width is not the type's
/// does not compile.
#[macro_export]
macro_rules! vmcs_fields {
    ($($(#[$doc:meta])* $name:ident: $holds:ty = $encoding:literal, $access:ident;)+) => {$(
        $(#[$doc])*
        pub const $name: $crate::vmx::VmcsField<$holds, $crate::vmx::$access> =
            $crate::vmx::VmcsField::new($encoding, stringify!($name));
    )+};
}

#[cfg(test)]
mod tests {
    use super::{Rw, VmcsField, VmcsValue};

    #[test]
    fn a_field_of_32_bits_takes_the_low_half() {
        assert_eq!(u32::from_vmcs(0xdead_beef_1234_5678), 0x1234_5678);
    }

    #[test]
    #[should_panic(expected = "another width")]
    fn a_number_of_another_width_is_refused() {
        _ = VmcsField::<u32, Rw>::new(0x2808, "a field of 64 bits");
    }

    #[test]
    #[should_panic(expected = "read-only")]
    fn exit_information_cannot_be_declared_writable() {
        _ = VmcsField::<u32, Rw>::new(0x4402, "the exit reason");
    }
}
