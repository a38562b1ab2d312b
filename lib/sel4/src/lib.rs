//! The typed user side of the system-call interface.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
