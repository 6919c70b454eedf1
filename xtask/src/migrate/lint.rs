//! Checks hand-written migrations against the rules that generated ones follow.

use std::collections::BTreeSet;

use super::sql::{Statement, split};

/// PostgreSQL silently truncates longer names.
const LONGEST_NAME: usize = 63;

/// A problem in a file, by line.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub code: &'static str,
    pub line: usize,
    pub message: String,
    pub help: String,
}

/// What is known at a statement.
#[derive(Default)]
struct State {
    in_transaction: bool,
    lock_timeout: bool,
    statement_timeout: bool,
    /// Tables created by the file itself: nothing waits for them.
    new_tables: BTreeSet<String>,
}

/// The findings of a file, except acknowledged ones.
pub fn lint(sql: &str) -> Vec<Finding> {
    let generated = sql.lines().take(3).any(|line| line.starts_with("-- Made by `cargo xtask generate"));
    let mut state = State::default();
    let mut findings = Vec::new();
    for statement in split(sql) {
        let words = words(&statement.text);
        let mut found = Vec::new();
        rules(&words, &state, &mut found);
        if statement
            .text
            .split(|char: char| !char.is_ascii_alphanumeric() && char != '_')
            .any(|word| word.len() > LONGEST_NAME)
        {
            found.push((
                "M501",
                "a name is longer than 63 bytes, and PostgreSQL cuts it off".to_owned(),
                "shorten it".to_owned(),
            ));
        }
        for (code, message, help) in found {
            // The planner has checked its own steps and knows what the text does not show: that a dropped column lives
            // on in another form.
            let judged = !generated || code.starts_with("M5");
            if judged && !acknowledges(&statement, code) {
                let help = format!("{help}; or acknowledge it above the statement with `-- typecase: allow {code}`");
                findings.push(Finding { code, line: statement.line, message, help });
            }
        }
        follow(&words, &mut state);
    }
    if state.in_transaction {
        let line = sql.lines().count();
        let message = "a transaction is started but never committed".to_owned();
        findings.push(Finding { code: "M504", line, message, help: "end the file with `commit;`".to_owned() });
    }
    findings
}

type Found = Vec<(&'static str, String, String)>;

fn rules(words: &[String], state: &State, found: &mut Found) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut add = |code, message: &str, help: &str| found.push((code, message.to_owned(), help.to_owned()));
    let concurrently = words.contains(&"concurrently");
    let is_new = |name: &str| state.new_tables.contains(name);
    match words.as_slice() {
        ["alter" | "create" | "drop" | "update" | "delete", ..] if !(state.lock_timeout && state.statement_timeout) => {
            add(
                "M502",
                "the wait for a lock has no limit",
                "begin the file with `set lock_timeout = '5s'; set statement_timeout = '1h';`",
            );
        }
        _ => {}
    }
    match words.as_slice() {
        ["create", "index", ..] | ["create", "unique", "index", ..] => {
            let table = words.iter().position(|word| *word == "on").and_then(|at| words.get(at + 1));
            let known = table.is_some_and(|table| is_new(table));
            if concurrently && state.in_transaction {
                add("M503", "an index cannot be built concurrently inside a transaction", "move it after `commit;`");
            } else if !concurrently && !known {
                add(
                    "M302",
                    "writes to the table wait until the index is built",
                    "write `create index concurrently if not exists`, outside a transaction",
                );
            }
            if words[1] == "unique" && !known {
                add("M202", "rows with the same values make it fail", "look for duplicates first, and change them");
            }
        }
        ["drop", "index", ..] if concurrently && state.in_transaction => {
            add("M503", "an index cannot be dropped concurrently inside a transaction", "move it after `commit;`");
        }
        ["drop", "index", ..] if !concurrently => {
            add(
                "M302",
                "all access to the table waits while the index is dropped",
                "write `drop index concurrently if exists`, outside a transaction",
            );
        }
        ["drop", "table" | "schema", ..] | ["truncate", ..] => add("M101", "all rows are lost", "keep the table"),
        ["alter", "table", rest @ ..] => alter(rest, state, found),
        _ => {}
    }
}

fn alter(rest: &[&str], state: &State, found: &mut Found) {
    let rest: Vec<&str> = rest.iter().copied().filter(|word| !["if", "exists", "only"].contains(word)).collect();
    let Some((table, rest)) = rest.split_first() else { return };
    if state.new_tables.contains(*table) {
        return;
    }
    let mut add = |code, message: &str, help: &str| found.push((code, message.to_owned(), help.to_owned()));
    let has = |sequence: &[&str]| rest.windows(sequence.len()).any(|window| window == sequence);
    if has(&["rename"]) && !has(&["rename", "constraint"]) {
        add(
            "M401",
            "servers that are still running know only the old name",
            "add the new one, and drop the old one in a later release",
        );
    }
    if has(&["drop", "column"])
        || (rest.first() == Some(&"drop") && !matches!(rest.get(1), Some(&"constraint" | &"default" | &"not")))
    {
        add("M103", "every value of the column is lost", "keep the column");
    }
    let new_column = has(&["add", "column"]);
    if new_column && has(&["not", "null"]) && !has(&["default"]) {
        add("M201", "the column has no value in existing rows", "give it a default, which can be dropped again");
    }
    if has(&["set", "not", "null"]) {
        add(
            "M201",
            "the whole table is read while it is locked, and a row without a value makes it fail",
            "validate a CHECK (column is not null) first",
        );
    }
    if has(&["type"]) && has(&["alter"]) {
        add("M301", "the table is rewritten while it is locked", "add a column of the new type and fill it");
    }
    let constraint = has(&["add", "constraint"]) || has(&["add", "check"]) || has(&["add", "foreign"]);
    if constraint && !has(&["not", "valid"]) && !has(&["using", "index"]) {
        add(
            "M302",
            "the whole table is read while it is locked",
            "write `not valid`, and `validate constraint` in a later transaction",
        );
    }
}

/// Words and names in lower case, without brackets, commas and strings.
fn words(text: &str) -> Vec<String> {
    let mut outside = String::new();
    for (index, part) in text.split('\'').enumerate() {
        outside.push_str(if index % 2 == 0 { part } else { " " });
    }
    let lines: Vec<_> = outside.lines().map(|line| line.split("--").next().unwrap_or("")).collect();
    let words = lines.join(" ").to_ascii_lowercase();
    let words = words.split(|char: char| char.is_whitespace() || "(),;".contains(char));
    words.filter(|word| !word.is_empty()).map(|word| word.replace('"', "")).collect()
}

fn follow(words: &[String], state: &mut State) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["begin", ..] | ["start", "transaction", ..] => state.in_transaction = true,
        ["commit", ..] | ["rollback", ..] | ["end", ..] => state.in_transaction = false,
        ["set", rest @ ..] => {
            state.lock_timeout |= rest.iter().any(|word| word.starts_with("lock_timeout"));
            state.statement_timeout |= rest.iter().any(|word| word.starts_with("statement_timeout"));
        }
        ["create", rest @ ..] if rest.iter().take(2).any(|word| *word == "table") => {
            let name = rest.iter().skip_while(|word| **word != "table").skip(1);
            let mut name = name.filter(|word| !["if", "not", "exists"].contains(*word));
            state.new_tables.extend(name.next().map(|name| (*name).to_owned()));
        }
        _ => {}
    }
}

/// Whether a comment directly above the statement acknowledges the finding.
fn acknowledges(statement: &Statement, code: &str) -> bool {
    let allowed = statement.comments.iter().filter_map(|comment| comment.trim().strip_prefix("typecase: allow "));
    allowed.flat_map(|codes| codes.split([',', ' '])).any(|known| known == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = "set lock_timeout = '5s';\nset statement_timeout = '1h';\n";

    #[track_caller]
    fn check(sql: &str, expected: &[&str]) {
        let codes: Vec<_> = lint(&format!("{SET}{sql}")).into_iter().map(|finding| finding.code).collect();
        assert_eq!(codes, expected, "{sql}");
    }

    #[test]
    fn what_locks_a_table_is_found() {
        check("create index a on draft.t (x);", &["M302"]);
        check("create index concurrently if not exists a on draft.t (x);", &[]);
        check("begin; create index concurrently a on draft.t (x); commit;", &["M503"]);
        check("alter table draft.t add constraint c check (x > 0);", &["M302"]);
        check("alter table draft.t add constraint c check (x > 0) not valid;", &[]);
        check("alter table draft.t alter column x type bigint;", &["M301"]);
        check("begin; create table draft.n (x bigint); create index a on draft.n (x); commit;", &[]);
    }

    #[test]
    fn what_loses_values_is_found() {
        check("drop table draft.t;", &["M101"]);
        check("alter table draft.t drop column x;", &["M103"]);
        check("alter table draft.t rename column x to y;", &["M401"]);
        check("alter table draft.t add column y text not null;", &["M201"]);
        check("alter table draft.t add column y text not null default 'drop column';", &[]);
        check("create unique index concurrently if not exists a on draft.t (x);", &["M202"]);
    }

    #[test]
    fn a_hazard_can_be_acknowledged_where_it_is() {
        check(
            "-- typecase: allow M103\nalter table draft.t drop column x;\nalter table draft.t drop column y;",
            &["M103"],
        );
        check("-- typecase: allow M103, M401\nalter table draft.t drop column x;", &[]);
    }

    #[test]
    fn transactions_and_timeouts_are_checked() {
        assert_eq!(lint("alter table t add column x text;")[0].code, "M502");
        check("begin;\nselect 1;", &["M504"]);
        check(&format!("select {};", "x".repeat(64)), &["M501"]);
    }
}
