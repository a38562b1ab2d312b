//! A guest that times its own exits.
//!
//! On the reference machine a tick of the time-stamp counter is an instruction, so what it sees is what kernel and VMM
//! execute between the exit and the next entry.
//!
//! UNSAFETY: assembly, and the entry point's name.
#![cfg_attr(bare, no_std, no_main)]

#[cfg(not(bare))]
fn main() {}

#[cfg(bare)]
#[expect(unsafe_code, reason = "assembly, and an entry point with a fixed name")]
mod guest;
