//! What a process holds of searches: what editors say of them, and how often visitors ask for what.

mod texts;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use uuid::Uuid;

pub use self::texts::{Parsed, Texts};

/// Queries that a process counts between two rounds, and characters of a query.
const MOST_COUNTED: usize = 1_000;
const LONGEST: usize = 100;

/// An entry that a rule names, by table and id.
pub type Named = (String, Uuid);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// As it was written.
    pub query: String,
    /// In their order.
    pub pinned: Vec<Named>,
    pub hidden: Vec<Named>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Synonyms {
    pub id: Uuid,
    pub words: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Rules {
    rules: HashMap<String, Rule>,
    synonyms: Vec<Synonyms>,
}

/// The rules as this process knows them.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<RwLock<Arc<Rules>>>);

impl Kept {
    pub fn now(&self) -> Arc<Rules> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn put(&self, rules: Rules) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }
}

/// A query as rules know it: case and spaces do not matter.
pub fn key(query: &str) -> String {
    query.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

impl Rules {
    pub fn of_site(rules: Vec<Rule>, synonyms: Vec<Synonyms>) -> Self {
        Self { rules: rules.into_iter().map(|rule| (key(&rule.query), rule)).collect(), synonyms }
    }

    /// The rule of a query.
    pub fn of(&self, query: &str) -> Option<&Rule> {
        if self.rules.is_empty() { None } else { self.rules.get(&key(query)) }
    }

    /// The groups that may change a query: one of its words begins like one of theirs.
    pub fn synonyms_of(&self, query: &str) -> impl Iterator<Item = &[String]> {
        let starts = if self.synonyms.is_empty() { HashSet::new() } else { starts(query) };
        let may = move |group: &&Synonyms| group.words.iter().any(|word| !starts.is_disjoint(&self::starts(word)));
        self.synonyms.iter().filter(may).map(|group| group.words.as_slice())
    }
}

/// The first letters of the words of a text.
pub fn starts(text: &str) -> HashSet<char> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter_map(start).collect()
}

/// The first letter, since others may change with the form and the accents of a word.
fn start(word: &str) -> Option<char> {
    let plain = deunicode::deunicode(word).to_lowercase();
    plain.chars().find(|letter| letter.is_alphanumeric())
}

/// The counts of this process since the last round.
#[derive(Clone, Debug, Default)]
pub struct Asked(Arc<Mutex<HashMap<String, (i64, i64)>>>);

impl Asked {
    pub fn count(&self, query: &str, has_result: bool) {
        let query = key(query);
        if query.is_empty() || query.chars().count() > LONGEST || query.contains('\0') {
            return;
        }
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MOST_COUNTED && !counts.contains_key(&query) {
            return;
        }
        let count = counts.entry(query).or_default();
        count.0 += 1;
        count.1 += i64::from(!has_result);
    }

    pub fn take(&self) -> HashMap<String, (i64, i64)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
