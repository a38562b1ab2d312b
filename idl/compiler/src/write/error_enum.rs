//! Writes an interface's error enum, and how it travels as a label.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::model::ErrorEnum;

/// The enum and what the runtime wants of it.
pub(super) fn write(error: &ErrorEnum) -> TokenStream {
    let ErrorEnum {
        docs,
        name,
        codes,
        server_died,
        refused,
    } = error;
    let variants = codes.iter().map(|code| {
        let (docs, name) = (&code.docs, &code.name);
        quote! { #(#docs)* #name, }
    });
    let refused = refused.iter().flatten();
    let died_variant = server_died.iter().map(|docs| {
        quote! {
            #(#docs)*
            ServerDied {
                /// How often the server had been started anew before the life that ended.
                generation: u64,
            },
        }
    });
    let died_pattern = server_died
        .iter()
        .map(|_| quote! { Self::ServerDied { .. } | });
    let died_impl = server_died.iter().map(|_| {
        quote! {
            impl client::SaysServerDied for #name {
                #[inline]
                fn server_died(generation: u64) -> Self { Self::ServerDied { generation } }
            }
        }
    });
    let names: Vec<_> = codes.iter().map(|code| &code.name).collect();
    let numbers: Vec<_> = codes
        .iter()
        .map(|code| Literal::u64_unsuffixed(code.value))
        .collect();
    quote! {
        #(#docs)*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum #name {
            #(#variants)*
            #(#died_variant)*
            #(#refused)*
            Refused {
                /// What was wrong.
                why: Refusal,
            },
        }

        impl client::InterfaceError for #name {
            #[inline]
            fn from_code(code: u64) -> Option<Self> {
                match code {
                    #(#numbers => Some(Self::#names),)*
                    _ => None,
                }
            }

            #[inline]
            fn refused(why: Refusal) -> Self { Self::Refused { why } }

            #[inline]
            fn label(self) -> u64 {
                match self {
                    #(Self::#names => #numbers,)*
                    #(#died_pattern)* Self::Refused { .. } => Refusal::Upstream.label(),
                }
            }
        }

        #(#died_impl)*
    }
}
