//! Client and server stubs generated from interfaces/, checked in.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
