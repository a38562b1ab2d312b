//! Files that are no interface.

use expect_test::expect;

use crate::refused;

#[test]
fn a_file_that_is_no_interface_is_refused() {
    refused(&[
        (
            "not Rust",
            r#"//! A test.
pub trait T {
    fn f(&self
}
"#,
            expect![[r#"
                t.idl.rs:4:1: this is not Rust syntax: cannot parse string into token stream
                  next: write the interface as a trait; docs/reference/idl.md has the grammar"#]],
        ),
        (
            "no trait",
            r#"//! A test.
"#,
            expect![[r#"
                t.idl.rs:1:1: the file has no trait
                  next: write the interface as `pub trait Name { … }`"#]],
        ),
        (
            "two traits",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Fine.
    #[op(1)]
    #[idempotent]
    fn fine(&self);
}

/// Two.
pub trait U {
    /// Fine.
    #[op(1)]
    #[idempotent]
    fn fine(&self);
}
"#,
            expect![[r#"
                t.idl.rs:12:11: `U` is a second trait in this file
                  next: give it a file of its own: a file is an interface"#]],
        ),
        (
            "an item without meaning",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Fine.
    #[op(1)]
    #[idempotent]
    fn fine(&self);
}

use core::fmt;
"#,
            expect![[r#"
                t.idl.rs:11:1: this item has no meaning in an interface
                  next: keep one trait, and the structs and enums that it names"#]],
        ),
        (
            "nothing documented",
            r#"pub trait T {
    #[op(1)]
    #[idempotent]
    fn f(&self);
}
"#,
            expect![[r#"
                t.idl.rs:1:1: the file has no documentation
                  next: write a `//!` comment that says what it means; the stubs show it
                t.idl.rs:1:11: the trait has no documentation
                  next: write a `///` comment that says what it means; the stubs show it
                t.idl.rs:4:8: operation `f` has no documentation
                  next: write a `///` comment that says what it means; the stubs show it"#]],
        ),
        (
            "no operations",
            r#"//! For a test.

/// A test.
pub trait T {

}
"#,
            expect![[r#"
                t.idl.rs:4:11: interface `T` has no operations
                  next: add a method with `#[op(1)]`"#]],
        ),
        (
            "a trait with a supertrait",
            r#"//! For a test.

/// A test.
pub trait T: Sized {
    /// Fine.
    #[op(1)]
    #[idempotent]
    fn fine(&self);
}
"#,
            expect![[r#"
                t.idl.rs:4:11: trait `T` has parameters, supertraits or qualifiers
                  next: write it as `pub trait Name { … }`"#]],
        ),
        (
            "a type in the trait",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Fine.
    #[op(1)]
    #[idempotent]
    fn fine(&self);
    /// Not here.
    type U;
}
"#,
            expect![[r#"
                t.idl.rs:9:5: an interface has operations and nothing else
                  next: write it as a method; move types out of the trait"#]],
        ),
    ]);
}
