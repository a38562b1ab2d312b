//! Task root.
fn main() {}
