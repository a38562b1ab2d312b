//! Operations that nobody could call.

use expect_test::expect;

use crate::refused;

#[test]
fn an_operation_that_cannot_be_called_is_refused() {
    refused(&[
        (
            "no number",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[idempotent]
    fn f(&self);
}
"#,
            expect![[r#"
                t.idl.rs:7:8: operation `f` has no number
                  next: write `#[op(N)]` above it, with a number that no other operation has or had"#]],
        ),
        (
            "number 0",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(0)]
    #[idempotent]
    fn f(&self);
}
"#,
            expect![[r#"
                t.idl.rs:6:5: the number of operation `f` is not one from 1 to 4095
                  next: write it like `#[op(1)]`"#]],
        ),
        (
            "number 4096",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(4096)]
    #[idempotent]
    fn f(&self);
}
"#,
            expect![[r#"
                t.idl.rs:6:5: the number of operation `f` is not one from 1 to 4095
                  next: write it like `#[op(1)]`"#]],
        ),
        (
            "a number twice",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self);

    /// Does.
    #[op(1)]
    #[idempotent]
    fn g(&self);
}
"#,
            expect![[r#"
                t.idl.rs:13:8: operations `f` and `g` both have number 1
                  next: give one of them a number that no other has"#]],
        ),
        (
            "a name twice",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self);

    /// Does.
    #[op(2)]
    #[idempotent]
    fn f(&self);
}
"#,
            expect![[r#"
                t.idl.rs:13:8: two operations are called `f`
                  next: give one of them another name"#]],
        ),
        (
            "an unknown attribute",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotant]
    #[idempotent]
    fn f(&self);
}
"#,
            expect![[r#"
                t.idl.rs:7:5: operation `f` has an attribute that means nothing here
                  next: remove it; known here are documentation and op, idempotent"#]],
        ),
        (
            "no self",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f();
}
"#,
            expect![[r#"
                t.idl.rs:8:8: operation `f` does not take `&self`
                  next: write `&self` as its first parameter: it stands for the server, whose state is its own"#]],
        ),
        (
            "a self that changes",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&mut self);
}
"#,
            expect![[r#"
                t.idl.rs:8:8: operation `f` does not take `&self`
                  next: write `&self` as its first parameter: it stands for the server, whose state is its own"#]],
        ),
        (
            "parameters in angle brackets",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f<T>(&self);
}
"#,
            expect![[r#"
                t.idl.rs:8:5: operation `f` has qualifiers or parameters in angle brackets
                  next: write it as `fn f(&self, …)`"#]],
        ),
        (
            "an async operation",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    async fn f(&self);
}
"#,
            expect![[r#"
                t.idl.rs:8:5: operation `f` has qualifiers or parameters in angle brackets
                  next: write it as `fn f(&self, …)`"#]],
        ),
        (
            "a body",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self) {}
}
"#,
            expect![[r#"
                t.idl.rs:8:17: operation `f` has a body
                  next: end it with a semicolon; the server's implementation of the trait has the body"#]],
        ),
        (
            "a name of the stubs",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn new(&self);
}
"#,
            expect![[r#"
                t.idl.rs:8:8: the client's stub has a method `new` already
                  next: give the operation another name"#]],
        ),
        (
            "an argument with a name of the stubs",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, caller: u64);
}
"#,
            expect![[r#"
                t.idl.rs:8:17: the argument's name `caller` is taken by the stubs
                  next: give it another name, one that does not begin with `_`"#]],
        ),
        (
            "an argument that is a pattern",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, (a, b): u64);
}
"#,
            expect![[r#"
                t.idl.rs:8:17: an argument is not a plain name
                  next: write it as `name: Type`"#]],
        ),
        (
            "a keyword as a name",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn r#type(&self);
}
"#,
            expect![[r#"
                t.idl.rs:8:8: `r#type` is a keyword of Rust
                  next: give it a name that is not"#]],
        ),
        (
            "a name with capitals",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn pingPong(&self);
}
"#,
            expect![[r#"
                t.idl.rs:8:8: the name `pingPong` is not written in small letters
                  next: write it like `task_state`: words of small letters and digits, joined by `_`"#]],
        ),
    ]);
}
