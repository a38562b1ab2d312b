//! Reads the structs and enums that an interface declares.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Fields, Ident, ItemEnum, ItemStruct};

use super::{attributes, types};
use crate::diagnostic::Sink;
use crate::model::{Choice, ErrorEnum, Field, Record, Shape, Variant};

/// The highest error code; `idl_runtime::label::LAST_ERROR`.
const LAST_ERROR: u64 = 0xfff;

/// Reads a struct of values.
pub(crate) fn record(sink: &mut Sink, item: &ItemStruct) -> Option<Record> {
    let name = &item.ident;
    let docs = attributes::docs(
        sink,
        name.span(),
        &format!("struct `{name}`"),
        &item.attrs,
        &[],
    );
    no_parameters(sink, name, &item.generics);
    let Fields::Named(named) = &item.fields else {
        sink.report(
            name.span(),
            format!("struct `{name}` has no named fields"),
            "write the fields as `name: Type`",
        );
        return None;
    };
    if named.named.is_empty() {
        sink.report(
            name.span(),
            format!("struct `{name}` is empty"),
            "remove it; nothing needs no argument",
        );
    }
    let mut fields = Vec::new();
    for field in &named.named {
        let field_name = field.ident.clone()?;
        let what = format!("field `{field_name}`");
        let docs = attributes::docs(sink, field_name.span(), &what, &field.attrs, &[]);
        let kind = types::read(sink, &field.ty)?;
        if matches!(kind.shape, Shape::Bytes(_) | Shape::Cap(_)) {
            sink.report(
                kind.span,
                "a field can be neither a byte string nor a capability",
                "make it an argument of its own, or use `[u8; N]` for bytes of a fixed number",
            );
        }
        fields.push(Field {
            docs,
            name: field_name,
            kind,
        });
    }
    Some(Record {
        docs,
        name: name.clone(),
        fields,
    })
}

/// Reads an enum of values.
pub(crate) fn choice(sink: &mut Sink, item: &ItemEnum) -> Option<Choice> {
    let name = &item.ident;
    let docs = attributes::docs(
        sink,
        name.span(),
        &format!("enum `{name}`"),
        &item.attrs,
        &["repr"],
    );
    no_parameters(sink, name, &item.generics);
    let repr = attributes::repr(sink, name, &item.attrs);
    let limit = repr
        .as_ref()
        .map_or(u64::MAX, |(_, size)| u64::MAX >> (64 - 8 * size));
    let mut variants = Vec::new();
    for variant in &item.variants {
        let docs = variant_docs(sink, &variant.ident, &variant.attrs);
        if !matches!(variant.fields, Fields::Unit) {
            sink.report(
                variant.ident.span(),
                format!("variant `{}` carries values", variant.ident),
                "make the values arguments of their own, or give each case an operation",
            );
        }
        let discriminant = variant.discriminant.as_ref().map(|(_, value)| value);
        let value = value(sink, &variant.ident, discriminant, 0..=limit)?;
        variants.push(Variant {
            docs,
            name: variant.ident.clone(),
            value,
        });
    }
    distinct(sink, &variants);
    if variants.is_empty() {
        sink.report(
            name.span(),
            format!("enum `{name}` has no values"),
            "remove it",
        );
    }
    Some(Choice {
        docs,
        name: name.clone(),
        repr: repr?,
        variants,
    })
}

/// Reads the enum of what can go wrong.
pub(crate) fn error_enum(sink: &mut Sink, item: &ItemEnum) -> ErrorEnum {
    let name = &item.ident;
    let docs = attributes::docs(
        sink,
        name.span(),
        &format!("enum `{name}`"),
        &item.attrs,
        &[],
    );
    no_parameters(sink, name, &item.generics);
    let mut codes = Vec::new();
    let (mut server_died, mut refused) = (None, None);
    for variant in &item.variants {
        let docs = variant_docs(sink, &variant.ident, &variant.attrs);
        if variant.ident == "ServerDied" {
            carries(sink, variant, "generation", "u64");
            server_died = Some(docs);
        } else if variant.ident == "Refused" {
            carries(sink, variant, "why", "Refusal");
            refused = Some(docs);
        } else if !matches!(variant.fields, Fields::Unit) {
            sink.report(
                variant.ident.span(),
                format!("error `{}` carries values, which a reply's label cannot", variant.ident),
                "write it as `Name = code`; only `ServerDied` and `Refused`, made by stubs, carry a value",
            );
        } else {
            let discriminant = variant.discriminant.as_ref().map(|(_, value)| value);
            if let Some(value) = value(sink, &variant.ident, discriminant, 1..=LAST_ERROR) {
                codes.push(Variant {
                    docs,
                    name: variant.ident.clone(),
                    value,
                });
            }
        }
    }
    distinct(sink, &codes);
    ErrorEnum {
        docs,
        name: name.clone(),
        codes,
        server_died,
        refused,
    }
}

fn variant_docs(sink: &mut Sink, name: &Ident, attributes: &[Attribute]) -> Vec<Attribute> {
    attributes::docs(
        sink,
        name.span(),
        &format!("variant `{name}`"),
        attributes,
        &[],
    )
}

/// Reports a variant that is not `Name { field: Kind }`, without a code.
fn carries(sink: &mut Sink, variant: &syn::Variant, field: &str, kind: &str) {
    let is_right = match &variant.fields {
        Fields::Named(named) => {
            let mut fields = named.named.iter();
            let is_it = fields.next().is_some_and(|f| {
                let is_kind = matches!(&f.ty, syn::Type::Path(path) if path.path.is_ident(kind));
                is_kind && f.ident.as_ref().is_some_and(|name| name == field)
            });
            is_it && fields.next().is_none()
        }
        _ => false,
    };
    if !is_right || variant.discriminant.is_some() {
        sink.report(
            variant.ident.span(),
            format!(
                "`{}` is made by the client's stub and has one form",
                variant.ident
            ),
            format!(
                "write it as `{} {{ {field}: {kind} }}`, without a code",
                variant.ident
            ),
        );
    }
}

fn value(
    sink: &mut Sink,
    name: &Ident,
    discriminant: Option<&Expr>,
    range: std::ops::RangeInclusive<u64>,
) -> Option<u64> {
    let value = discriminant.and_then(types::number_expression);
    if let Some(value) = value.filter(|value| range.contains(value)) {
        return Some(value);
    }
    let (first, last) = range.into_inner();
    sink.report(
        discriminant.map_or(name.span(), Spanned::span),
        format!("variant `{name}` has no number from {first} to {last}"),
        format!("write it as `{name} = number`; numbers are part of the interface"),
    );
    None
}

fn distinct(sink: &mut Sink, variants: &[Variant]) {
    for (index, variant) in variants.iter().enumerate() {
        if let Some(first) = variants
            .iter()
            .take(index)
            .find(|v| v.value == variant.value)
        {
            sink.report(
                variant.name.span(),
                format!(
                    "`{}` and `{}` are both {}",
                    first.name, variant.name, variant.value
                ),
                "give one of them another number",
            );
        }
    }
}

fn no_parameters(sink: &mut Sink, name: &Ident, generics: &syn::Generics) {
    if !generics.params.is_empty() {
        let span: Span = generics.params.span();
        sink.report(
            span,
            format!("`{name}` has parameters"),
            "write the type out for each use; the layout of a message is fixed",
        );
    }
}
