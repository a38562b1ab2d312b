//! Reads *.idl.rs interfaces and writes client and server stubs.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
