//! What a supervisor is made of: its knowledge, its decisions, its words.
//!
//! The decisions ([`Roster`]) are ordinary code without system calls, tested on the host. The program `root`
//! puts them to work; the test suite's own supervisor uses the rest.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod cause;
mod machine;
mod roster;

pub use cause::Cause;
pub use machine::{end_machine, send_record};
pub use roster::{Action, Event, MAX_TASKS, Roster};
