//! Task echo-server.
fn main() {}
