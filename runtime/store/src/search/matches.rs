//! The SQL of the entries of a type that match what is asked, under the rules of the actor: what is ranked, counted and suggested is
//! found by the same conditions.

use serde_json::Value as Json;
use uuid::Uuid;

use super::parsed::{self, may_change};
use crate::Scope;
use crate::access::Grant;
use crate::backend::Candidates;
use crate::read::filter::Filter;
use crate::searched::{Named, Parsed, Rules};
use crate::sql::Sql;
use crate::value::Value;
use base::error::{Problem, Result};
use model::content::{ContentInfo, SearchInfo, SearchText, Shape};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub enum Words<'a> {
    All(&'a str),
    /// The last word is only the beginning of one.
    Begun(&'a str),
    /// Some of the words will do.
    Some(&'a str),
}

/// Entries of a type that match.
pub struct Matching<'a> {
    pub info: &'static ContentInfo,
    pub search: &'static SearchInfo,
    pub words: Words<'a>,
    pub filter: Option<&'a Json>,
    pub rules: &'a Rules,
    /// What a search engine has found; without it the words are looked up here.
    pub candidates: Option<&'a Candidates>,
    /// As PostgreSQL reads the words, if it has read them.
    pub parsed: Option<&'a Parsed>,
    /// Entries at most.
    pub most: usize,
}

/// Expressions over a row of the index, `s`, and its entry, `t`.
pub struct Parts {
    /// The words that the actor may look for.
    pub document: String,
    /// The score of a search engine.
    pub rank: Option<String>,
    /// Whether a key is what is asked; `None` if the actor may read no key.
    pub exact: Option<String>,
    /// The ids of the entries that editors have pinned; `None` if there are none.
    pub pinned: Option<String>,
}

impl<'a> Words<'a> {
    pub fn text(self) -> &'a str {
        match self {
            Self::All(text) | Self::Begun(text) | Self::Some(text) => text,
        }
    }

    /// Other words, asked in the same way, or so that some of them will do.
    pub fn with<'b>(self, instead: Option<&'b str>, is_partial: bool) -> Words<'b>
    where
        'a: 'b,
    {
        let text = instead.unwrap_or_else(|| self.text());
        match self {
            _ if is_partial => Words::Some(text),
            Self::All(_) => Words::All(text),
            Self::Begun(_) => Words::Begun(text),
            Self::Some(_) => Words::Some(text),
        }
    }
}

impl Matching<'_> {
    /// Pushes a query for `columns`, an expression list that may name the query as `(SELECT q.q FROM q)`.
    pub fn push(
        &self,
        scope: Scope<'_>,
        columns: impl FnOnce(&Parts) -> String,
        sql: &mut Sql,
        problems: &mut Vec<Problem>,
    ) -> Result<()> {
        let Self { info, search, .. } = *self;
        let hidden = Hidden::of(scope, info, search);
        let (pinned, hidden_ids) = self.ruled();
        match self.candidates {
            Some(candidates) => self.push_found(scope, (&hidden, pinned, candidates), columns, sql)?,
            None => self.push_looked_up(scope, (&hidden, pinned), columns, sql)?,
        }
        if let Some(ids) = hidden_ids {
            let ids = sql.list(ids, "uuid[]");
            sql.push(&format!(" AND s.entry <> ALL({ids})"));
        }
        self.push_filter(scope, sql, problems)?;
        sql.push(&format!(" LIMIT {})", self.most));
        Ok(())
    }

    /// The entries that editors have pinned for the words, and those that they have hidden; `None` if there are none.
    pub(super) fn ruled(&self) -> (Option<Vec<Uuid>>, Option<Vec<Uuid>>) {
        let ids = |named: &[Named]| -> Vec<Uuid> {
            named.iter().filter(|(table, _)| self.info.is_called(table)).map(|(_, id)| *id).collect()
        };
        let rule = self.rules.of(self.words.text());
        let pinned = rule.map(|rule| ids(&rule.pinned)).filter(|ids| !ids.is_empty());
        let hidden = rule.map(|rule| ids(&rule.hidden)).filter(|ids| !ids.is_empty());
        (pinned, hidden)
    }

    /// The filter of the type as a condition on the row `t`.
    pub(super) fn push_filter(&self, scope: Scope<'_>, sql: &mut Sql, problems: &mut Vec<Problem>) -> Result<()> {
        let Some(filter) = self.filter else { return Ok(()) };
        sql.push(" AND ");
        let before = problems.len();
        Filter::new(scope, sql, problems).conditions(self.info, filter, "t")?;
        // Each type has a filter of its own.
        let key = filter_key(self.info);
        problems[before..].iter_mut().for_each(|problem| problem.path.insert(1, key.as_str().into()));
        Ok(())
    }

    /// What PostgreSQL finds by its own index.
    fn push_looked_up(
        &self,
        scope: Scope<'_>,
        (hidden, pinned): (&Hidden, Option<Vec<Uuid>>),
        columns: impl FnOnce(&Parts) -> String,
        sql: &mut Sql,
    ) -> Result<()> {
        let Self { info, search, .. } = *self;
        let stage = scope.stage.schema();
        // PostgreSQL makes the query once, and looks it up in the index.
        sql.push("(WITH q");
        match self.parsed {
            Some(parsed) => parsed::push(parsed, sql),
            None => {
                sql.push(" AS MATERIALIZED (SELECT r.q, search.positive(r.q) AS positive, search.strict(r.q) AS strict, nullif(search.key(");
                sql.value(&Value::Text(self.words.text().to_owned()), 0, "text");
                sql.push("), '') AS key FROM (SELECT ");
                push_query(search, self.words, self.rules, sql);
                sql.push(" AS q) r");
            }
        }
        let completes = matches!(self.words, Words::Begun(_)) && hidden.paths.is_empty();
        if completes {
            // A stem does not have the beginnings of the longer forms of its word.
            sql.push("), b AS MATERIALIZED (SELECT search.begins(");
            sql.value(&Value::Text(self.words.text().to_owned()), 0, "text");
            sql.push(&format!(") AS pattern, search.before('{}', ", search.language));
            push_text(search, self.words.text(), self.rules, sql);
            sql.push(") AS before");
        }
        sql.push(") SELECT ");
        let paths = match hidden.paths.is_empty() {
            true => None,
            false => Some(sql.list(hidden.paths.iter().map(|path| format!("\"{path}\"")), "text[]")),
        };
        let document = paths.map_or_else(|| "s.document".to_owned(), |paths| visible(search, &paths));
        let pinned = pinned.map(|ids| sql.list(ids, "uuid[]"));
        let parts = Parts { document, rank: None, exact: hidden.exact(), pinned };
        sql.push(&columns(&parts)).push(&format!(" FROM search.{stage} s JOIN "));
        scope.push(info, "t", sql)?;
        sql.push(&format!(" ON t.id = s.entry WHERE s.type = '{}' AND (", info.table));
        match hidden.paths.is_empty() {
            true => _ = sql.push("s.document @@ (SELECT q.q FROM q WHERE q.positive IS NOT NULL)"),
            false => {
                let document = &parts.document;
                _ = sql
                    .push(&format!("s.document @@ (SELECT q.positive FROM q) AND {document} @@ (SELECT q.q FROM q)"));
            }
        }
        if let Some(exact) = &parts.exact {
            sql.push(&format!(" OR {exact}"));
        }
        if let Some(pinned) = &parts.pinned {
            sql.push(&format!(" OR s.entry = ANY({pinned})"));
        }
        if completes {
            sql.push(" OR search.has_beginning((SELECT b.pattern FROM b), s.title) AND (SELECT numnode(b.before) = 0 FROM b)");
            sql.push(" OR search.has_beginning((SELECT b.pattern FROM b), s.title) AND s.document @@ (SELECT b.before FROM b)");
        }
        sql.push(")");
        Ok(())
    }

    /// What a search engine has found, of what is still there; keys and pinned entries are looked up here.
    fn push_found(
        &self,
        scope: Scope<'_>,
        (hidden, pinned, candidates): (&Hidden, Option<Vec<Uuid>>, &Candidates),
        columns: impl FnOnce(&Parts) -> String,
        sql: &mut Sql,
    ) -> Result<()> {
        let (table, stage) = (self.info.table, scope.stage.schema());
        sql.push("(WITH q AS MATERIALIZED (SELECT nullif(search.key(");
        sql.value(&Value::Text(self.words.text().to_owned()), 0, "text");
        let (ids, scores) = (sql.list(&candidates.ids, "uuid[]"), sql.list(&candidates.scores, "float8[]"));
        sql.push(&format!(
            "), '') AS key), c AS MATERIALIZED (SELECT u.id, max(u.score) AS score FROM (SELECT i.id, i.score FROM unnest({ids}, {scores}) i(id, score)"
        ));
        let exact = hidden.exact();
        if let Some(exact) = &exact {
            sql.push(&format!(
                " UNION ALL SELECT s.entry, 0 FROM search.{stage} s WHERE s.type = '{table}' AND {exact}"
            ));
        }
        let pinned = pinned.map(|ids| sql.list(ids, "uuid[]"));
        if let Some(pinned) = &pinned {
            sql.push(&format!(" UNION ALL SELECT unnest({pinned}), 0"));
        }
        sql.push(" ) u GROUP BY u.id) SELECT ");
        let parts = Parts { document: "s.document".to_owned(), rank: Some("c.score".to_owned()), exact, pinned };
        sql.push(&columns(&parts));
        sql.push(&format!(" FROM c JOIN search.{stage} s ON s.type = '{table}' AND s.entry = c.id JOIN "));
        scope.push(self.info, "t", sql)?;
        sql.push(" ON t.id = s.entry WHERE true");
        Ok(())
    }
}

/// Pushes the `tsquery` of what is asked.
pub fn push_query(search: &SearchInfo, words: Words<'_>, rules: &Rules, sql: &mut Sql) {
    let function = match words {
        Words::All(_) => "query",
        Words::Begun(_) => "begun",
        Words::Some(_) => "some",
    };
    sql.push(&format!("search.{function}('{}', ", search.language));
    push_text(search, words.text(), rules, sql);
    sql.push(")");
}

/// Pushes what is asked, without stop words, and the synonyms.
pub(super) fn push_text(search: &SearchInfo, text: &str, rules: &Rules, sql: &mut Sql) {
    let mut synonyms: Vec<Json> = may_change(search.synonyms, text).map(|words| serde_json::json!(words)).collect();
    synonyms.extend(rules.synonyms_of(text).map(|words| serde_json::json!(words)));
    let text = Value::Text(text.to_owned());
    match search.stop_words.is_empty() {
        true => _ = sql.value(&text, 0, "text"),
        false => {
            sql.push("search.without(").value(&text, 0, "text").push(", ");
            let stop_words = sql.list(search.stop_words.iter().map(|word| format!("\"{word}\"")), "text[]");
            sql.push(&stop_words).push(")");
        }
    }
    sql.push(", ").value(&Value::Text(Json::from(synonyms).to_string()), 0, "jsonb");
}

/// The name of a type among the filters and facets of a search: `product`.
pub fn filter_key(info: &ContentInfo) -> String {
    let mut letters = info.name.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

/// The document without the texts that the actor may not read.
fn visible(search: &SearchInfo, paths: &str) -> String {
    format!(
        "(SELECT search.document('{}', coalesce(jsonb_agg(p), '[]')) FROM jsonb_array_elements(s.parts) p \
        WHERE p->>1 <> ALL({paths}))",
        search.language
    )
}

/// What of a type's search the actor may not read, or not of every entry.
pub struct Hidden {
    /// The texts whose words are searched.
    pub paths: Vec<String>,
    /// The keys that it may read.
    keys: Vec<String>,
}

impl Hidden {
    pub fn of(scope: Scope<'_>, info: &'static ContentInfo, search: &'static SearchInfo) -> Self {
        let (shown, hidden): (Vec<&SearchText>, Vec<&SearchText>) =
            search.texts.iter().partition(|text| is_readable(scope, info, text));
        Self {
            keys: shown.iter().filter(|text| text.exact).map(|text| text.path.join(".")).collect(),
            paths: hidden.iter().filter(|text| text.weight.is_some()).map(|text| text.path.join(".")).collect(),
        }
    }

    /// Whether one of the keys that the actor may read is what is asked.
    pub(super) fn exact(&self) -> Option<String> {
        let keys: Vec<String> = self.keys.iter().map(|path| format!("'{path}=' || q.key")).collect();
        (!keys.is_empty()).then(|| format!("s.exact && (SELECT array[{}] FROM q)", keys.join(", ")))
    }
}

fn is_readable(scope: Scope<'_>, info: &'static ContentInfo, text: &SearchText) -> bool {
    let Some(field) = info.fields.iter().find(|field| field.snake == text.path[0]) else { return false };
    if scope.must_read(info, field.snake).is_err() {
        return false;
    }
    let Some(second) = text.path.get(1) else { return true };
    let of = match field.shape {
        Shape::Children(child) => child,
        Shape::One(to) | Shape::Many(to) => to.to[0],
        _ => return false,
    };
    // An entry that the actor may not see must not be found by its name.
    let sees_all = |grant: Grant<'_>| match grant {
        Grant::Trusted => true,
        Grant::By(rule) => rule.rows.is_none(),
        Grant::Denied => false,
    };
    let is_child = matches!(field.shape, Shape::Children(_));
    scope.must_read(of, second).is_ok() && (is_child || scope.must_read_any(of).is_ok() && sees_all(scope.reads(of)))
}
