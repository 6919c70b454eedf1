//! Progress messages in cargo's style on standard error: a verb and its object.

use std::io::IsTerminal;
use std::time::Instant;

/// `   Starting PostgreSQL 15.18`
pub fn say(verb: &str, what: impl std::fmt::Display) {
    let (on, off) = colour("\x1b[1;32m");
    eprintln!("{on}{verb:>12}{off} {what}");
}

/// A problem that does not end the task.
pub fn warn(what: impl std::fmt::Display) {
    let (on, off) = colour("\x1b[1;33m");
    eprintln!("{on}{:>12}{off} {what}", "Warning");
}

/// A problem that does not stop the task, but that the reader has to fix.
pub fn problem(what: impl std::fmt::Display) {
    let (on, off) = colour("\x1b[1;31m");
    eprintln!("{on}{:>12}{off} {what}", "Error");
}

/// `in 1.4 s`
pub fn since(start: Instant) -> String {
    format!("in {:.1} s", start.elapsed().as_secs_f64())
}

fn colour(on: &'static str) -> (&'static str, &'static str) {
    let wanted = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if wanted { (on, "\x1b[0m") } else { ("", "") }
}
