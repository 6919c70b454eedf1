//! Walks through pages, in every order and both directions.
