//! Operations that cannot say that the server died, and error enums.

use expect_test::expect;

use crate::refused;

#[test]
fn an_operation_that_cannot_say_that_the_server_died_is_refused() {
    refused(&[
        (
            "no error at all",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    fn f(&self);
}
"#,
            expect![[r#"
                t.idl.rs:7:8: operation `f` is not idempotent and has no error to say that the server died
                  next: give back `Result<T, E>` where `E` has the variant `ServerDied { generation: u64 }`, or mark it `#[idempotent]` if a client may simply repeat it"#]],
        ),
        (
            "an error without ServerDied",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    fn f(&self) -> Result<(), E>;
}

/// Why.
pub enum E {
    /// A stub refused.
    Refused { why: Refusal },
}
"#,
            expect![[r#"
                t.idl.rs:7:8: operation `f` is not idempotent, but `E` cannot say that the server died
                  next: add the variant `ServerDied { generation: u64 }` to `E`, or mark the operation `#[idempotent]` if a client may simply repeat it"#]],
        ),
        (
            "a ServerDied without generation",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    fn f(&self) -> Result<(), E>;
}

/// Why.
pub enum E {
    /// The server died.
    ServerDied = 1,
    /// A stub refused.
    Refused { why: Refusal },
}
"#,
            expect![[r#"
                t.idl.rs:13:5: `ServerDied` is made by the client's stub and has one form
                  next: write it as `ServerDied { generation: u64 }`, without a code"#]],
        ),
        (
            "an error without Refused",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    fn f(&self) -> Result<(), E>;
}

/// Why.
pub enum E {
    /// The server died.
    ServerDied { generation: u64 },
}
"#,
            expect![[r#"
                t.idl.rs:11:10: `E` cannot say that a stub refused the message
                  next: add the variant `Refused { why: Refusal }`"#]],
        ),
        (
            "an error that is not declared",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    fn f(&self) -> Result<(), E>;
}
"#,
            expect![[r#"
                t.idl.rs:7:31: the error `E` is no enum of this file
                  next: declare `pub enum E { … }` in this file"#]],
        ),
        (
            "half a Result",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    fn f(&self) -> Result<u64>;
}
"#,
            expect![[r#"
                t.idl.rs:7:20: the `Result` of operation `f` lacks its value or its error
                  next: write `Result<T, E>` with an enum `E` of this file"#]],
        ),
        (
            "two error enums",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self) -> Result<(), E>;

    /// Does.
    #[op(2)]
    #[idempotent]
    fn g(&self) -> Result<(), F>;
}

/// Why.
pub enum E {
    /// The server died.
    ServerDied { generation: u64 },
    /// A stub refused.
    Refused { why: Refusal },
}

/// Why.
pub enum F {
    /// The server died.
    ServerDied { generation: u64 },
    /// A stub refused.
    Refused { why: Refusal },
}
"#,
            expect![[r#"
                t.idl.rs:25:10: the interface has two error enums, `E` and `F`
                  next: merge them: clients handle one error type an interface"#]],
        ),
        (
            "an error that carries a value",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self) -> Result<(), E>;
}

/// Why.
pub enum E {
    /// The server died.
    ServerDied { generation: u64 },
    /// Full.
    Full { by: u64 },
    /// A stub refused.
    Refused { why: Refusal },
}
"#,
            expect![[r#"
                t.idl.rs:16:5: error `Full` carries values, which a reply's label cannot
                  next: write it as `Name = code`; only `ServerDied` and `Refused`, made by stubs, carry a value"#]],
        ),
        (
            "an error without a code",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self) -> Result<(), E>;
}

/// Why.
pub enum E {
    /// The server died.
    ServerDied { generation: u64 },
    /// Full.
    Full,
    /// A stub refused.
    Refused { why: Refusal },
}
"#,
            expect![[r#"
                t.idl.rs:16:5: variant `Full` has no number from 1 to 4095
                  next: write it as `Full = number`; numbers are part of the interface"#]],
        ),
        (
            "an error with code 0",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self) -> Result<(), E>;
}

/// Why.
pub enum E {
    /// The server died.
    ServerDied { generation: u64 },
    /// Full.
    Full = 0,
    /// A stub refused.
    Refused { why: Refusal },
}
"#,
            expect![[r#"
                t.idl.rs:16:12: variant `Full` has no number from 1 to 4095
                  next: write it as `Full = number`; numbers are part of the interface"#]],
        ),
        (
            "two errors with one code",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self) -> Result<(), E>;
}

/// Why.
pub enum E {
    /// The server died.
    ServerDied { generation: u64 },
    /// Full.
    Full = 1,
    /// Empty.
    Empty = 1,
    /// A stub refused.
    Refused { why: Refusal },
}
"#,
            expect![[r#"
                t.idl.rs:18:5: `Full` and `Empty` are both 1
                  next: give one of them another number"#]],
        ),
        (
            "an error as an argument",
            r#"//! For a test.

/// A test.
pub trait T {
    /// Does.
    #[op(1)]
    #[idempotent]
    fn f(&self, e: E) -> Result<(), E>;
}

/// Why.
pub enum E {
    /// The server died.
    ServerDied { generation: u64 },
    /// A stub refused.
    Refused { why: Refusal },
}
"#,
            expect![[r#"
                t.idl.rs:8:20: `E` is the interface's error and cannot be sent as a value
                  next: declare another enum for values"#]],
        ),
    ]);
}
