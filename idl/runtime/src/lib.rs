//! What generated stubs need at run time.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
