//! The kernel's architecture interface as an ordinary process, for tests.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
