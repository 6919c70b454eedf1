//! Makes a `Query` of what is asked. PostgreSQL reads the text, so that operators, stop words, synonyms, hyphens and
//! measures mean the same whoever answers; its `tsquery` is read here.

use std::collections::HashMap;

use serde_json::Value as Json;
use sqlx::Row as _;

use super::matches::{Words, push_text};
use crate::Scope;
use crate::backend::Query;
use crate::read::Request;
use crate::searched::Rules;
use base::error::Result;
use model::content::ContentInfo;

/// Phrases that one with several words in a place stands for, and parentheses within each other.
const MOST_PHRASES: usize = 64;
const DEEPEST: usize = 64;
/// Letters of the beginning of a word.
const SHORTEST: usize = 3;

/// What is asked of each type; `None` if the engine cannot be asked for it.
pub(super) async fn queries(
    request: &Request<'_>,
    scope: Scope<'_>,
    types: &[&'static ContentInfo],
    words: Words<'_>,
    rules: &Rules,
) -> Result<Option<Vec<Option<Query>>>> {
    let kind = if matches!(words, Words::Some(_)) { "some" } else { "query" };
    let mut sql = scope.sql();
    sql.push("SELECT told::text FROM (");
    for (place, info) in types.iter().enumerate() {
        let Some(search) = info.search else { return Ok(None) };
        let before = if place == 0 { "" } else { " UNION ALL " };
        sql.push(&format!("{before}SELECT {place} AS place, search.told('{kind}', '{}', ", search.language));
        push_text(search, words.text(), rules, &mut sql);
        sql.push(") AS told");
    }
    sql.push(") x ORDER BY place");
    let mut queries = Vec::with_capacity(types.len());
    for row in request.rows(sql).await? {
        let told: Json = serde_json::from_str(row.try_get(0)?).unwrap_or_default();
        if told["finds"] != Json::Bool(true) {
            queries.push(None);
            continue;
        }
        let stems = told["stems"].as_object().into_iter().flatten();
        let stems = stems.map(|(word, stem)| (word.clone(), stem.as_str().unwrap_or_default().to_owned())).collect();
        match Node::read(told["query"].as_str().unwrap_or_default()).and_then(|node| node.query(&stems)) {
            Some(query) => queries.push(query),
            None => return Ok(None),
        }
    }
    Ok((queries.len() == types.len()).then_some(queries))
}

/// A `tsquery`.
#[derive(Debug, PartialEq)]
enum Node {
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Next(Box<Node>, Box<Node>),
    Word(String),
    Begins(String),
}

impl Node {
    /// `None` if it has what an engine is not asked for.
    fn read(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text, depth: 0 };
        let node = reader.any()?;
        reader.rest.trim_start().is_empty().then_some(node)
    }

    /// The inner `None` stands for stop words alone.
    #[expect(clippy::option_option, reason = "one is what cannot be asked, the other what need not be")]
    fn query(&self, stems: &HashMap<String, String>) -> Option<Option<Query>> {
        let stem = |word: &str| stems.get(word).map_or("", String::as_str);
        let both = |one: &Self, other: &Self| -> Option<Vec<Query>> {
            let both = [one.query(stems)?, other.query(stems)?];
            Some(both.into_iter().flatten().collect())
        };
        Some(match self {
            Self::And(one, other) => joined(both(one, other)?, Query::All),
            Self::Or(one, other) => joined(both(one, other)?, Query::Any),
            Self::Not(node) => node.query(stems)?.map(|query| Query::Not(Box::new(query))),
            Self::Word(word) => (!stem(word).is_empty()).then(|| Query::Word(word.clone())),
            Self::Begins(word) => {
                // The index has stems, which a longer form does not begin.
                let beginning = match Self::read(stem(word)) {
                    Some(Self::Word(stem)) => stem,
                    _ => word.clone(),
                };
                let is_any = !stem(word).is_empty() && beginning.chars().count() >= SHORTEST;
                is_any.then_some(Query::Begins(beginning))
            }
            Self::Next(..) => {
                let phrases = self.phrases()?.into_iter();
                let phrases = phrases.filter(|phrase| phrase.iter().any(|word| !stem(word).is_empty()));
                joined(phrases.map(Query::Phrase).collect(), Query::Any)
            }
        })
    }

    /// The phrases that it stands for.
    fn phrases(&self) -> Option<Vec<Vec<String>>> {
        let phrases = match self {
            Self::Word(word) => vec![vec![word.clone()]],
            Self::Or(one, other) => [one.phrases()?, other.phrases()?].concat(),
            Self::Next(one, other) => {
                let (ones, others) = (one.phrases()?, other.phrases()?);
                ones.iter().flat_map(|one| others.iter().map(move |other| [one.as_slice(), other].concat())).collect()
            }
            Self::And(..) | Self::Not(_) | Self::Begins(_) => return None,
        };
        (phrases.len() <= MOST_PHRASES).then_some(phrases)
    }
}

/// Flat, and without what is said twice.
fn joined(queries: Vec<Query>, by: fn(Vec<Query>) -> Query) -> Option<Query> {
    let mut flat: Vec<Query> = Vec::new();
    for query in queries {
        let inner = match (query, by(Vec::new())) {
            (Query::All(inner), Query::All(_)) | (Query::Any(inner), Query::Any(_)) => inner,
            (query, _) => vec![query],
        };
        for query in inner {
            if !flat.contains(&query) {
                flat.push(query);
            }
        }
    }
    if flat.len() > 1 { Some(by(flat)) } else { flat.pop() }
}

/// Reads the text of a `tsquery`: `!` binds most, then `<->`, `&` and `|`.
struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        let taken = rest.strip_prefix(sign);
        self.rest = taken.unwrap_or(rest);
        taken.is_some()
    }

    fn chain(
        &mut self,
        sign: &str,
        part: fn(&mut Self) -> Option<Node>,
        join: fn(Box<Node>, Box<Node>) -> Node,
    ) -> Option<Node> {
        let mut node = part(self)?;
        while self.takes(sign) {
            node = join(Box::new(node), Box::new(part(self)?));
        }
        Some(node)
    }

    fn any(&mut self) -> Option<Node> {
        self.chain("|", Self::all, Node::Or)
    }

    fn all(&mut self) -> Option<Node> {
        self.chain("&", Self::phrase, Node::And)
    }

    fn phrase(&mut self) -> Option<Node> {
        self.chain("<->", Self::one, Node::Next)
    }

    fn one(&mut self) -> Option<Node> {
        if self.takes("!") {
            return Some(Node::Not(Box::new(self.one()?)));
        }
        if self.takes("(") {
            self.depth += 1;
            let node = if self.depth > DEEPEST { None } else { self.any() };
            self.depth -= 1;
            return node.filter(|_| self.takes(")"));
        }
        self.takes("'").then_some(())?;
        let mut word = String::new();
        let mut letters = self.rest.char_indices().peekable();
        let end = loop {
            match letters.next()? {
                (place, '\'') if letters.peek().is_none_or(|(_, next)| *next != '\'') => break place + 1,
                // A quote or a backslash is written twice.
                (_, letter @ ('\'' | '\\')) => {
                    letters.next();
                    word.push(letter);
                }
                (_, letter) => word.push(letter),
            }
        };
        self.rest = &self.rest[end..];
        let Some(mark) = self.rest.strip_prefix(':') else { return Some(Node::Word(word)) };
        let rest = mark.trim_start_matches(['*', 'A', 'B', 'C', 'D']);
        let marks = &mark[..mark.len() - rest.len()];
        self.rest = rest;
        // A weight would be a condition on the text.
        (marks == "*").then_some(Node::Begins(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str, stems: &[(&str, &str)]) -> Option<Option<Query>> {
        let stems = stems.iter().map(|(word, stem)| ((*word).to_owned(), (*stem).to_owned())).collect();
        Node::read(text)?.query(&stems)
    }

    fn word(text: &str) -> Query {
        Query::Word(text.to_owned())
    }

    #[test]
    fn a_query_of_postgresql_is_read_as_a_tree() {
        let stems = [("the", ""), ("red", "'red'"), ("shoes", "'shoe'"), ("o'neil", "'o''neil'"), ("blue", "'blue'")];
        let read = query("( 'the' | 'the':* ) & ( 'shoes' | 'shoes':* ) & !'blue'", &stems);
        let shoes = Query::Any(vec![word("shoes"), Query::Begins("shoe".into())]);
        assert_eq!(read, Some(Some(Query::All(vec![shoes, Query::Not(Box::new(word("blue")))]))));
        assert_eq!(
            query("'o''neil' | 'red' & 'red'", &stems).flatten(),
            Some(Query::Any(vec![word("o'neil"), word("red")]))
        );
        assert_eq!(query("'the'", &stems), Some(None), "a stop word is not looked for");
        let phrase = |words: &[&str]| Query::Phrase(words.iter().map(|word| (*word).to_owned()).collect());
        let read = query("'red' <-> ( 'shoes' | 'blue' <-> 'the' )", &stems).flatten();
        assert_eq!(read, Some(Query::Any(vec![phrase(&["red", "shoes"]), phrase(&["red", "blue", "the"])])));
    }

    #[test]
    fn what_an_engine_is_not_asked_for_is_none() {
        for text in ["'a' <2> 'b'", "'a':AB", "'a' <-> !'b'", "'a' &", "'a", "", "('a'", "'a' 'b'"] {
            assert_eq!(query(text, &[("a", "'a'"), ("b", "'b'")]), None, "{text}");
        }
        assert_eq!(Node::read(&("(".repeat(100) + "'a'" + &")".repeat(100))), None);
    }
}
