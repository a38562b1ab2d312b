//! Writes the server's stub: a trait with its operations, and the dispatcher.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::record::Record;
use super::{number_name, result_names, results_type, rust_type};
use crate::model::{Interface, Operation, Shape};

/// The server's half of an interface.
pub(super) fn write(interface: &Interface) -> TokenStream {
    let name = format_ident!("{}Server", interface.name);
    let docs = &interface.docs;
    let methods = interface.operations.iter().map(method);
    let arms = interface.operations.iter().map(|operation| {
        let (number, serve) = (number_name(operation), serve_name(operation));
        quote! { op::#number => #serve(server, buffer, request), }
    });
    let serves = interface
        .operations
        .iter()
        .map(|operation| serve(interface, operation));
    quote! {
        #(#docs)*
        pub trait #name { #(#methods)* }

        /// Answers one request. Whatever is no message of this interface gets a refusal, and `server`
        /// does not hear of it.
        #[inline]
        pub fn dispatch<S: #name, B: Buffer>(
            server: &mut S,
            buffer: &mut B,
            request: &Incoming,
        ) -> Outgoing {
            let reply = match request.label {
                #(#arms)*
                _ => Err(Refusal::UnknownOperation),
            };
            reply.unwrap_or_else(Outgoing::refusal)
        }

        #(#serves)*
    }
}

fn serve_name(operation: &Operation) -> proc_macro2::Ident {
    format_ident!("serve_{}", operation.name)
}

fn method(operation: &Operation) -> TokenStream {
    let Operation {
        docs,
        name,
        arguments,
        results,
        error,
        ..
    } = operation;
    let parameters = arguments.iter().map(|argument| {
        let (name, kind) = (&argument.name, rust_type(&argument.kind.shape));
        quote! { #name: #kind }
    });
    let results_type = results_type(results);
    let output = match error {
        Some(error) => quote! { -> Result<#results_type, #error> },
        None if results.is_empty() => TokenStream::new(),
        None => quote! { -> #results_type },
    };
    quote! { #(#docs)* fn #name(&mut self, caller: Caller, #(#parameters),*) #output; }
}

fn serve(interface: &Interface, operation: &Operation) -> TokenStream {
    let Operation {
        name,
        arguments,
        error,
        ..
    } = operation;
    let trait_name = format_ident!("{}Server", interface.name);
    let serve = serve_name(operation);
    let request = Record::request(interface, operation);
    let taken = request.taken(&quote! { request });

    // Capabilities and strings become locals, named so that no argument's name is in the way.
    let mut caps = Vec::new();
    let mut strings = Vec::new();
    let mut values = Vec::new();
    for argument in arguments {
        let (name, kind) = (&argument.name, rust_type(&argument.kind.shape));
        values.push(match argument.kind.shape {
            Shape::Cap(_) => {
                let cap = format_ident!("cap{}", caps.len());
                caps.push(cap.clone());
                quote! { Cap::from_bits(#cap) }
            }
            Shape::Bytes(_) => {
                let string = format_ident!("string{}", strings.len());
                strings.push(quote! { let #string: #kind = tail.bytes(buffer, record.#name)?; });
                quote! { #string }
            }
            _ => quote! { record.#name },
        });
    }
    let tail = if strings.is_empty() {
        TokenStream::new()
    } else {
        let words = request.words();
        quote! { let mut tail = Tail::after(request, #words); #(#strings)* tail.end()?; }
    };
    let call = quote! { server.#name(Caller::of(request), #(#values),*) };
    let answer = answer(interface, operation);
    let answer = match error {
        None if operation.results.is_empty() => quote! { #call; #answer },
        None => {
            let names = pattern(operation);
            quote! { let #names = #call; #answer }
        }
        Some(_) => {
            let names = pattern(operation);
            quote! {
                match #call {
                    Ok(#names) => { #answer }
                    Err(error) => Ok(Outgoing::bare(client::InterfaceError::label(error))),
                }
            }
        }
    };
    quote! {
        #[inline]
        fn #serve<S: #trait_name, B: Buffer>(
            server: &mut S,
            buffer: &mut B,
            request: &Incoming,
        ) -> Result<Outgoing, Refusal> {
            let [#(#caps),*] = request.caps()?;
            #taken
            #tail
            #answer
        }
    }
}

/// The pattern that binds an operation's results to their names.
fn pattern(operation: &Operation) -> TokenStream {
    let names = result_names(&operation.results);
    match names.as_slice() {
        [single] => quote! { #single },
        _ => quote! { (#(#names),*) },
    }
}

/// What makes the reply, from local variables with the results' names.
fn answer(interface: &Interface, operation: &Operation) -> TokenStream {
    let reply = Record::reply(interface, operation);
    let words = format_ident!("words");
    let filled = reply.filled(&words);
    let strings: Vec<_> = reply
        .strings()
        .map(|(name, _)| quote! { reply.push_bytes(buffer, &#name); })
        .collect();
    if reply.is_empty() {
        quote! { Ok(Outgoing::bare(label::OK)) }
    } else if strings.is_empty() {
        quote! { #filled Ok(Outgoing::new(buffer, label::OK, #words)) }
    } else {
        quote! {
            #filled
            let mut reply = Outgoing::new(buffer, label::OK, #words);
            #(#strings)*
            Ok(reply)
        }
    }
}
