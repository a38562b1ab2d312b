//! Reads one operation: a method of the trait.

use syn::spanned::Spanned;
use syn::{FnArg, GenericArgument, Ident, Pat, PathArguments, ReturnType, Signature, TraitItemFn};

use super::{attributes, types};
use crate::diagnostic::Sink;
use crate::model::{Argument, Operation, Shape, Type};

/// Names that the stubs use themselves.
const TAKEN_ARGUMENTS: [&str; 6] = [
    "caller",
    "message",
    "record",
    "reply",
    "request",
    "transport",
];
const TAKEN_OPERATIONS: [&str; 2] = ["new", "transport"];

/// Reads a method, or reports why it is no operation.
pub(crate) fn read(sink: &mut Sink, method: &TraitItemFn) -> Option<Operation> {
    let Signature {
        ident: name,
        output,
        ..
    } = &method.sig;
    let what = format!("operation `{name}`");
    let docs = attributes::docs(
        sink,
        name.span(),
        &what,
        &method.attrs,
        &["op", "idempotent"],
    );
    let number = attributes::operation_number(sink, name, &method.attrs);
    let idempotent = attributes::is_idempotent(sink, &method.attrs);

    if let Some(body) = &method.default {
        sink.report(
            body.span(),
            format!("operation `{name}` has a body"),
            "end it with a semicolon; the server's implementation of the trait has the body",
        );
    }
    plain_signature(sink, &method.sig);
    if TAKEN_OPERATIONS.iter().any(|taken| name == taken) {
        sink.report(
            name.span(),
            format!("the client's stub has a method `{name}` already"),
            "give the operation another name",
        );
    }

    let arguments: Vec<_> = method
        .sig
        .inputs
        .iter()
        .filter_map(|input| match input {
            FnArg::Receiver(_) => None,
            FnArg::Typed(typed) => Some(argument(sink, &typed.pat, &typed.ty)),
        })
        .collect();
    let (results, error) = results(sink, name, output)?;
    Some(Operation {
        docs,
        name: name.clone(),
        number: number?,
        idempotent,
        arguments: arguments.into_iter().collect::<Option<_>>()?,
        results,
        error,
    })
}

/// Reports whatever a signature has beyond `fn name(&self, …) -> …`.
fn plain_signature(sink: &mut Sink, signature: &Signature) {
    let name = &signature.ident;
    let is_plain = signature.constness.is_none()
        && signature.asyncness.is_none()
        && signature.unsafety.is_none()
        && signature.abi.is_none()
        && signature.generics.params.is_empty()
        && signature.generics.where_clause.is_none();
    if !is_plain {
        sink.report(
            signature.span(),
            format!("operation `{name}` has qualifiers or parameters in angle brackets"),
            format!("write it as `fn {name}(&self, …)`"),
        );
    }
    let has_shared_self = signature.receiver().is_some_and(|receiver| {
        receiver.reference.is_some()
            && receiver.mutability.is_none()
            && receiver.colon_token.is_none()
    });
    if !has_shared_self {
        sink.report(
            name.span(),
            format!("operation `{name}` does not take `&self`"),
            "write `&self` as its first parameter: it stands for the server, whose state is its own",
        );
    }
}

fn argument(sink: &mut Sink, pattern: &Pat, kind: &syn::Type) -> Option<Argument> {
    let name = match pattern {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.mutability.is_none() => {
            &pattern.ident
        }
        _ => {
            sink.report(
                pattern.span(),
                "an argument is not a plain name",
                "write it as `name: Type`",
            );
            return None;
        }
    };
    if name.to_string().starts_with('_') || TAKEN_ARGUMENTS.iter().any(|taken| name == taken) {
        sink.report(
            name.span(),
            format!("the argument's name `{name}` is taken by the stubs"),
            "give it another name, one that does not begin with `_`",
        );
    }
    Some(Argument {
        name: name.clone(),
        kind: types::read(sink, kind)?,
    })
}

/// Reads what stands behind the arrow: the results and the error enum.
fn results(
    sink: &mut Sink,
    name: &Ident,
    output: &ReturnType,
) -> Option<(Vec<Type>, Option<Ident>)> {
    let ReturnType::Type(_, whole) = output else {
        return Some((Vec::new(), None));
    };
    let (kind, error) = match in_result(whole) {
        None => (&**whole, None),
        Some(parts) => {
            let Some((kind, error)) = parts else {
                sink.report(
                    whole.span(),
                    format!("the `Result` of operation `{name}` lacks its value or its error"),
                    "write `Result<T, E>` with an enum `E` of this file",
                );
                return None;
            };
            (kind, Some(error))
        }
    };
    let kinds: Vec<&syn::Type> = match kind {
        syn::Type::Tuple(tuple) => tuple.elems.iter().collect(),
        single => vec![single],
    };
    let results: Vec<_> = kinds.into_iter().map(|kind| result(sink, kind)).collect();
    Some((results.into_iter().collect::<Option<_>>()?, error))
}

fn result(sink: &mut Sink, kind: &syn::Type) -> Option<Type> {
    let kind = types::read(sink, kind)?;
    if matches!(kind.shape, Shape::Cap(_)) {
        sink.report(
            kind.span,
            "a capability cannot be a result yet",
            "let the client pass what the server is to use, or let the system description give it",
        );
        return None;
    }
    Some(kind)
}

/// `Some(Some((T, E)))` for `Result<T, E>`, `Some(None)` for any other `Result`.
fn in_result(kind: &syn::Type) -> Option<Option<(&syn::Type, Ident)>> {
    let syn::Type::Path(path) = kind else {
        return None;
    };
    let segment = path
        .path
        .segments
        .last()
        .filter(|segment| segment.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Some(None);
    };
    let mut arguments = arguments.args.iter();
    let parts = (arguments.next(), arguments.next(), arguments.next());
    let (Some(GenericArgument::Type(value)), Some(GenericArgument::Type(error)), None) = parts
    else {
        return Some(None);
    };
    let syn::Type::Path(error) = error else {
        return Some(None);
    };
    Some(error.path.get_ident().map(|error| (value, error.clone())))
}
