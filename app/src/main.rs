//! The server of this site.

fn main() {}
