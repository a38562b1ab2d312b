// Written by idl-compiler from idl/interfaces. Do not edit: run `cargo run -p idl-compiler`.

//! Client and server stubs, one module an interface, generated and checked in.
//!
//! `idl/interfaces` has the sources, `docs/reference/idl.md` the rules.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#[rustfmt::skip]
pub mod console;
#[rustfmt::skip]
pub mod echo;
#[rustfmt::skip]
pub mod supervisor;
