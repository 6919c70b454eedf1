//! Accounts, sessions and tokens through HTTP, on servers of this process and a real database.

mod abuse;
mod account;
mod api_tokens;
mod browsers;
mod client;
mod cookies;
mod crafted;
mod expiry;
mod forced_factor;
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
mod provider;
mod redis_away;
mod second_factor;
mod sessions;
mod site;
