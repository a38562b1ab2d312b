//! Reads an interface file: Rust syntax in, [`Interface`] out.
//!
//! What a single item can get wrong is found here; what items can get wrong together is in `check`.

mod attributes;
mod declared;
mod operation;
mod types;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::{Item, ItemEnum, ItemTrait, TraitItem};

use crate::diagnostic::Sink;
use crate::model::{Interface, Operation};

/// Reads `text`. `None` when there is no trait to speak of; then something was reported.
pub(crate) fn read(sink: &mut Sink, text: &str) -> Option<Interface> {
    let file = match syn::parse_file(text) {
        Ok(file) => file,
        Err(error) => {
            sink.report(
                error.span(),
                format!("this is not Rust syntax: {error}"),
                "write the interface as a trait; docs/reference/idl.md has the grammar",
            );
            return None;
        }
    };
    let file_docs = attributes::docs(
        sink,
        Span::call_site(),
        attributes::THE_FILE,
        &file.attrs,
        &[],
    );
    no_raw_names(sink, text);

    let mut traits = Vec::new();
    let mut structs = Vec::new();
    let mut enums = Vec::new();
    for item in &file.items {
        match item {
            Item::Trait(item) => traits.push(item),
            Item::Struct(item) => structs.push(item),
            Item::Enum(item) => enums.push(item),
            other => sink.report(
                other.span(),
                "this item has no meaning in an interface",
                "keep one trait, and the structs and enums that it names",
            ),
        }
    }
    let Some((item, more)) = traits.split_first() else {
        sink.report(
            Span::call_site(),
            "the file has no trait",
            "write the interface as `pub trait Name { … }`",
        );
        return None;
    };
    for second in more {
        sink.report(
            second.ident.span(),
            format!("`{}` is a second trait in this file", second.ident),
            "give it a file of its own: a file is an interface",
        );
    }

    let operations = operations(sink, item);
    let is_error = |item: &&ItemEnum| {
        operations
            .iter()
            .any(|op| op.error.as_ref() == Some(&item.ident))
    };
    let (errors, choices): (Vec<&ItemEnum>, Vec<&ItemEnum>) = enums.into_iter().partition(is_error);
    Some(Interface {
        file_docs,
        docs: attributes::docs(sink, item.ident.span(), "the trait", &item.attrs, &[]),
        name: item.ident.clone(),
        records: structs
            .iter()
            .filter_map(|item| declared::record(sink, item))
            .collect(),
        choices: choices
            .iter()
            .filter_map(|item| declared::choice(sink, item))
            .collect(),
        errors: errors
            .iter()
            .map(|item| declared::error_enum(sink, item))
            .collect(),
        operations,
    })
}

fn operations(sink: &mut Sink, item: &ItemTrait) -> Vec<Operation> {
    if !item.generics.params.is_empty()
        || !item.supertraits.is_empty()
        || item.unsafety.is_some()
        || item.auto_token.is_some()
    {
        sink.report(
            item.ident.span(),
            format!(
                "trait `{}` has parameters, supertraits or qualifiers",
                item.ident
            ),
            "write it as `pub trait Name { … }`",
        );
    }
    let mut operations = Vec::new();
    for member in &item.items {
        match member {
            TraitItem::Fn(method) => operations.extend(operation::read(sink, method)),
            other => sink.report(
                other.span(),
                "an interface has operations and nothing else",
                "write it as a method; move types out of the trait",
            ),
        }
    }
    if item.items.is_empty() {
        sink.report(
            item.ident.span(),
            format!("interface `{}` has no operations", item.ident),
            "add a method with `#[op(1)]`",
        );
    }
    operations
}

/// Reports names written `r#name`: stubs make longer names of them, which then mean something else.
fn no_raw_names(sink: &mut Sink, text: &str) {
    let mut groups: Vec<TokenStream> = text.parse().into_iter().collect();
    while let Some(tokens) = groups.pop() {
        for token in tokens {
            match token {
                TokenTree::Group(group) => groups.push(group.stream()),
                TokenTree::Ident(name) if name.to_string().starts_with("r#") => sink.report(
                    name.span(),
                    format!("`{name}` is a keyword of Rust"),
                    "give it a name that is not",
                ),
                _ => {}
            }
        }
    }
}
