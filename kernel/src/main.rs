//! Baton's kernel: glue between the portable kernel and one architecture.
fn main() {}
