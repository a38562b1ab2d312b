//! Tests of several crates together, on the host.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
