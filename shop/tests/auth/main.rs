//! Accounts, sessions and tokens over HTTP, on servers in this process and a real database.

mod abuse;
mod account;
mod api_tokens;
mod bounds;
mod browsers;
mod client;
mod comments;
mod cookies;
mod crafted;
mod expiry;
mod forced_factor;
mod hooked;
#[path = "../shared/hostile.rs"]
mod hostile;
mod hostile_texts;
mod load;
mod mail;
mod managing;
mod node;
mod operations;
mod operator;
mod others;
mod panics;
mod previews;
mod provider;
mod races;
mod redis_away;
#[expect(dead_code, reason = "these tests need neither TLS nor a cluster")]
#[path = "../shared/redis.rs"]
mod redis_server;
mod review;
mod second_factor;
mod sessions;
mod site;
