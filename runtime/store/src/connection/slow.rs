//! Statements that take long are told by what they are about, never with their text or values.

use std::sync::Arc;
use std::time::Duration;

tokio::task_local! {
    /// What the statements of this moment are for: the name of a client's operation, or its root fields.
    pub static OPERATION: Arc<str>;
}

/// From this time on a statement is told.
const SLOW: Duration = Duration::from_secs(1);

pub fn note(sql: &str, took: Duration) {
    if took >= SLOW {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let operation = OPERATION.try_with(Arc::clone).unwrap_or_default();
        tracing::warn!(%operation, statement = summary(sql), milliseconds, "a statement was slow");
    }
}

/// The verb, and the first table of ours that is named: `select live.product`.
fn summary(sql: &str) -> String {
    let verb = sql.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let is_ours = |word: &&str| ["live.", "draft.", "cms."].iter().any(|schema| word.starts_with(schema));
    let words = sql.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';'));
    match words.map(|word| word.trim_matches('"')).find(is_ours) {
        Some(table) => format!("{verb} {}", table.replace('"', "")),
        None => verb,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_without_its_text() {
        let read = "SELECT t.id, t.\"name\" FROM live.\"product\" t WHERE t.\"name\" = $1::text";
        assert_eq!(summary(read), "select live.product");
        assert_eq!(summary("insert into cms.audit (id) values ('secret')"), "insert cms.audit");
        assert_eq!(summary("commit"), "commit");
        assert_eq!(summary(""), "");
    }
}
