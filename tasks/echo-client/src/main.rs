//! Task echo-client.
fn main() {}
