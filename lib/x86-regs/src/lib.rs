//! x86 registers as types: address, name, layout, manual section.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
