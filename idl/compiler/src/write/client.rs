//! Writes the client's stub: a struct with one method an operation.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::record::{self, Record};
use super::{given_type, number_name, results_type};
use crate::model::{Interface, Operation, Shape};

/// The client of an interface.
pub(super) fn write(interface: &Interface) -> TokenStream {
    let name = format_ident!("{}Client", interface.name);
    let docs = format!(
        " Calls a server that implements [`{}Server`].",
        interface.name
    );
    let methods = interface
        .operations
        .iter()
        .map(|operation| method(interface, operation));
    quote! {
        #[doc = #docs]
        #[derive(Debug)]
        pub struct #name<T> { transport: T }

        impl<T: Transport> #name<T> {
            /// A client that calls through `transport`.
            #[inline]
            pub const fn new(transport: T) -> Self { Self { transport } }

            /// What the calls go through.
            #[inline]
            pub const fn transport(&mut self) -> &mut T { &mut self.transport }

            #(#methods)*
        }
    }
}

fn method(interface: &Interface, operation: &Operation) -> TokenStream {
    let Operation {
        docs,
        name,
        arguments,
        results,
        ..
    } = operation;
    let parameters = arguments.iter().map(|argument| {
        let (name, kind) = (&argument.name, given_type(&argument.kind.shape));
        quote! { #name: #kind }
    });
    let error = match &operation.error {
        Some(error) => quote! { #error },
        None => quote! { Refusal },
    };
    let output = results_type(results);
    let number = number_name(operation);
    let record = Record::request(interface, operation);
    let request = format_ident!("request");
    let filled = record.filled(&request);
    let words = if record.is_empty() {
        quote! { [] }
    } else {
        quote! { #request }
    };
    let strings = record
        .strings()
        .map(|(name, _)| quote! { message.push_bytes(transport, &#name); });
    let caps = arguments
        .iter()
        .filter(|argument| matches!(argument.kind.shape, Shape::Cap(_)))
        .map(|argument| {
            let name = &argument.name;
            quote! { message.push_cap(#name); }
        });
    let additions: Vec<_> = strings.chain(caps).collect();
    let make = quote! { Outgoing::new(transport, op::#number, #words) };
    let call = match (operation.idempotent, additions.is_empty()) {
        (true, true) => quote! { client::repeat(&mut self.transport, |transport| #make) },
        (true, false) => quote! {
            client::repeat(&mut self.transport, |transport| {
                let mut message = #make;
                #(#additions)*
                message
            })
        },
        (false, _) => quote! { client::once(transport, message) },
    };
    let before = match (operation.idempotent, additions.is_empty()) {
        (true, _) => TokenStream::new(),
        (false, true) => quote! { let transport = &mut self.transport; let message = #make; },
        (false, false) => quote! {
            let transport = &mut self.transport;
            let mut message = #make;
            #(#additions)*
        },
    };
    let read = if results.is_empty() {
        quote! { reply?.words(&mut self.transport).map(|[]| ()).map_err(client::bad_reply) }
    } else {
        let reader = record::reader_name(operation);
        quote! { #reader(&mut self.transport, &reply?).map_err(client::bad_reply) }
    };
    quote! {
        #(#docs)*
        #[inline]
        pub fn #name(&mut self, #(#parameters),*) -> Result<#output, #error> {
            #filled
            #before
            let reply: Result<_, #error> = #call;
            #read
        }
    }
}
