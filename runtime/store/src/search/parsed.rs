//! Reads what is asked: `Parsed` is a text as PostgreSQL reads it. Many ask for the same, and reading a text takes longer than finding a
//! rare word, so what was read is kept.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::Row as _;

use super::matches::{Words, push_query};
use crate::Scope;
use crate::read::Request;
use crate::searched::{Parsed, Rules};
use crate::sql::Sql;
use crate::value::Value;
use base::error::Result;
use model::content::{ContentInfo, SearchInfo};

/// What is asked of each type that is searched, by its table.
pub async fn parsed(
    request: &Request<'_>,
    scope: Scope<'_>,
    types: impl Iterator<Item = &'static ContentInfo>,
    words: Words<'_>,
    rules: &Rules,
) -> Result<HashMap<&'static str, Arc<Parsed>>> {
    let memory = &scope.store.search_texts;
    let (mut found, mut missing) = (HashMap::new(), Vec::new());
    for (info, search) in types.filter_map(|info| Some((info, info.search?))) {
        let asked = asked(search, words, rules);
        match memory.get(&asked) {
            Some(parsed) => _ = found.insert(info.table, parsed),
            None => missing.push((info, search, asked)),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let mut sql = scope.sql();
    for (place, (_, search, _)) in missing.iter().enumerate() {
        sql.push(if place > 0 { " UNION ALL " } else { "" });
        sql.push(&format!(
            "SELECT {place} AS place, r.q::text, search.positive(r.q)::text, search.strict(r.q)::text, "
        ));
        push_key(words, &mut sql);
        sql.push(" FROM (SELECT ");
        push_query(search, words, rules, &mut sql);
        sql.push(" AS q) r");
    }
    sql.push(" ORDER BY place");
    let rows = request.rows(sql).await?;
    for ((info, _, asked), row) in missing.into_iter().zip(rows) {
        let text = |column: usize| -> Result<Option<String>> { Ok(row.try_get(column)?) };
        let (query, strict) = (text(1)?.unwrap_or_default(), text(3)?.unwrap_or_default());
        let parsed = Arc::new(Parsed { query, positive: text(2)?, strict, key: text(4)? });
        memory.put(asked, &parsed);
        found.insert(info.table, parsed);
    }
    Ok(found)
}

/// All that decides how a text is read.
fn asked(search: &SearchInfo, words: Words<'_>, rules: &Rules) -> String {
    let kind = match words {
        Words::All(_) => 'a',
        Words::Begun(_) => 'b',
        Words::Some(_) => 's',
    };
    let synonyms: Vec<&[String]> = rules.synonyms_of(words.text()).collect();
    // Quoted, so that no text is another text with synonyms.
    format!("{kind}{:p} {:?} {synonyms:?}", search, words.text())
}

fn push_key(words: Words<'_>, sql: &mut Sql) {
    sql.push("nullif(search.key(").value(&Value::Text(words.text().to_owned()), 0, "text").push("), '')");
}

/// ` AS MATERIALIZED (SELECT .. AS q, .. AS positive, .. AS strict, .. AS key)`, without what is in it if this is none.
pub fn push(parsed: &Parsed, sql: &mut Sql) {
    let text = |text: &Option<String>| text.as_ref().map_or(Value::Null, |text| Value::Text(text.clone()));
    sql.push(" AS MATERIALIZED (SELECT ").value(&Value::Text(parsed.query.clone()), 0, "tsquery");
    sql.push(" AS q, ").value(&text(&parsed.positive), 0, "tsquery");
    sql.push(" AS positive, ").value(&Value::Text(parsed.strict.clone()), 0, "tsquery");
    sql.push(" AS strict, ").value(&text(&parsed.key), 0, "text").push(" AS key");
}

/// The groups of the schema that may change a query: one of its words begins like one of theirs.
pub fn may_change<'a>(
    groups: &'a [&'static [&'static str]],
    text: &str,
) -> impl Iterator<Item = &'static [&'static str]> + 'a {
    let starts = crate::searched::starts(text);
    groups
        .iter()
        .copied()
        .filter(move |group| group.iter().any(|word| !starts.is_disjoint(&crate::searched::starts(word))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_other_letters_cannot_change_a_query() {
        static GROUPS: &[&[&str]] = &[&["tee", "t-shirt"], &["sofa", "couch"], &["éclair", "choux"]];
        let groups = |text: &str| may_change(GROUPS, text).collect::<Vec<_>>();
        assert_eq!(groups("blue Shirts"), [GROUPS[0], GROUPS[1]], "a hyphen parts words");
        assert_eq!(groups("Eclairs"), [GROUPS[2]]);
        assert_eq!(groups("lamp"), [[""; 0]; 0]);
    }
}
