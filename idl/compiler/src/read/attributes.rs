//! Reads attributes: documentation, `#[op(N)]`, `#[idempotent]`, `#[repr(…)]`.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Attribute, Ident, LitInt, Meta};

use crate::diagnostic::Sink;

/// The highest operation number; `idl_runtime::label::LAST_OPERATION`.
const LAST_OPERATION: u64 = 0xfff;

/// What [`docs`] calls the file itself.
pub(crate) const THE_FILE: &str = "the file";

/// The documentation among `attributes`; reports its absence, and attributes that are not in `known`.
pub(crate) fn docs(
    sink: &mut Sink,
    at: Span,
    what: &str,
    attributes: &[Attribute],
    known: &[&str],
) -> Vec<Attribute> {
    let (docs, others): (Vec<_>, Vec<_>) = attributes
        .iter()
        .cloned()
        .partition(|a| a.path().is_ident("doc"));
    if docs.is_empty() {
        let comment = if what == THE_FILE { "//!" } else { "///" };
        sink.report(
            at,
            format!("{what} has no documentation"),
            format!("write a `{comment}` comment that says what it means; the stubs show it"),
        );
    }
    for other in others {
        if known.iter().any(|name| other.path().is_ident(name)) {
            continue;
        }
        let next = match known {
            [] => "remove it; only documentation may stand here".to_owned(),
            _ => format!(
                "remove it; known here are documentation and {}",
                known.join(", ")
            ),
        };
        sink.report(
            other.span(),
            format!("{what} has an attribute that means nothing here"),
            next,
        );
    }
    docs
}

/// The number in `#[op(N)]`.
pub(crate) fn operation_number(
    sink: &mut Sink,
    name: &Ident,
    attributes: &[Attribute],
) -> Option<u64> {
    let mut found = attributes.iter().filter(|a| a.path().is_ident("op"));
    let Some(attribute) = found.next() else {
        sink.report(
            name.span(),
            format!("operation `{name}` has no number"),
            "write `#[op(N)]` above it, with a number that no other operation has or had",
        );
        return None;
    };
    if let Some(second) = found.next() {
        sink.report(
            second.span(),
            format!("operation `{name}` has two numbers"),
            "remove one `#[op(N)]`",
        );
    }
    match attribute
        .parse_args::<LitInt>()
        .ok()
        .and_then(|n| n.base10_parse().ok())
    {
        Some(number @ 1..=LAST_OPERATION) => Some(number),
        _ => {
            sink.report(
                attribute.span(),
                format!("the number of operation `{name}` is not one from 1 to {LAST_OPERATION}"),
                "write it like `#[op(1)]`",
            );
            None
        }
    }
}

/// Whether `#[idempotent]` is there; reports one with parameters.
pub(crate) fn is_idempotent(sink: &mut Sink, attributes: &[Attribute]) -> bool {
    let Some(attribute) = attributes.iter().find(|a| a.path().is_ident("idempotent")) else {
        return false;
    };
    if !matches!(attribute.meta, Meta::Path(_)) {
        sink.report(
            attribute.span(),
            "`idempotent` has parameters",
            "write `#[idempotent]` and nothing more",
        );
    }
    true
}

/// The integer in `#[repr(…)]`, with its size in bytes.
pub(crate) fn repr(
    sink: &mut Sink,
    name: &Ident,
    attributes: &[Attribute],
) -> Option<(Ident, usize)> {
    let repr = attributes
        .iter()
        .find(|a| a.path().is_ident("repr"))
        .and_then(|attribute| attribute.parse_args::<Ident>().ok());
    let size = repr
        .as_ref()
        .and_then(|repr| match repr.to_string().as_str() {
            "u8" => Some(1),
            "u16" => Some(2),
            "u32" => Some(4),
            "u64" => Some(8),
            _ => None,
        });
    if let (Some(repr), Some(size)) = (repr, size) {
        return Some((repr, size));
    }
    sink.report(
        name.span(),
        format!("enum `{name}` does not say how wide it is in a message"),
        "write `#[repr(u8)]`, or u16, u32, u64, above it",
    );
    None
}
