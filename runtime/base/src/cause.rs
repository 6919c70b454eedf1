//! The cause of an internal error, for the site's own code in the background: the cause is kept where operators look for it.

use std::cell::RefCell;
use std::fmt;

/// A cause is shown no further than this, in bytes.
const LONGEST: usize = 1_000;

tokio::task_local! {
    static LAST: RefCell<Option<String>>;
}

/// Runs the work; beside its outcome, the cause of the last internal error in it.
pub async fn noted<T>(work: impl Future<Output = T>) -> (T, Option<String>) {
    LAST.scope(RefCell::default(), async {
        let done = work.await;
        (done, LAST.with(|last| last.borrow_mut().take()))
    })
    .await
}

/// A cause as the database keeps it: PostgreSQL takes every character but U+0000.
pub fn kept(cause: &str) -> String {
    let mut text = cause.replace('\0', "\u{fffd}");
    let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.truncate(end);
    text
}

/// What went wrong on the way to the database, without the library's words around it; else its error as it is.
pub fn of_database(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// Where nobody asks for it, nothing is kept.
pub(crate) fn note(cause: &dyn fmt::Display) {
    let _ = LAST.try_with(|last| {
        *last.borrow_mut() = Some(kept(&cause.to_string()));
    });
}
