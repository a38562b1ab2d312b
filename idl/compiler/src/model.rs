//! An interface as the compiler sees it once it is read.
//!
//! `read` makes these from syntax, `check` proves that they fit together, `write` turns them into stubs.

use syn::{Attribute, Ident};

/// One interface file.
#[derive(Debug)]
pub(crate) struct Interface {
    /// The file's doc comment (`//!`).
    pub(crate) file_docs: Vec<Attribute>,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) operations: Vec<Operation>,
    pub(crate) records: Vec<Record>,
    pub(crate) choices: Vec<Choice>,
    /// Enums that operations name in `Result<_, E>`; a checked interface has at most one.
    pub(crate) errors: Vec<ErrorEnum>,
}

/// One method of the trait.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) number: u64,
    pub(crate) idempotent: bool,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) results: Vec<Type>,
    /// The enum in `-> Result<_, E>`.
    pub(crate) error: Option<Ident>,
}

#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) kind: Type,
}

/// A type, with the place it stands at.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub(crate) span: proc_macro2::Span,
    pub(crate) shape: Shape,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An integer or `bool`, by its Rust name; the size in bytes.
    Scalar(&'static str, usize),
    Array(Box<Shape>, usize),
    /// A struct or enum of the same file.
    Named(Ident),
    /// A byte string of at most this many bytes.
    Bytes(usize),
    /// A capability to this kind of object.
    Cap(Ident),
}

/// A struct of the file.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) kind: Type,
}

/// An enum of the file that values are of.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) name: Ident,
    /// `u8`, `u16`, `u32` or `u64`, and its size in bytes.
    pub(crate) repr: (Ident, usize),
    pub(crate) variants: Vec<Variant>,
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) value: u64,
}

/// The enum of what can go wrong.
#[derive(Debug)]
pub(crate) struct ErrorEnum {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) name: Ident,
    /// What a server says.
    pub(crate) codes: Vec<Variant>,
    /// Documentation of `ServerDied { generation: u64 }`, if the enum has it.
    pub(crate) server_died: Option<Vec<Attribute>>,
    /// Documentation of `Refused { why: Refusal }`, if the enum has it.
    pub(crate) refused: Option<Vec<Attribute>>,
}
