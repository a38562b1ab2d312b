//! A guest that has a PMU and never touches it.
//!
//! It works, sleeps and is woken by its timer. Whoever runs it must find that its counters cost nothing.
//!
//! UNSAFETY: assembly, and the entry point's name.
#![cfg_attr(bare, no_std, no_main)]

#[cfg(not(bare))]
fn main() {}

#[cfg(bare)]
#[expect(unsafe_code, reason = "assembly, and an entry point with a fixed name")]
mod guest;
