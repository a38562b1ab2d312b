//! Work whose duration is measured from outside: how fast is the emulator?
//!
//! UNSAFETY: the entry point's name.
#![cfg_attr(bare, no_std, no_main)]

#[cfg(not(bare))]
fn main() {}

#[cfg(bare)]
#[expect(unsafe_code, reason = "an entry point with a fixed name")]
#[path = "speed/work.rs"]
mod work;
