//! The generated stubs against each other, in one process: the echo interface has every kind of argument.

mod refusals;
mod round_trips;
mod service;
