//! The reference PMU behind a C interface, for emulators.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
