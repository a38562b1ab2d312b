//! What a guest is promised, exit by exit.

mod counters;
mod image;
mod machine;
mod processor;
mod timer;
