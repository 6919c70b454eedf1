//! What editors say of searches: which entries come first for a query or are not found by it, and which words mean the same.
//!
//! A server holds all of it, and looks every few seconds whether others have changed it: see `watch` in the crate `search`.

use std::collections::HashSet;

use serde_json::json;
use sqlx::Row as _;
use uuid::Uuid;

use crate::audit::{self, Event};
use crate::searched::{Rules, key};
use crate::{Connection, Database, Store, Transaction};
use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;

pub use crate::searched::{Named, Rule, Synonyms};

/// Rules and groups of synonyms of a site, entries of a rule, and words of a group.
pub const MOST_RULES: usize = 1_000;
pub const MOST_GROUPS: usize = 200;
pub const MOST_ENTRIES: usize = 100;
const WORDS: std::ops::RangeInclusive<usize> = 2..=20;
const LONGEST_WORD: usize = 100;
/// The prefix of the ids of groups.
pub const PREFIX: &str = "synonyms";

/// Reads what is stored.
pub async fn load(database: &Database) -> Result<()> {
    let mut transaction = database.background.begin().await?;
    let rules = rules(&mut transaction).await?;
    let synonyms = groups(&mut transaction).await?;
    transaction.commit().await?;
    database.search_rules.put(Rules::of_site(rules, synonyms));
    Ok(())
}

/// The rules in the order of their queries.
pub async fn rules(connection: &mut Connection) -> Result<Vec<Rule>> {
    let sql = format!(
        "select written, pinned_types, pinned, hidden_types, hidden from search.rule order by query limit {MOST_RULES}"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    let rule = |row: &sqlx::postgres::PgRow| {
        let named = |types: usize, ids: usize| -> Result<Vec<Named>> {
            let (types, ids): (Vec<String>, Vec<Uuid>) = (row.try_get(types)?, row.try_get(ids)?);
            Ok(types.into_iter().zip(ids).collect())
        };
        Ok(Rule { query: row.try_get(0)?, pinned: named(1, 2)?, hidden: named(3, 4)? })
    };
    rows.iter().map(rule).collect()
}

pub async fn groups(connection: &mut Connection) -> Result<Vec<Synonyms>> {
    let sql = format!("select id, words from search.synonym order by id limit {MOST_GROUPS}");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(Synonyms { id: row.try_get(0)?, words: row.try_get(1)? })).collect()
}

/// Sets the rule of a query; without entries the query has none.
pub async fn set(store: &Store, query: &str, pinned: &[Entry], hidden: &[Entry]) -> Result<Rule> {
    let (written, query) = (query, key(query));
    if query.is_empty() || written.chars().count() > super::ask::LONGEST || query.contains('\0') {
        let message = format!("a query has 1 to {} characters", super::ask::LONGEST);
        return Err(wrong(message, "query"));
    }
    check_entries(pinned, "pinned")?;
    check_entries(hidden, "hidden")?;
    let named = |entries: &[Entry]| -> (Vec<String>, Vec<Uuid>) {
        entries.iter().map(|(info, id)| (info.table.to_owned(), *id)).unzip()
    };
    let ((pinned_types, pinned), (hidden_types, hidden)) = (named(pinned), named(hidden));
    let is_gone = pinned.is_empty() && hidden.is_empty();
    let mut transaction = begin(store).await?;
    if is_gone {
        sqlx::query("delete from search.rule where query = $1").bind(&query).execute(&mut *transaction).await?;
    } else {
        let sql =
            "insert into search.rule (query, pinned_types, pinned, hidden_types, hidden, written) values ($1, $2, $3, $4, $5, $6)
            on conflict (query) do update set written = excluded.written, pinned_types = excluded.pinned_types, pinned = excluded.pinned,
                hidden_types = excluded.hidden_types, hidden = excluded.hidden, updated_at = now()";
        sqlx::query(sql)
            .bind(&query)
            .bind(&pinned_types)
            .bind(&pinned)
            .bind(&hidden_types)
            .bind(&hidden)
            .bind(written)
            .execute(&mut *transaction)
            .await?;
        refuse_more(&mut transaction, "search.rule", MOST_RULES).await?;
    }
    let names = |types: &[String], ids: &[Uuid]| -> Vec<String> {
        types.iter().zip(ids).map(|(table, id)| model::id::encode(table, *id)).collect()
    };
    let after =
        json!({"query": query, "pinned": names(&pinned_types, &pinned), "hidden": names(&hidden_types, &hidden)});
    let event = Event { after: Some(after), ..Event::new("search.rule") };
    finish(transaction, store, event).await?;
    let zip = |types: Vec<String>, ids: Vec<Uuid>| types.into_iter().zip(ids).collect();
    Ok(Rule { query: written.to_owned(), pinned: zip(pinned_types, pinned), hidden: zip(hidden_types, hidden) })
}

pub type Entry = (&'static ContentInfo, Uuid);

fn check_entries(entries: &[Entry], name: &'static str) -> Result<()> {
    if entries.len() > MOST_ENTRIES {
        return Err(limited(format!("a rule names at most {MOST_ENTRIES} entries"), name, entries.len(), MOST_ENTRIES));
    }
    let mut seen = HashSet::new();
    for (info, id) in entries {
        if info.search.is_none() {
            return Err(wrong(format!("entries of the type `{}` are not searched", info.name), name));
        }
        if !seen.insert(id) {
            return Err(wrong("an entry is named twice".to_owned(), name));
        }
    }
    Ok(())
}

/// Adds a group of words.
pub async fn add_synonyms(store: &Store, words: &[&str]) -> Result<Synonyms> {
    if !WORDS.contains(&words.len()) {
        return Err(wrong(format!("a group has {} to {} words", WORDS.start(), WORDS.end()), "words"));
    }
    let is_word = |word: &&str| {
        word.chars().any(char::is_alphanumeric) && word.chars().count() <= LONGEST_WORD && !word.contains('\0')
    };
    if !words.iter().all(is_word) {
        let message = format!("a word or phrase has letters or digits, and at most {LONGEST_WORD} characters");
        return Err(wrong(message, "words"));
    }
    let made = Synonyms { id: crate::id::new_uuid(), words: words.iter().map(|word| (*word).to_owned()).collect() };
    let mut transaction = begin(store).await?;
    let sql = "insert into search.synonym (id, words) values ($1, $2)";
    sqlx::query(sql).bind(made.id).bind(&made.words).execute(&mut *transaction).await?;
    refuse_more(&mut transaction, "search.synonym", MOST_GROUPS).await?;
    let event = Event { after: Some(json!({"words": made.words})), ..Event::new("search.add_synonyms") };
    finish(transaction, store, event.on(PREFIX, made.id)).await?;
    Ok(made)
}

pub async fn remove_synonyms(store: &Store, id: Uuid) -> Result<Uuid> {
    let mut transaction = begin(store).await?;
    let sql = "delete from search.synonym where id = $1 returning words";
    let words: Option<Vec<String>> = sqlx::query_scalar(sql).bind(id).fetch_optional(&mut *transaction).await?;
    let Some(words) = words else {
        let message = format!("there are no synonyms `{}`", model::id::encode(PREFIX, id));
        return Err(Problem::new(Code::NotFound, message).at([Step::from("id")]).into());
    };
    let event = Event { before: Some(json!({"words": words})), ..Event::new("search.remove_synonyms") };
    finish(transaction, store, event.on(PREFIX, id)).await?;
    Ok(id)
}

async fn begin(store: &Store) -> Result<Transaction> {
    let mut transaction = store.writes.begin().await?;
    store.check_actor(&mut transaction).await?;
    transaction.alone_at("search rules").await?;
    Ok(transaction)
}

/// Commits, and lets this process know at once.
async fn finish(mut transaction: Transaction, store: &Store, event: Event<'_>) -> Result<()> {
    audit::record(&mut transaction, &store.access.actor, event).await?;
    transaction.commit().await?;
    load(store).await
}

async fn refuse_more(connection: &mut Connection, table: &str, most: usize) -> Result<()> {
    let sql = format!("select count(*) from {table}");
    let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(connection).await?;
    match usize::try_from(count) {
        Ok(count) if count > most => Err(limited(format!("a site has at most {most} of these"), "input", count, most)),
        _ => Ok(()),
    }
}

fn wrong(message: String, at: &'static str) -> Error {
    Problem::new(Code::InvalidValue, message).at([Step::from(at)]).into()
}

fn limited(message: String, at: &'static str, requested: usize, limit: usize) -> Error {
    let details = json!({"limit": limit, "requested": requested});
    Problem::new(Code::LimitExceeded, message).at([Step::from(at)]).details(details).into()
}
