//! Writes what lies in messages: records, filling them, reading them back.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::{camel, result_names, results_type, rust_type};
use crate::layout::{self, Entry, Fixed};
use crate::model::{Interface, Operation, Shape};

/// The record of one message: a name, and named values.
pub(super) struct Record<'a> {
    name: Ident,
    fixed: Fixed,
    names: Vec<Ident>,
    shapes: Vec<&'a Shape>,
}

impl<'a> Record<'a> {
    /// The record of an operation's request.
    pub(super) fn request(interface: &Interface, operation: &'a Operation) -> Self {
        let names = operation.arguments.iter().map(|a| a.name.clone()).collect();
        let shapes = operation.arguments.iter().map(|a| &a.kind.shape).collect();
        Self::new(
            interface,
            format_ident!("{}Request", camel(&operation.name)),
            names,
            shapes,
        )
    }

    /// The record of an operation's reply.
    pub(super) fn reply(interface: &Interface, operation: &'a Operation) -> Self {
        let names = result_names(&operation.results);
        let shapes = operation.results.iter().map(|r| &r.shape).collect();
        Self::new(
            interface,
            format_ident!("{}Reply", camel(&operation.name)),
            names,
            shapes,
        )
    }

    fn new(interface: &Interface, name: Ident, names: Vec<Ident>, shapes: Vec<&'a Shape>) -> Self {
        let fixed = layout::fixed(interface, shapes.iter().copied());
        let fixed = fixed.unwrap_or_else(|| panic!("{name} has a type that the check let pass"));
        Self {
            name,
            fixed,
            names,
            shapes,
        }
    }

    /// Whether there is nothing to lay down.
    pub(super) fn is_empty(&self) -> bool {
        self.fixed.words == 0
    }

    /// How many words, as a literal.
    pub(super) fn words(&self) -> Literal {
        Literal::usize_unsuffixed(self.fixed.words)
    }

    /// The names and bounds of byte strings.
    pub(super) fn strings(&self) -> impl Iterator<Item = (&Ident, usize)> {
        self.names
            .iter()
            .zip(&self.shapes)
            .filter_map(|(name, shape)| match shape {
                Shape::Bytes(bound) => Some((name, *bound)),
                _ => None,
            })
    }

    /// Whether byte strings follow the record.
    pub(super) fn has_strings(&self) -> bool {
        self.strings().next().is_some()
    }

    /// The struct, private to the stubs.
    fn declaration(&self) -> TokenStream {
        if self.is_empty() {
            return TokenStream::new();
        }
        let name = &self.name;
        let from = if self.fixed.any_bits {
            quote! { FromBytes }
        } else {
            quote! { TryFromBytes }
        };
        let fields = self.entries(
            |name, shape| {
                let kind = match shape {
                    Shape::Bytes(_) => quote! { u16 },
                    other => rust_type(other),
                };
                quote! { #name: #kind, }
            },
            |gap, bytes| quote! { #gap: [Pad; #bytes], },
        );
        quote! {
            #[derive(#from, IntoBytes, Immutable, KnownLayout)]
            #[repr(C)]
            struct #name { #(#fields)* }
        }
    }

    /// Statements that bind `words` to the record's words, filled from locals with the values' names.
    pub(super) fn filled(&self, words: &Ident) -> TokenStream {
        if self.is_empty() {
            return TokenStream::new();
        }
        let (name, count) = (&self.name, self.words());
        let fields = self.entries(
            |name, shape| match shape {
                Shape::Bytes(_) => quote! { #name: #name.wire_length(), },
                _ => quote! { #name, },
            },
            |gap, bytes| quote! { #gap: [Pad::Zero; #bytes], },
        );
        quote! {
            let record = #name { #(#fields)* };
            let #words: [u64; #count] = zerocopy::transmute!(record);
        }
    }

    /// Statements that bind `record` from `message`, whose words are in `buffer`; they refuse with `?`.
    pub(super) fn taken(&self, message: &TokenStream) -> TokenStream {
        let (name, words) = (&self.name, self.words());
        let read = if self.has_strings() {
            quote! { #message.first_words(buffer)? }
        } else {
            quote! { #message.words(buffer)? }
        };
        if self.is_empty() {
            return quote! { let []: [u64; 0] = #read; };
        }
        let convert = if self.fixed.any_bits {
            quote! { zerocopy::transmute!(words) }
        } else {
            quote! { zerocopy::try_transmute!(words).map_err(|_| Refusal::InvalidValue)? }
        };
        quote! { let words: [u64; #words] = #read; let record: #name = #convert; }
    }

    /// One piece for each entry that is not a capability.
    fn entries(
        &self,
        value: impl Fn(&Ident, &Shape) -> TokenStream,
        gap: impl Fn(Ident, Literal) -> TokenStream,
    ) -> Vec<TokenStream> {
        let mut gaps = 0;
        let mut pieces = Vec::new();
        for entry in &self.fixed.entries {
            match *entry {
                Entry::Value(index) => {
                    if let (Some(name), Some(shape)) =
                        (self.names.get(index), self.shapes.get(index))
                    {
                        pieces.push(value(name, shape));
                    }
                }
                Entry::Gap(bytes) => {
                    let name = format_ident!("_gap{gaps}");
                    gaps += 1;
                    pieces.push(gap(name, Literal::usize_unsuffixed(bytes)));
                }
            }
        }
        pieces
    }
}

/// The name of the function that reads an operation's results.
pub(super) fn reader_name(operation: &Operation) -> Ident {
    format_ident!("{}_results", operation.name)
}

/// The records of one operation, and the function that reads its results.
pub(super) fn write(interface: &Interface, operation: &Operation) -> TokenStream {
    let request = Record::request(interface, operation).declaration();
    let reply = Record::reply(interface, operation);
    if reply.is_empty() {
        return request;
    }
    let declaration = reply.declaration();
    let reader = reader_name(operation);
    let results = results_type(&operation.results);
    let taken = reply.taken(&quote! { reply });
    let strings = reply.strings().map(|(name, bound)| {
        let bound = Literal::usize_unsuffixed(bound);
        quote! { let #name: Bytes<#bound> = tail.bytes(buffer, record.#name)?; }
    });
    let tail = if reply.has_strings() {
        let words = reply.words();
        quote! { let mut tail = Tail::after(reply, #words); #(#strings)* tail.end()?; }
    } else {
        TokenStream::new()
    };
    let values = reply
        .names
        .iter()
        .zip(&reply.shapes)
        .map(|(name, shape)| match shape {
            Shape::Bytes(_) => quote! { #name },
            _ => quote! { record.#name },
        });
    let values = match operation.results.as_slice() {
        [_] => quote! { #(#values)* },
        _ => quote! { (#(#values),*) },
    };
    quote! {
        #request
        #declaration
        #[inline]
        fn #reader<B: Buffer>(buffer: &mut B, reply: &Incoming) -> Result<#results, Refusal> {
            #taken
            #tail
            Ok(#values)
        }
    }
}
