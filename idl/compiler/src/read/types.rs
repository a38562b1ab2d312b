//! Reads types: what may stand in a message, and why something else may not.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, GenericArgument, Lit, PathArguments, PathSegment};

use crate::diagnostic::Sink;
use crate::model::{Shape, Type};

const SCALARS: [(&str, usize); 9] = [
    ("u8", 1),
    ("u16", 2),
    ("u32", 4),
    ("u64", 8),
    ("i8", 1),
    ("i16", 2),
    ("i32", 4),
    ("i64", 8),
    ("bool", 1),
];

/// Kinds of kernel object that `Cap<…>` takes: those of `sel4_sys::ObjectKind`.
pub(crate) const KINDS: [&str; 10] = [
    "CNode",
    "Thread",
    "Endpoint",
    "Notification",
    "Reply",
    "SchedContext",
    "Frame",
    "AddressSpace",
    "Interrupt",
    "Port",
];

const NO_LOANS: &str = "memory cannot be lent yet: a message holds at most 960 bytes";
const SEND_PIECES: &str =
    "send the bytes in pieces as `Bytes<N>`, or pass the memory as `Cap<Frame>`";

/// Reads a type, or reports why it cannot be sent.
pub(crate) fn read(sink: &mut Sink, kind: &syn::Type) -> Option<Type> {
    let span = kind.span();
    let shape = match kind {
        syn::Type::Path(path) if path.qself.is_none() => {
            let Some(segment) = path
                .path
                .segments
                .last()
                .filter(|_| path.path.segments.len() == 1)
            else {
                sink.report(
                    span,
                    "a type is named with a path",
                    "declare the type in this file and name it without a path",
                );
                return None;
            };
            named(sink, span, segment)?
        }
        syn::Type::Array(array) => {
            let of = read(sink, &array.elem)?;
            if matches!(of.shape, Shape::Bytes(_) | Shape::Cap(_)) {
                sink.report(
                    span,
                    "an array can hold neither byte strings nor capabilities",
                    "make each of them an argument of its own",
                );
                return None;
            }
            let length = number_expression(&array.len).and_then(|n| usize::try_from(n).ok());
            let Some(length @ 1..) = length else {
                sink.report(
                    array.len.span(),
                    "the length of an array is not a number above 0",
                    "write the length as a number, like `[u64; 4]`",
                );
                return None;
            };
            Shape::Array(Box::new(of.shape), length)
        }
        syn::Type::Reference(_) | syn::Type::Slice(_) | syn::Type::Ptr(_) => {
            sink.report(span, NO_LOANS, SEND_PIECES);
            return None;
        }
        syn::Type::Tuple(_) => {
            sink.report(
                span,
                "a tuple cannot stand here",
                "declare a struct in this file; only several results are written as a tuple",
            );
            return None;
        }
        _ => {
            sink.report(
                span,
                "this type cannot be sent",
                "use an integer, `bool`, `[T; N]`, `Bytes<N>`, `Cap<Kind>`, or a struct or enum of this file",
            );
            return None;
        }
    };
    Some(Type { span, shape })
}

fn named(sink: &mut Sink, span: Span, segment: &PathSegment) -> Option<Shape> {
    let name = segment.ident.to_string();
    if let Some((name, size)) = SCALARS.iter().find(|(scalar, _)| *scalar == name) {
        return Some(Shape::Scalar(name, *size));
    }
    let (cause, next) = match name.as_str() {
        "Bytes" => return bytes(sink, span, segment),
        "Cap" => return cap(sink, span, segment),
        "usize" | "isize" => (
            format!("`{name}` has no size of its own in a message"),
            "write `u64`, or a smaller integer that holds every value",
        ),
        "u128" | "i128" => (format!("`{name}` is wider than a word"), "write `[u64; 2]`"),
        "f32" | "f64" => (
            "tasks have no floating point".to_owned(),
            "send an integer in a unit that says its scale, such as micro-units",
        ),
        "char" => (
            "`char` is not a type of messages".to_owned(),
            "write `u32` and let the receiver check it, or send text as `Bytes<N>`",
        ),
        "String" | "str" | "Vec" => (
            format!("`{name}` has no bound, and messages have one"),
            "write `Bytes<N>` with the most bytes that one call may carry",
        ),
        "Loan" | "Lent" | "Lease" => (NO_LOANS.to_owned(), SEND_PIECES),
        "Option" => (
            "`Option` is not a type of messages".to_owned(),
            "declare an enum, or an operation for each case",
        ),
        "Result" => (
            "`Result` stands only around everything an operation gives back".to_owned(),
            "write the operation as `-> Result<T, E>`",
        ),
        _ if !segment.arguments.is_none() => (
            format!("`{name}` takes no parameters here"),
            "only `Bytes<N>` and `Cap<Kind>` have parameters",
        ),
        _ => return Some(Shape::Named(segment.ident.clone())),
    };
    sink.report(span, cause, next);
    None
}

fn bytes(sink: &mut Sink, span: Span, segment: &PathSegment) -> Option<Shape> {
    let bound = match only_argument(segment) {
        Some(GenericArgument::Const(length)) => number_expression(length),
        _ => None,
    };
    match bound.and_then(|n| usize::try_from(n).ok()) {
        Some(bound @ 1..=952) => Some(Shape::Bytes(bound)),
        _ => {
            sink.report(
                span,
                "a byte string's bound is not a number from 1 to 952",
                "write `Bytes<N>` with the most bytes that one call may carry, at most 952",
            );
            None
        }
    }
}

fn cap(sink: &mut Sink, span: Span, segment: &PathSegment) -> Option<Shape> {
    let kind = match only_argument(segment) {
        Some(GenericArgument::Type(syn::Type::Path(path))) => path.path.get_ident().cloned(),
        _ => None,
    };
    match kind {
        Some(kind) if KINDS.iter().any(|known| kind == known) => Some(Shape::Cap(kind)),
        _ => {
            sink.report(
                span,
                "a capability is to no kind of object that the kernel has",
                format!("write `Cap<Kind>` with one of {}", KINDS.join(", ")),
            );
            None
        }
    }
}

/// The one thing between a path's angle brackets.
fn only_argument(segment: &PathSegment) -> Option<&GenericArgument> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.first().filter(|_| arguments.args.len() == 1)
}

/// The value of an expression that is a number and nothing else.
pub(crate) fn number_expression(expression: &Expr) -> Option<u64> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) if number.suffix().is_empty() => number.base10_parse().ok(),
        _ => None,
    }
}
