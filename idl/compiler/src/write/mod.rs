//! Writes the stubs of a checked interface.
//!
//! One file an interface: its types, the client, the server's trait and its dispatcher, and last the
//! records that lie in messages. Everything is laid out as a reader looks for it.

mod client;
mod error_enum;
mod record;
mod server;
mod values;

use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};

use crate::model::{Interface, Operation, Shape, Type};

/// What stubs may import from the runtime and from zerocopy.
const RUNTIME: [&str; 14] = [
    "Buffer",
    "Bytes",
    "BytesRef",
    "Caller",
    "Cap",
    "Incoming",
    "Outgoing",
    "Pad",
    "Refusal",
    "Tail",
    "Transport",
    "client",
    "kind",
    "label",
];
const ZEROCOPY: [&str; 5] = [
    "FromBytes",
    "Immutable",
    "IntoBytes",
    "KnownLayout",
    "TryFromBytes",
];

/// The text of the stubs of `interface`, which was read from `file` and checked.
pub(crate) fn write(file: &str, interface: &Interface) -> String {
    let numbers = numbers(interface);
    let values = values::write(interface);
    let errors = interface.errors.iter().map(error_enum::write);
    let client = client::write(interface);
    let server = server::write(interface);
    let records = interface
        .operations
        .iter()
        .map(|op| record::write(interface, op));
    let body = quote! {
        #(#errors)*
        #values
        #client
        #server
        #numbers
        #(#records)*
    };
    let imports = imports(&body);
    let docs = &interface.file_docs;
    text(
        &format!(
            "// Written by idl-compiler from {file}. Do not edit: change the interface, then run\n// `cargo run -p idl-compiler`.\n\n"
        ),
        quote! { #(#docs)* #imports #body },
    )
}

/// The text of the crate's root, with these modules.
pub(crate) fn library(modules: &[String]) -> String {
    let names = modules.iter().map(|module| format_ident!("{module}"));
    text(
        "// Written by idl-compiler from idl/interfaces. Do not edit: run `cargo run -p idl-compiler`.\n\n",
        quote! {
            #![doc = " Client and server stubs, one module an interface, generated and checked in."]
            #![doc = ""]
            #![doc = " `idl/interfaces` has the sources, `docs/reference/idl.md` the rules."]
            #![cfg_attr(not(test), no_std)]
            #![forbid(unsafe_code)]
            #( #[rustfmt::skip] pub mod #names; )*
        },
    )
}

/// Formats a file. What quote made from a checked interface is Rust, or this compiler is wrong.
fn text(header: &str, tokens: TokenStream) -> String {
    let file = syn::parse2(tokens.clone())
        .unwrap_or_else(|error| panic!("the compiler wrote what is not Rust: {error}\n{tokens}"));
    spaced(&format!("{header}{}", prettyplease::unparse(&file)))
}

/// Puts an empty line between items, which the formatter does not.
fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    let mut before = "";
    for line in text.lines() {
        let begins = |text: &str| {
            ["///", "#[", "pub ", "impl", "fn "]
                .iter()
                .any(|start| text.starts_with(start))
        };
        let is_after_block = before == "}" || before == "    }";
        if is_after_block && begins(line.trim_start()) || before.starts_with("use ") && begins(line)
        {
            spaced.push('\n');
        }
        spaced.push_str(line);
        spaced.push('\n');
        before = line;
    }
    spaced
}

/// The operations' numbers by name.
fn numbers(interface: &Interface) -> TokenStream {
    let numbers = interface.operations.iter().map(|operation| {
        let name = number_name(operation);
        let number = Literal::u64_unsuffixed(operation.number);
        let docs = format!(" [`{}Client::{}`].", interface.name, operation.name);
        quote! { #[doc = #docs] pub const #name: u64 = #number; }
    });
    quote! {
        /// The operations' numbers: the labels of requests.
        pub mod op { #(#numbers)* }
    }
}

fn number_name(operation: &Operation) -> Ident {
    format_ident!("{}", operation.name.to_string().to_uppercase())
}

/// The imports that `body` needs and no more.
fn imports(body: &TokenStream) -> TokenStream {
    let mut used = Vec::new();
    identifiers(body, &mut used);
    let pick = |names: &[&str]| -> Vec<Ident> {
        let is_used = |name: &&&str| used.iter().any(|ident| ident == **name);
        names
            .iter()
            .filter(is_used)
            .map(|name| Ident::new(name, Span::call_site()))
            .collect()
    };
    let runtime = pick(&RUNTIME);
    let zerocopy = pick(&ZEROCOPY);
    let zerocopy = if zerocopy.is_empty() {
        quote! {}
    } else {
        quote! { use zerocopy::{#(#zerocopy),*}; }
    };
    quote! { use idl_runtime::{#(#runtime),*}; #zerocopy }
}

fn identifiers(tokens: &TokenStream, found: &mut Vec<Ident>) {
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(ident) => found.push(ident),
            TokenTree::Group(group) => identifiers(&group.stream(), found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// The Rust type of a value of this shape, owned.
fn rust_type(shape: &Shape) -> TokenStream {
    match shape {
        Shape::Scalar(name, _) => {
            let name = format_ident!("{name}");
            quote! { #name }
        }
        Shape::Array(of, length) => {
            let (of, length) = (rust_type(of), Literal::usize_unsuffixed(*length));
            quote! { [#of; #length] }
        }
        Shape::Named(name) => quote! { #name },
        Shape::Bytes(bound) => {
            let bound = Literal::usize_unsuffixed(*bound);
            quote! { Bytes<#bound> }
        }
        Shape::Cap(kind) => quote! { Cap<kind::#kind> },
    }
}

/// The Rust type in which a client gives an argument.
fn given_type(shape: &Shape) -> TokenStream {
    match shape {
        Shape::Bytes(bound) => {
            let bound = Literal::usize_unsuffixed(*bound);
            quote! { BytesRef<'_, #bound> }
        }
        owned => rust_type(owned),
    }
}

/// The Rust type of everything that an operation gives back when it succeeds.
fn results_type(results: &[Type]) -> TokenStream {
    let types: Vec<_> = results
        .iter()
        .map(|result| rust_type(&result.shape))
        .collect();
    match types.as_slice() {
        [single] => quote! { #single },
        _ => quote! { (#(#types),*) },
    }
}

/// The names of results: in records, and where the server's stub takes them apart.
fn result_names(results: &[Type]) -> Vec<Ident> {
    match results {
        [_] => vec![format_ident!("result")],
        _ => (0..results.len())
            .map(|index| format_ident!("result{index}"))
            .collect(),
    }
}

/// `echo_word` as a type's name: `EchoWord`.
pub(crate) fn camel(name: &Ident) -> String {
    let mut camel = String::new();
    for part in name.to_string().split('_') {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel.extend(letters);
    }
    camel
}
