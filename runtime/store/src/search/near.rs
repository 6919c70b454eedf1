//! Words that were meant by misspelt ones: for each word that no entry has, the nearest word of a title.

use std::collections::BTreeMap;

use sqlx::Row as _;

use super::matches::Hidden;
use crate::Scope;
use crate::read::Request;
use base::error::Result;
use model::content::ContentInfo;

/// Words of what is asked that are corrected.
const MOST_WORDS: usize = 8;
/// Titles with like words that are compared, and those of them that are looked at, for a word.
const COMPARED: usize = 2_000;
const TITLES: usize = 50;

/// The text with its misspelt words corrected; `None` if there is nothing to correct. What has operators is taken as it is.
pub async fn corrected(
    request: &Request<'_>,
    scope: Scope<'_>,
    text: &str,
    types: &[&'static ContentInfo],
) -> Result<Option<String>> {
    let words: Vec<String> = words(text);
    let is_plain = !text.contains(['"', '-']) && words.len() <= MOST_WORDS;
    if !is_plain || !words.iter().any(|word| may_be_misspelt(word)) {
        return Ok(None);
    }
    let mut known: BTreeMap<&str, bool> = BTreeMap::new();
    let mut best: BTreeMap<&str, (usize, i64, String)> = BTreeMap::new();
    for info in types {
        let Some(search) = info.search else { continue };
        // A correction would tell whether a text has a word.
        if !Hidden::of(scope, info, search).paths.is_empty() {
            continue;
        }
        for (word, is_known, titles) in titles(request, scope, info, search.language, &words).await? {
            let Some(word) = words.iter().find(|known| **known == word).map(String::as_str) else { continue };
            *known.entry(word).or_default() |= is_known;
            nearest(word, &titles, &mut best);
        }
    }
    let is_known = |word: &str| known.get(word).copied().unwrap_or(false);
    let meant = |word: &String| match best.get(word.as_str()) {
        Some((_, _, meant)) if may_be_misspelt(word) && !is_known(word) => meant.clone(),
        _ => word.clone(),
    };
    let meant: Vec<String> = words.iter().map(meant).collect();
    Ok((meant != words).then(|| meant.join(" ")))
}

fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Short words and numbers are too near to others.
fn may_be_misspelt(word: &str) -> bool {
    word.chars().count() >= 4 && !word.chars().any(|letter| letter.is_ascii_digit())
}

/// For each word, whether an entry that the actor sees has it, and titles with words that are like it.
async fn titles(
    request: &Request<'_>,
    scope: Scope<'_>,
    info: &'static ContentInfo,
    language: &str,
    words: &[String],
) -> Result<Vec<(String, bool, Vec<String>)>> {
    let mut sql = scope.sql();
    let (stage, table) = (scope.stage.schema(), info.table);
    sql.push("SELECT w.word, k.known, CASE WHEN k.known THEN '{}' ELSE ARRAY(SELECT c.title FROM (SELECT s.entry, s.title FROM ");
    sql.push(&format!("search.{stage} s JOIN "));
    scope.push(info, "t", &mut sql)?;
    // Comparing takes a while, and a word may be like one of every title.
    sql.push(&format!(
        " ON t.id = s.entry WHERE s.type = '{table}' AND search.is_near(sort.bare(w.word), s.title) LIMIT {COMPARED}) c \
        ORDER BY search.nearness(sort.bare(w.word), c.title) DESC, c.entry LIMIT {TITLES}) END FROM unnest("
    ));
    let given = sql.list(words.iter().map(|word| format!("\"{word}\"")), "text[]");
    sql.push(&given).push(&format!(") w(word) CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM search.{stage} s JOIN "));
    scope.push(info, "t", &mut sql)?;
    sql.push(&format!(
        " ON t.id = s.entry WHERE s.type = '{table}' AND s.document @@ search.query('{language}', w.word, '[]')) AS known OFFSET 0) k"
    ));
    let rows = request.rows(sql).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
}

/// Remembers the word of the titles that is nearest: by the letters to change, then by how many titles have it.
fn nearest<'w>(word: &'w str, titles: &[String], best: &mut BTreeMap<&'w str, (usize, i64, String)>) {
    let most = if word.chars().count() >= 8 { 2 } else { 1 };
    let mut times: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for title in titles {
        let others = title.split(|letter: char| !letter.is_alphanumeric()).filter(|other| other.chars().count() >= 3);
        let mut before = "";
        for other in others {
            *times.entry((other, "")).or_default() += 1;
            // `jumprope` may mean `jump rope`.
            if word.len() == before.len() + other.len() {
                *times.entry((before, other)).or_default() += 1;
            }
            before = other;
        }
    }
    for ((other, next), count) in times {
        let distance = match next {
            "" => strsim::osa_distance(word, other),
            _ if word.starts_with(other) && word.ends_with(next) => 0,
            _ => continue,
        };
        let candidate = (distance, -count, format!("{other} {next}").trim_end().to_owned());
        if distance <= most && best.get(word).is_none_or(|known| candidate < *known) {
            best.insert(word, candidate);
        }
    }
}
