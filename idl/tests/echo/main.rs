//! The generated stubs against each other, in one process.

mod refusals;
mod round_trips;
mod service;
