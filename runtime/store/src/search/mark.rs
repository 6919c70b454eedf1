//! Shows where the words that were searched for are in the texts of an entry.

use std::collections::HashMap;
use std::ops::Range;

use sqlx::Row as _;
use uuid::Uuid;

use super::ask::Hit;
use super::matches::{Hidden, Words, push_query};
use crate::Scope;
use crate::read::Request;
use base::error::Result;
use model::content::{ContentInfo, Shape};

/// Characters of a text that are looked at, and of the part that is shown.
const LOOKED_AT: usize = 10_000;
const SHOWN: usize = 240;
/// Characters before the first word of the part.
const BEFORE: usize = 60;
/// Around a word in the text that PostgreSQL marks; no text has these characters, which `search.plain` and JSON leave alone.
const OPEN: char = '\u{2}';
const CLOSE: char = '\u{3}';

/// A part of a text of an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Marked {
    /// The name of the field in the API; `brand.name` for one of a related entry.
    pub field: String,
    pub text: String,
    /// Of characters (Unicode scalar values).
    pub ranges: Vec<Range<usize>>,
}

/// The marked texts of each hit.
pub async fn marked(
    request: &Request<'_>,
    scope: Scope<'_>,
    words: Words<'_>,
    hits: &[Hit],
) -> Result<HashMap<Uuid, Vec<Marked>>> {
    let rules = scope.store.search_rules.now();
    let mut types: Vec<&'static ContentInfo> = Vec::new();
    for hit in hits {
        if !types.iter().any(|info| info.table == hit.info.table) {
            types.push(hit.info);
        }
    }
    let mut found: HashMap<Uuid, Vec<Marked>> = HashMap::new();
    for info in types {
        let Some(search) = info.search else { continue };
        let ids: Vec<Uuid> = hits.iter().filter(|hit| hit.info.table == info.table).map(|hit| hit.id).collect();
        let hidden = Hidden::of(scope, info, search);
        let mut sql = scope.sql();
        let (stage, language) = (scope.stage.schema(), search.language);
        sql.push("WITH q AS MATERIALIZED (SELECT ");
        push_query(search, words, &rules, &mut sql);
        sql.push(&format!(
            " AS q) SELECT entry, path, text, ts_headline('{language}', sort.bare(text), (SELECT q.q FROM q), \
            'HighlightAll=true, StartSel={OPEN}, StopSel={CLOSE}') FROM (\
            SELECT s.entry, n, p->>1 AS path, left(translate(normalize(p->>2, NFC), '{OPEN}{CLOSE}', ''), {LOOKED_AT}) AS text \
            FROM search.{stage} s, jsonb_array_elements(s.parts) WITH ORDINALITY r(p, n) \
            WHERE p->>2 <> '' AND s.type = '{}' AND s.entry = ANY(",
            info.table
        ));
        sql.ids().push(") AND p->>1 <> ALL(");
        let paths = sql.list(hidden.paths.iter().map(|path| format!("\"{path}\"")), "text[]");
        sql.push(&paths).push(")) x ORDER BY entry, n");
        for row in request.rows_for(sql, &ids).await? {
            let (entry, path, text, bare): (Uuid, String, String, String) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
            if let Some(marked) = part(api_name(info, &path), &text, &bare) {
                found.entry(entry).or_default().push(marked);
            }
        }
    }
    Ok(found)
}

/// `description`, `brand.name`: as the API names them.
fn api_name(info: &'static ContentInfo, path: &str) -> String {
    let (first, second) = path.split_once('.').map_or((path, None), |(first, second)| (first, Some(second)));
    let Some(field) = info.fields.iter().find(|field| field.snake == first) else { return path.to_owned() };
    let of = match field.shape {
        Shape::Children(child) => Some(child),
        Shape::One(to) | Shape::Many(to) => Some(to.to[0]),
        _ => None,
    };
    let inner = second.zip(of).and_then(|(second, of)| of.fields.iter().find(|field| field.snake == second));
    match inner {
        Some(inner) => format!("{}.{}", field.name, inner.name),
        None => field.name.to_owned(),
    }
}

/// The part of the text around its first word that is marked in `bare`, the same text without accents; `None` if none is.
fn part(field: String, text: &str, bare: &str) -> Option<Marked> {
    let text: Vec<char> = text.chars().collect();
    let (mut ranges, mut place, mut open) = (Vec::new(), 0, None);
    for letter in bare.chars() {
        match letter {
            OPEN => open = Some(place),
            CLOSE => ranges.extend(open.take().map(|start| start..place)),
            _ => place += 1,
        }
    }
    // A few letters are longer without accents; then the places do not fit.
    let first = ranges.first().filter(|_| place == text.len())?.start;
    let is_space = |place: &usize| text[*place].is_whitespace();
    let (start, end) = if text.len() <= SHOWN {
        (0, text.len())
    } else {
        let from = first.saturating_sub(BEFORE);
        let start = if from == 0 { 0 } else { (from..first).find(is_space).map_or(from, |space| space + 1) };
        let to = (start + SHOWN).min(text.len());
        let end = if to == text.len() { to } else { (start + 1..to).rev().find(is_space).unwrap_or(to) };
        (start, end.max(first + 1))
    };
    let inside = ranges.into_iter().filter(|range| range.start >= start && range.end <= end);
    let ranges: Vec<Range<usize>> = inside.map(|range| range.start - start..range.end - start).collect();
    (!ranges.is_empty()).then(|| Marked { field, text: text[start..end].iter().collect(), ranges })
}

impl Marked {
    /// The text as HTML, with each word in `<mark>`; everything else is escaped.
    pub fn html(&self) -> String {
        let mut html = String::with_capacity(self.text.len() + 32);
        for (place, letter) in self.text.chars().enumerate() {
            if self.ranges.iter().any(|range| range.end == place) {
                html.push_str("</mark>");
            }
            if self.ranges.iter().any(|range| range.start == place) {
                html.push_str("<mark>");
            }
            match letter {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                letter => html.push(letter),
            }
        }
        if self.ranges.iter().any(|range| range.end == self.text.chars().count()) {
            html.push_str("</mark>");
        }
        html
    }

    /// The places of the words in UTF-16 code units, as JavaScript counts.
    pub fn places(&self) -> Vec<Range<usize>> {
        let units: Vec<usize> = std::iter::once(0)
            .chain(self.text.chars().scan(0, |sum, letter| {
                *sum += letter.len_utf16();
                Some(*sum)
            }))
            .collect();
        self.ranges.iter().map(|range| units[range.start]..units[range.end]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, bare: &str) -> Option<Marked> {
        part("name".to_owned(), text, bare)
    }

    #[test]
    fn words_are_marked_in_the_text_as_it_is_written() {
        let marked = of("Café <b> 😀 Crème", "\u{2}cafe\u{3} <b> 😀 \u{2}creme\u{3}").expect("it is marked");
        assert_eq!(marked.html(), "<mark>Café</mark> &lt;b&gt; 😀 <mark>Crème</mark>");
        assert_eq!(marked.places(), [0..4, 12..17]);
        assert_eq!(of("Straße", "strasse"), None, "nothing is marked");
        assert_eq!(of("ﬁn", "\u{2}fin\u{3}"), None, "the places do not fit");
    }

    #[test]
    fn a_long_text_is_shown_from_before_its_first_word() {
        let text = "word ".repeat(100) + "blue " + &"more ".repeat(100);
        let bare = text.replace("blue", "\u{2}blue\u{3}");
        let marked = of(&text, &bare).expect("it is marked");
        assert!(marked.text.chars().count() <= SHOWN && marked.text.starts_with("word "), "{marked:?}");
        assert!(marked.html().contains("<mark>blue</mark>"));
    }
}
