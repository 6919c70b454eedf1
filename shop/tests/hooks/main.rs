//! Outgoing webhooks as a receiver sees them: the real server, a real receiver that fails, hangs, redirects and drops.

mod crash;
mod deliver;
mod documents;
mod keeping;
mod manage;
mod purges;
mod receiver;
mod retries;
mod safety;
mod site;
