//! Subscriptions over WebSocket and server-sent events, on servers in this process and a real database.

mod client;
mod limits;
mod nodes;
mod protocol;
mod rights;
mod rules;
mod stream;
