//! What is counted, how exactly, and in which ring.
//!
//! UNSAFETY: the counted code is assembly.
#![cfg_attr(bare, no_std, no_main)]

#[cfg(not(bare))]
fn main() {}

#[cfg(bare)]
#[expect(
    unsafe_code,
    reason = "assembly whose instructions were counted by hand"
)]
#[path = "counting/checks.rs"]
mod checks;
