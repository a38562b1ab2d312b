//! Task console.
fn main() {}
