//! Types that cannot be sent.

use expect_test::expect;

use crate::refused;

#[test]
fn a_type_that_cannot_be_sent_is_refused() {
    refused(&[
        (
            "a reference",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, bytes: &[u8]);
}
"#,
            expect![[r#"
                t.idl.rs:8:24: memory cannot be lent yet: a message holds at most 960 bytes
                  next: send the bytes in pieces as `Bytes<N>`, or pass the memory as `Cap<Frame>`"#]],
        ),
        (
            "a loan",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, bytes: Loan<[u8]>);
}
"#,
            expect![[r#"
                t.idl.rs:8:24: memory cannot be lent yet: a message holds at most 960 bytes
                  next: send the bytes in pieces as `Bytes<N>`, or pass the memory as `Cap<Frame>`"#]],
        ),
        (
            "a vector",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, bytes: Vec<u8>);
}
"#,
            expect![[r#"
                t.idl.rs:8:24: `Vec` has no bound, and messages have one
                  next: write `Bytes<N>` with the most bytes that one call may carry"#]],
        ),
        (
            "a size of the machine",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: usize);
}
"#,
            expect![[r#"
                t.idl.rs:8:20: `usize` has no size of its own in a message
                  next: write `u64`, or a smaller integer that holds every value"#]],
        ),
        (
            "a fraction",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: f64);
}
"#,
            expect![[r#"
                t.idl.rs:8:20: tasks have no floating point
                  next: send an integer in a unit that says its scale, such as micro-units"#]],
        ),
        (
            "a wide integer",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: u128);
}
"#,
            expect![[r#"
                t.idl.rs:8:20: `u128` is wider than a word
                  next: write `[u64; 2]`"#]],
        ),
        (
            "a character",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, c: char);
}
"#,
            expect![[r#"
                t.idl.rs:8:20: `char` is not a type of messages
                  next: write `u32` and let the receiver check it, or send text as `Bytes<N>`"#]],
        ),
        (
            "an option",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: Option<u64>);
}
"#,
            expect![[r#"
                t.idl.rs:8:20: `Option` is not a type of messages
                  next: declare an enum, or an operation for each case"#]],
        ),
        (
            "a tuple",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: (u64, u64));
}
"#,
            expect![[r#"
                t.idl.rs:8:20: a tuple cannot stand here
                  next: declare a struct in this file; only several results are written as a tuple"#]],
        ),
        (
            "a function",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: fn(u64));
}
"#,
            expect![[r#"
                t.idl.rs:8:20: this type cannot be sent
                  next: use an integer, `bool`, `[T; N]`, `Bytes<N>`, `Cap<Kind>`, or a struct or enum of this file"#]],
        ),
        (
            "a path",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: core::num::NonZeroU64);
}
"#,
            expect![[r#"
                t.idl.rs:8:20: a type is named with a path
                  next: declare the type in this file and name it without a path"#]],
        ),
        (
            "an unknown name",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: Colour);
}
"#,
            expect![[r#"
                t.idl.rs:8:20: `Colour` is not declared in this file
                  next: declare it as a struct or enum in this file, or correct its name"#]],
        ),
        (
            "an array of a length with a name",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: [u64; N]);
}
"#,
            expect![[r#"
                t.idl.rs:8:26: the length of an array is not a number above 0
                  next: write the length as a number, like `[u64; 4]`"#]],
        ),
        (
            "an array of strings",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: [Bytes<8>; 2]);
}
"#,
            expect![[r#"
                t.idl.rs:8:20: an array can hold neither byte strings nor capabilities
                  next: make each of them an argument of its own"#]],
        ),
        (
            "a string without a bound",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: Bytes);
}
"#,
            expect![[r#"
                t.idl.rs:8:20: a byte string's bound is not a number from 1 to 952
                  next: write `Bytes<N>` with the most bytes that one call may carry, at most 952"#]],
        ),
        (
            "a string longer than a message",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: Bytes<953>);
}
"#,
            expect![[r#"
                t.idl.rs:8:20: a byte string's bound is not a number from 1 to 952
                  next: write `Bytes<N>` with the most bytes that one call may carry, at most 952"#]],
        ),
        (
            "a capability to nothing",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, n: Cap<Car>);
}
"#,
            expect![[r#"
                t.idl.rs:8:20: a capability is to no kind of object that the kernel has
                  next: write `Cap<Kind>` with one of CNode, Thread, Endpoint, Notification, Reply, SchedContext, Frame, AddressSpace, Interrupt, Port"#]],
        ),
        (
            "a capability as a result",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self) -> Cap<Frame>;
}
"#,
            expect![[r#"
                t.idl.rs:8:20: a capability cannot be a result yet
                  next: let the client pass what the server is to use, or let the system description give it"#]],
        ),
        (
            "four capabilities",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, a: Cap<Frame>, b: Cap<Frame>, c: Cap<Frame>, d: Cap<Frame>);
}
"#,
            expect![[r#"
                t.idl.rs:8:8: `f` passes 4 capabilities, and a message holds 3
                  next: pass them in two calls"#]],
        ),
        (
            "arguments longer than a message",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, a: [u64; 100], b: Bytes<200>);
}
"#,
            expect![[r#"
                t.idl.rs:8:8: the arguments of `f` take 126 words, and a message holds 120
                  next: send less in one call, in pieces; loans of memory are not there yet"#]],
        ),
        (
            "results longer than a message",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self) -> [u32; 300];
}
"#,
            expect![[r#"
                t.idl.rs:8:8: the results of `f` take 150 words, and a message holds 120
                  next: send less in one call, in pieces; loans of memory are not there yet"#]],
        ),
        (
            "an array larger than the machine",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, a: [[u64; 4611686018427387904]; 8]);
}
"#,
            expect![[r#"
                t.idl.rs:8:8: the arguments of `f` take 536870912 words, and a message holds 120
                  next: send less in one call, in pieces; loans of memory are not there yet"#]],
        ),
    ]);
}
