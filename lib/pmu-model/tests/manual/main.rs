//! The manual's statements, one test each, with numbers counted by hand.
//!
//! Addresses and bits are written as plain numbers on purpose: the model takes its layouts
//! from a crate of types, and a test that took them from there could not find a wrong one.

mod counting;
mod delay;
mod enumeration;
mod freeze;
mod machine;
mod overflow;
mod reference;
mod registers;
mod reserved;
mod shape;
mod status;
mod worlds;
