//! The server as its clients see it: a real process on a real database, with requests and responses.

mod aggregates;
mod bin;
mod cached;
mod client;
mod collaboration;
mod collector;
mod compressed;
mod contended;
mod cost;
mod database_tls;
mod drafts;
mod errors;
mod explain;
mod facets;
#[path = "../shared/fault_proxy.rs"]
mod fault_proxy;
mod faults;
mod history;
#[path = "../shared/hostile.rs"]
mod hostile;
mod hours;
mod http;
mod injection;
mod kills;
mod listings;
mod log;
mod matrix;
mod metrics;
mod model;
mod operator;
mod people;
mod pooler;
mod previews;
mod public_login;
mod public_role;
mod publications;
mod ranking;
mod reads;
mod redirects;
mod redis;
#[path = "../shared/redis.rs"]
mod redis_server;
mod releases;
mod routes;
mod schedules;
mod sdl;
mod search;
mod search_engine;
mod search_engine_check;
mod search_engine_faults;
mod search_plans;
mod search_rules;
#[path = "../shared/search_server.rs"]
mod search_server;
mod sockets;
mod traces;
mod turns;
mod writes;
mod writing;
