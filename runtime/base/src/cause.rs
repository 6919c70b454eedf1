//! The cause of an internal error in background code of the site, stored where operators look for it.

use std::cell::RefCell;
use std::fmt;

/// The maximum length of a stored cause, in bytes.
const LONGEST: usize = 1_000;

tokio::task_local! {
    static LAST: RefCell<Option<String>>;
}

/// Runs the work and also returns the cause of the last internal error in it.
pub async fn noted<T>(work: impl Future<Output = T>) -> (T, Option<String>) {
    LAST.scope(RefCell::default(), async {
        let done = work.await;
        (done, LAST.with(|last| last.borrow_mut().take()))
    })
    .await
}

/// A cause in a form that PostgreSQL can store: it accepts every character except U+0000.
pub fn kept(cause: &str) -> String {
    let mut text = cause.replace('\0', "\u{fffd}");
    let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.truncate(end);
    text
}

/// The message of a database error, without sqlx's prefix for I/O errors.
pub fn of_database(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// Records the cause, if [`noted`] is running.
pub(crate) fn note(cause: &dyn fmt::Display) {
    let _ = LAST.try_with(|last| {
        *last.borrow_mut() = Some(kept(&cause.to_string()));
    });
}
