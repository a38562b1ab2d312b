//! The contract of ring 0 and ring 3: numbers, words and layouts.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
