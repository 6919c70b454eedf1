//! What the schema says, as Rust.
