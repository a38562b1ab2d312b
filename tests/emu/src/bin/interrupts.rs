//! When the performance interrupt comes, and where it goes.
//!
//! UNSAFETY: assembly whose instructions were counted by hand, and the entry point's name.
#![cfg_attr(bare, no_std, no_main)]

#[cfg(not(bare))]
fn main() {}

#[cfg(bare)]
#[expect(unsafe_code, reason = "assembly, and an entry point with a fixed name")]
#[path = "interrupts/checks.rs"]
mod checks;
