//! The `halocast` command.
fn main() {}
