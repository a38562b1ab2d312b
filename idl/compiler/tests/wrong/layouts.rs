//! Structs and enums without a plain layout.

use expect_test::expect;

use crate::refused;

#[test]
fn a_declared_type_without_a_plain_layout_is_refused() {
    refused(&[
        (
            "a gap inside a struct",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, s: S);
}

/// A struct.
pub struct S {
    /// A.
    pub a: u8,
    /// B.
    pub b: u32,
}
"#,
            expect![[r#"
                t.idl.rs:16:9: 3 bytes are unused before field `b` of `S`
                  next: put wider fields first, or add `reserved: [u8; 3]` before it"#]],
        ),
        (
            "a gap at the end of a struct",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, s: S);
}

/// A struct.
pub struct S {
    /// A.
    pub a: u64,
    /// B.
    pub b: u16,
}
"#,
            expect![[r#"
                t.idl.rs:12:12: 6 bytes are unused at the end of `S`
                  next: add `reserved: [u8; 6]` as its last field"#]],
        ),
        (
            "a struct in itself",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, s: S);
}

/// A struct.
pub struct S {
    /// A.
    pub a: S,
}
"#,
            expect![[r#"
                t.idl.rs:14:12: struct `S` contains itself
                  next: break the circle; messages hold values, not references"#]],
        ),
        (
            "a struct without names",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, s: S);
}

/// A struct.
pub struct S(u64);
"#,
            expect![[r#"
                t.idl.rs:12:12: struct `S` has no named fields
                  next: write the fields as `name: Type`"#]],
        ),
        (
            "an empty struct",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, s: S);
}

/// A struct.
pub struct S {

}
"#,
            expect![[r#"
                t.idl.rs:12:12: struct `S` is empty
                  next: remove it; nothing needs no argument"#]],
        ),
        (
            "a string in a struct",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, s: S);
}

/// A struct.
pub struct S {
    /// A.
    pub a: Bytes<8>,
}
"#,
            expect![[r#"
                t.idl.rs:14:12: a field can be neither a byte string nor a capability
                  next: make it an argument of its own, or use `[u8; N]` for bytes of a fixed number"#]],
        ),
        (
            "a struct with parameters",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, s: S);
}

/// A struct.
pub struct S<T> {
    /// A.
    pub a: u64,
}
"#,
            expect![[r#"
                t.idl.rs:12:14: `S` has parameters
                  next: write the type out for each use; the layout of a message is fixed"#]],
        ),
        (
            "a struct that nobody uses",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Fine.
    #[op(1)]
    #[idempotent]
    fn fine(&self);
}

/// A struct.
pub struct S {
    /// A.
    pub a: u64,
}
"#,
            expect![[r#"
                t.idl.rs:12:12: no operation uses `S`
                  next: remove it, or name it in an operation"#]],
        ),
        (
            "a struct with a name of the stubs",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, s: FRequest);
}

/// A struct.
pub struct FRequest {
    /// A.
    pub a: u64,
}
"#,
            expect![[r#"
                t.idl.rs:12:12: the type's name `FRequest` is taken by the stubs
                  next: give it another name"#]],
        ),
        (
            "an enum without a width",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, c: C);
}

/// An enum.
pub enum C {
    /// A.
    A = 1,
}
"#,
            expect![[r#"
                t.idl.rs:12:10: enum `C` does not say how wide it is in a message
                  next: write `#[repr(u8)]`, or u16, u32, u64, above it"#]],
        ),
        (
            "a value without a number",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, c: C);
}

/// An enum.
#[repr(u8)]
pub enum C {
    /// A.
    A,
}
"#,
            expect![[r#"
                t.idl.rs:15:5: variant `A` has no number from 0 to 255
                  next: write it as `A = number`; numbers are part of the interface"#]],
        ),
        (
            "a value that does not fit",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, c: C);
}

/// An enum.
#[repr(u8)]
pub enum C {
    /// A.
    A = 256,
}
"#,
            expect![[r#"
                t.idl.rs:15:9: variant `A` has no number from 0 to 255
                  next: write it as `A = number`; numbers are part of the interface"#]],
        ),
        (
            "a number for two values",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, c: C);
}

/// An enum.
#[repr(u8)]
pub enum C {
    /// A.
    A = 1,
    /// B.
    B = 1,
}
"#,
            expect![[r#"
                t.idl.rs:17:5: `A` and `B` are both 1
                  next: give one of them another number"#]],
        ),
        (
            "a value that carries values",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, c: C);
}

/// An enum.
#[repr(u8)]
pub enum C {
    /// A.
    A(u64) = 1,
}
"#,
            expect![[r#"
                t.idl.rs:15:5: variant `A` carries values
                  next: make the values arguments of their own, or give each case an operation"#]],
        ),
        (
            "an enum without values",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, c: C);
}

/// An enum.
#[repr(u8)]
pub enum C {

}
"#,
            expect![[r#"
                t.idl.rs:13:10: enum `C` has no values
                  next: remove it"#]],
        ),
        (
            "a type in small letters",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, s: size);
}

/// A struct.
pub struct size {
    /// A.
    pub a: u64,
}
"#,
            expect![[r#"
                t.idl.rs:12:12: the type's name `size` does not begin with a capital letter
                  next: write it like `TaskState`: letters and digits, each word with a capital"#]],
        ),
    ]);
}
