//! Writes the structs and enums that values are of.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::rust_type;
use crate::layout;
use crate::model::{Choice, Interface, Record, Shape};

/// All of an interface's structs and enums, its error apart.
pub(super) fn write(interface: &Interface) -> TokenStream {
    let records = interface
        .records
        .iter()
        .map(|record| self::record(interface, record));
    let choices = interface.choices.iter().map(choice);
    quote! { #(#records)* #(#choices)* }
}

fn record(interface: &Interface, record: &Record) -> TokenStream {
    let Record { docs, name, fields } = record;
    let is_any_bits =
        layout::of(interface, &Shape::Named(name.clone())).is_some_and(|l| l.any_bits);
    let from = if is_any_bits {
        quote! { FromBytes }
    } else {
        quote! { TryFromBytes }
    };
    let fields = fields.iter().map(|field| {
        let (docs, name, kind) = (&field.docs, &field.name, rust_type(&field.kind.shape));
        quote! { #(#docs)* pub #name: #kind, }
    });
    quote! {
        #(#docs)*
        #[derive(#from, IntoBytes, Immutable, KnownLayout, Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(C)]
        pub struct #name { #(#fields)* }
    }
}

fn choice(choice: &Choice) -> TokenStream {
    let Choice {
        docs,
        name,
        repr: (repr, _),
        variants,
    } = choice;
    let variants = variants.iter().map(|variant| {
        let (docs, name) = (&variant.docs, &variant.name);
        let value = Literal::u64_unsuffixed(variant.value);
        quote! { #(#docs)* #name = #value, }
    });
    quote! {
        #(#docs)*
        #[derive(TryFromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(#repr)]
        pub enum #name { #(#variants)* }
    }
}
