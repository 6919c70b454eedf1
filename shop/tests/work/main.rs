//! Events and jobs: each is handled once and in order, whatever happens to the servers.

mod consumers;
mod crash;
#[expect(dead_code, reason = "other tests need the other faults")]
#[path = "../shared/fault_proxy.rs"]
mod fault_proxy;
mod faults;
mod jobs;
mod leases;
mod operator;
mod order;
mod pace;
mod periodic;
mod site;
mod traces;
