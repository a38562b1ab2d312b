//! Reads `*.idl.rs` interfaces and writes client and server stubs.
//!
//! `idl/interfaces/` goes in, `idl/src/` comes out, and is checked in: a reader finds the stubs without
//! running anything, and a build needs no generator. [`check`] proves that the two agree.

#![forbid(unsafe_code)]

mod check;
mod diagnostic;
mod files;
mod layout;
mod model;
mod read;
mod write;

pub use diagnostic::Diagnostic;
pub use files::{Failure, check, generate};

/// Compiles the text of one interface to the text of its stubs. Messages call the file `file`.
pub fn compile(file: &str, text: &str) -> Result<String, Vec<Diagnostic>> {
    let mut sink = diagnostic::Sink::new(file);
    let interface = read::read(&mut sink, text);
    if let Some(interface) = &interface
        && sink.is_empty()
    {
        check::check(&mut sink, interface);
    }
    match interface {
        Some(interface) if sink.is_empty() => Ok(write::write(file, &interface)),
        _ => Err(sink.into_found()),
    }
}
