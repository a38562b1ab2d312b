//! What a guest is promised, exit by exit.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that goes out of bounds has failed"
)]

mod counters;
mod image;
mod machine;
mod processor;
mod timer;
