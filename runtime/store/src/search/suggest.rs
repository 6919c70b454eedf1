//! Completes what a visitor types: its last word, to words of the entries that match.

use sqlx::Row as _;

use super::ask::Ask;
use super::matches::{Hidden, Matching, Words};
use super::parsed;
use crate::Scope;
use crate::read::Request;
use crate::value::Value;
use base::error::{Error, Result};

/// Entries whose words are looked at, of each type.
const LOOKED_AT: usize = 500;

/// The text with its last word completed, the most frequent first.
pub async fn queries(request: &Request<'_>, scope: Scope<'_>, ask: &Ask<'_>, text: &str) -> Result<Vec<String>> {
    let start = text.trim_end_matches(char::is_alphanumeric).len();
    let (head, last) = text.split_at(start);
    if last.is_empty() || head.ends_with('-') {
        return Ok(Vec::new());
    }
    let rules = scope.store.search_rules.now();
    let types = ask.types.iter().map(|(info, _)| *info);
    let parsed = parsed::parsed(request, scope, types, Words::Begun(text), &rules).await?;
    let mut sql = scope.sql();
    let mut problems = Vec::new();
    sql.push("SELECT w FROM (SELECT NULL::text AS w WHERE false");
    for (info, filter) in &ask.types {
        let Some(search) = info.search else { continue };
        let hidden = Hidden::of(scope, info, search);
        sql.push(" UNION ALL SELECT w FROM ");
        let matching = Matching {
            info,
            search,
            words: Words::Begun(text),
            filter: *filter,
            rules: &rules,
            candidates: None,
            parsed: parsed.get(info.table).map(|parsed| &**parsed),
            most: LOOKED_AT,
        };
        matching.push(scope, |_| "s.parts".to_owned(), &mut sql, &mut problems)?;
        sql.push(" m, jsonb_array_elements(m.parts) p, ");
        sql.push("regexp_split_to_table(lower(left(p->>2, 300)), '[^[:alnum:]]+') w ");
        sql.push("WHERE p->>0 IN ('A', 'B') AND p->>1 <> ALL(");
        let paths = sql.list(hidden.paths.iter().map(|path| format!("\"{path}\"")), "text[]");
        sql.push(&paths).push(") AND starts_with(sort.bare(w), sort.bare(");
        sql.value(&Value::Text(last.to_owned()), 0, "text").push("))");
    }
    sql.push(&format!(") x WHERE length(w) BETWEEN 2 AND 60 GROUP BY w ORDER BY count(*) DESC, w LIMIT {}", ask.first));
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let rows = request.rows(sql).await?;
    rows.iter().map(|row| Ok(format!("{head}{}", row.try_get::<String, _>(0)?))).collect()
}
