//! What generated stubs need at run time: messages, byte strings, refusals.
//!
//! Nothing here knows an interface, and nothing here makes a system call but `endpoint`: every other
//! module is ordinary code that tests on the host run. The layout of a message is described in
//! `docs/reference/idl.md`; the compiler in `idl/compiler` is the only author of callers.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod bytes;
pub mod client;
mod endpoint;
pub mod label;
mod loopback;
mod message;
mod pad;
mod refusal;
mod server;
mod tail;

pub use bytes::{Bytes, BytesRef, TooLong};
pub use client::Transport;
pub use endpoint::{Connection, Service, ThreadBuffer};
pub use loopback::Loopback;
pub use message::{Buffer, Incoming, Outgoing};
pub use pad::Pad;
pub use refusal::Refusal;
pub use sel4::{Cap, cap};
pub use server::Caller;
pub use tail::Tail;
