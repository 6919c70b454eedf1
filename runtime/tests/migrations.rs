//! Migrations on a real PostgreSQL: planned from schemas, applied by the runner, compared with the catalog.
//!
//! The planner is in `codegen`, which knows no database, and the runner is in `runtime`, which knows no planner; a test
//! is the one place where both may be used.

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
