//! A guest that exits often while its counters are its own.
//!
//! First they do not count the ring that it is in, so that nothing needs to be done for them at an exit. Then two of them count the
//! instruction that the VMM completes, which has to be added.
//!
//! UNSAFETY: the entry point's name.
#![cfg_attr(bare, no_std, no_main)]

#[cfg(not(bare))]
fn main() {}

#[cfg(bare)]
#[expect(unsafe_code, reason = "an entry point with a fixed name")]
mod guest;
