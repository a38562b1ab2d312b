//! Checks that the items of an interface fit together, and into messages.

use proc_macro2::Span;
use syn::Ident;

use crate::diagnostic::Sink;
use crate::layout;
use crate::model::{ErrorEnum, Interface, Operation, Record, Shape, Type};

/// Words of a message at most; `sel4_sys::MSG_MAX_LENGTH`.
const MESSAGE_WORDS: usize = 120;
/// Capabilities of a message at most; `sel4_sys::MSG_MAX_CAPS`.
const MESSAGE_CAPS: usize = 3;

/// Names that a generated file uses itself.
const TAKEN_TYPES: [&str; 18] = [
    "Buffer",
    "Bytes",
    "BytesRef",
    "Caller",
    "Cap",
    "FromBytes",
    "Immutable",
    "Incoming",
    "IntoBytes",
    "KnownLayout",
    "Option",
    "Outgoing",
    "Pad",
    "Refusal",
    "Result",
    "Tail",
    "Transport",
    "TryFromBytes",
];

/// Reports everything that is wrong with the interface as a whole.
pub(crate) fn check(sink: &mut Sink, interface: &Interface) {
    names(sink, interface);
    let operations = &interface.operations;
    let arguments = operations
        .iter()
        .flat_map(|op| op.arguments.iter().map(|a| &a.kind));
    let results = operations.iter().flat_map(|op| &op.results);
    let fields = interface
        .records
        .iter()
        .flat_map(|r| r.fields.iter().map(|f| &f.kind));
    for kind in arguments.chain(results).chain(fields) {
        known(sink, interface, kind);
    }
    if !sink.is_empty() {
        // Nothing can be laid out while names mean nothing.
        return;
    }
    for record in &interface.records {
        gaps(sink, interface, record);
    }
    for operation in operations {
        fits(sink, interface, operation);
        can_say_that_the_server_died(sink, interface, operation);
    }
    for error in &interface.errors {
        if error.refused.is_none() {
            sink.report(
                error.name.span(),
                format!(
                    "`{}` cannot say that a stub refused the message",
                    error.name
                ),
                "add the variant `Refused { why: Refusal }`",
            );
        }
    }
    one_error_enum(sink, interface);
    unused(sink, interface);
}

fn names(sink: &mut Sink, interface: &Interface) {
    let operations: Vec<_> = interface.operations.iter().map(|op| &op.name).collect();
    twice(sink, &operations, "two operations are called");
    let types: Vec<_> = declared(interface).chain([&interface.name]).collect();
    twice(sink, &types, "two items are called");
    for (index, operation) in interface.operations.iter().enumerate() {
        let mut before = interface.operations.iter().take(index);
        if let Some(first) = before.find(|op| op.number == operation.number) {
            sink.report(
                operation.name.span(),
                format!(
                    "operations `{}` and `{}` both have number {}",
                    first.name, operation.name, operation.number
                ),
                "give one of them a number that no other has",
            );
        }
    }
    for operation in &interface.operations {
        let arguments = operation.arguments.iter().map(|a| &a.name);
        for name in arguments
            .chain([&operation.name])
            .filter(|name| !is_snake(name))
        {
            sink.report(
                name.span(),
                format!("the name `{name}` is not written in small letters"),
                "write it like `task_state`: words of small letters and digits, joined by `_`",
            );
        }
    }
    for name in declared(interface)
        .chain([&interface.name])
        .filter(|name| !is_camel(name))
    {
        sink.report(
            name.span(),
            format!("the type's name `{name}` does not begin with a capital letter"),
            "write it like `TaskState`: letters and digits, each word with a capital",
        );
    }
    let (client, server) = (
        format!("{}Client", interface.name),
        format!("{}Server", interface.name),
    );
    for name in declared(interface) {
        let is_record_of_stubs = ["Request", "Reply"].iter().any(|end| {
            interface
                .operations
                .iter()
                .any(|op| *name == format!("{}{end}", crate::write::camel(&op.name)))
        });
        if TAKEN_TYPES.iter().any(|taken| name == taken)
            || *name == client
            || *name == server
            || is_record_of_stubs
        {
            sink.report(
                name.span(),
                format!("the type's name `{name}` is taken by the stubs"),
                "give it another name",
            );
        }
    }
}

/// Whether a name is words of small letters and digits, each beginning with a letter, joined by `_`.
///
/// So the names that stubs make of two different names differ, too.
fn is_snake(name: &Ident) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    name.to_string().split('_').all(is_word)
}

fn is_camel(name: &Ident) -> bool {
    let name = name.to_string();
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The names of all types of the file.
fn declared(interface: &Interface) -> impl Iterator<Item = &Ident> {
    let records = interface.records.iter().map(|r| &r.name);
    let choices = interface.choices.iter().map(|c| &c.name);
    records
        .chain(choices)
        .chain(interface.errors.iter().map(|e| &e.name))
}

fn twice(sink: &mut Sink, names: &[&Ident], cause: &str) {
    for (index, name) in names.iter().enumerate() {
        if names.iter().take(index).any(|before| before == name) {
            sink.report(
                name.span(),
                format!("{cause} `{name}`"),
                "give one of them another name",
            );
        }
    }
}

/// The type that a shape names, itself or inside arrays.
fn named(shape: &Shape) -> Option<&Ident> {
    match shape {
        Shape::Named(name) => Some(name),
        Shape::Array(of, _) => named(of),
        _ => None,
    }
}

/// Reports a type that the file does not declare, or that values cannot be of.
fn known(sink: &mut Sink, interface: &Interface, kind: &Type) {
    let Some(name) = named(&kind.shape) else {
        return;
    };
    if interface.errors.iter().any(|error| error.name == *name) {
        sink.report(
            kind.span,
            format!("`{name}` is the interface's error and cannot be sent as a value"),
            "declare another enum for values",
        );
    } else if !declared(interface).any(|declared| declared == name) {
        sink.report(
            kind.span,
            format!("`{name}` is not declared in this file"),
            "declare it as a struct or enum in this file, or correct its name",
        );
    }
}

/// Reports fields that do not follow each other without a gap.
fn gaps(sink: &mut Sink, interface: &Interface, record: &Record) {
    let mut offset = 0_usize;
    let mut align = 1;
    for field in &record.fields {
        let Some(layout) = layout::of(interface, &field.kind.shape) else {
            sink.report(
                field.kind.span,
                format!("struct `{}` contains itself", record.name),
                "break the circle; messages hold values, not references",
            );
            return;
        };
        let gap = offset.next_multiple_of(layout.align) - offset;
        if gap > 0 {
            sink.report(
                field.name.span(),
                format!(
                    "{gap} bytes are unused before field `{}` of `{}`",
                    field.name, record.name
                ),
                format!("put wider fields first, or add `reserved: [u8; {gap}]` before it"),
            );
        }
        offset += gap + layout.size;
        align = align.max(layout.align);
    }
    let gap = offset.next_multiple_of(align) - offset;
    if gap > 0 {
        sink.report(
            record.name.span(),
            format!("{gap} bytes are unused at the end of `{}`", record.name),
            format!("add `reserved: [u8; {gap}]` as its last field"),
        );
    }
}

/// Reports messages with too many words or capabilities.
fn fits(sink: &mut Sink, interface: &Interface, operation: &Operation) {
    let name = &operation.name;
    let arguments: Vec<_> = operation.arguments.iter().map(|a| &a.kind.shape).collect();
    let results: Vec<_> = operation.results.iter().map(|r| &r.shape).collect();
    for (what, shapes) in [("arguments", &arguments), ("results", &results)] {
        let Some(fixed) = layout::fixed(interface, shapes.iter().copied()) else {
            continue;
        };
        let words = fixed.words + layout::tail_words(shapes.iter().copied());
        if words > MESSAGE_WORDS {
            sink.report(
                name.span(),
                format!(
                    "the {what} of `{name}` take {words} words, and a message holds {MESSAGE_WORDS}"
                ),
                "send less in one call, in pieces; loans of memory are not there yet",
            );
        }
    }
    let caps = arguments
        .iter()
        .filter(|shape| matches!(shape, Shape::Cap(_)))
        .count();
    if caps > MESSAGE_CAPS {
        sink.report(
            name.span(),
            format!("`{name}` passes {caps} capabilities, and a message holds {MESSAGE_CAPS}"),
            "pass them in two calls",
        );
    }
}

/// Reports an operation that is neither repeatable nor able to report the server's death.
fn can_say_that_the_server_died(sink: &mut Sink, interface: &Interface, operation: &Operation) {
    let name = &operation.name;
    let enum_of = |wanted: &Ident| interface.errors.iter().find(|e| e.name == *wanted);
    let Some(error_name) = &operation.error else {
        if !operation.idempotent {
            sink.report(
                name.span(),
                format!("operation `{name}` is not idempotent and has no error to say that the server died"),
                "give back `Result<T, E>` where `E` has the variant `ServerDied { generation: u64 }`, or mark it `#[idempotent]` if a client may simply repeat it",
            );
        }
        return;
    };
    match enum_of(error_name) {
        None => sink.report(
            error_name.span(),
            format!("the error `{error_name}` is no enum of this file"),
            format!("declare `pub enum {error_name} {{ … }}` in this file"),
        ),
        Some(ErrorEnum { server_died: None, .. }) if !operation.idempotent => sink.report(
            name.span(),
            format!("operation `{name}` is not idempotent, but `{error_name}` cannot say that the server died"),
            format!("add the variant `ServerDied {{ generation: u64 }}` to `{error_name}`, or mark the operation `#[idempotent]` if a client may simply repeat it"),
        ),
        Some(_) => {}
    }
}

fn one_error_enum(sink: &mut Sink, interface: &Interface) {
    if let [first, second, ..] = interface.errors.as_slice() {
        sink.report(
            second.name.span(),
            format!(
                "the interface has two error enums, `{}` and `{}`",
                first.name, second.name
            ),
            "merge them: clients handle one error type an interface",
        );
    }
}

/// Reports types that no operation uses.
fn unused(sink: &mut Sink, interface: &Interface) {
    let arguments = interface
        .operations
        .iter()
        .flat_map(|op| op.arguments.iter().map(|a| &a.kind));
    let results = interface.operations.iter().flat_map(|op| &op.results);
    let fields = interface
        .records
        .iter()
        .flat_map(|r| r.fields.iter().map(|f| &f.kind));
    let used: Vec<&Ident> = arguments
        .chain(results)
        .chain(fields)
        .filter_map(|kind| named(&kind.shape))
        .collect();
    let values = interface.records.iter().map(|r| &r.name);
    for name in values.chain(interface.choices.iter().map(|c| &c.name)) {
        if !used.contains(&name) {
            let span: Span = name.span();
            sink.report(
                span,
                format!("no operation uses `{name}`"),
                "remove it, or name it in an operation",
            );
        }
    }
}
