//! The portable kernel: objects, capabilities, IPC, scheduling, system calls.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
