//! The read benchmark.

fn main() {}
