//! A guest that measures itself with its counters and knows what must come out.
//!
//! It enumerates its PMU by CPUID, counts code of known length with three fixed and two general-purpose counters, also across
//! sleeps in which somebody else may have the counters, and takes an overflow interrupt at the predicted instruction. Every
//! number is exact, in every round, on a bare machine and under a VMM alike; anything else is an error, and the guest says so.
//!
//! UNSAFETY: assembly whose instructions were counted by hand, and the entry point's name.
#![cfg_attr(bare, no_std, no_main)]

#[cfg(not(bare))]
fn main() {}

#[cfg(bare)]
#[expect(unsafe_code, reason = "assembly, and an entry point with a fixed name")]
mod guest;
