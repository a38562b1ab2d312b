//! Ring 0 of an x86_64 machine: all unsafe code and assembly of the kernel.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
