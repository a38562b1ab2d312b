//! Makes whole lines of many writers' pieces, each behind its writer's name.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod lines;

pub use lines::{LONGEST_LINE, Lines, Name};
