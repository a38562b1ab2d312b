//! Framed records that an image sends to the test runner.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
