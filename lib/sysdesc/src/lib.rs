//! The system image: what exists when the kernel starts.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
