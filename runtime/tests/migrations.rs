//! Migrations on a real PostgreSQL: planned from schemas, applied by the runner, and compared with the catalog.
//!
//! The planner is in `codegen`, which is independent of databases, and the runner is in `runtime`, which is independent
//! of the planner. Only a test may use both.

#[path = "migrations/change.rs"]
mod change;
#[path = "migrations/data.rs"]
mod data;
#[path = "migrations/history.rs"]
mod history;
#[path = "migrations/introspect.rs"]
mod introspect;
#[path = "migrations/model.rs"]
mod model;
#[path = "migrations/random.rs"]
mod random;
#[path = "migrations/rework.rs"]
mod rework;
#[path = "migrations/rules.rs"]
mod rules;
#[path = "migrations/runner.rs"]
mod runner;
#[path = "migrations/sdl.rs"]
mod sdl;
#[path = "migrations/verify.rs"]
mod verify;
#[path = "migrations/walk.rs"]
mod walk;
