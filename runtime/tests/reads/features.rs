//! One test a feature.
