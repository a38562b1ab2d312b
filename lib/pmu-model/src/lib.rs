//! The reference performance-monitoring unit: what the hardware must do.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
