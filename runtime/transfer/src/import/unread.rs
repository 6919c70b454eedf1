//! Reports keys that a mapping reads but no record has; most of them are misspelt.

use serde_json::Value as Json;

use crate::import::near::nearest;
use crate::import::yaml::{Fault, Place};

/// The most records, and keys of each, that are searched for a similar name.
const LOOKED_AT: u64 = 100;
const MOST_KEYS: usize = 1_000;
/// The most columns that are listed.
const LISTED: usize = 12;

/// A key of the record, or of one of its rows, and where the mapping first names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub name: String,
    pub place: Place,
}

/// Grows with the mapping, not with the file.
#[derive(Default)]
pub struct Unread {
    wanted: Vec<(Key, Option<String>)>,
    records: u64,
}

impl Unread {
    pub fn new(keys: Vec<Key>) -> Self {
        Self { wanted: keys.into_iter().map(|key| (key, None)).collect(), records: 0 }
    }

    /// Names that are not columns of the table. The others exist, so nothing remains to search.
    pub fn without(&mut self, columns: &[String]) -> Vec<Fault> {
        let wanted = std::mem::take(&mut self.wanted).into_iter().map(|(key, _)| key);
        // The columns are listed once, because a file may have only some of those that the mapping names.
        let mut listed = false;
        let fault = |key: Key| {
            let message = format!("warning: `{}` is not a column of the table", key.name);
            let fault = Fault::new(key.place, message);
            match nearest(&key.name, columns.iter().map(String::as_str)) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None if std::mem::replace(&mut listed, true) => fault,
                None => {
                    let more = if columns.len() > LISTED { ", ..." } else { "" };
                    fault.help(format!("its columns are {}{more}", columns[..columns.len().min(LISTED)].join(", ")))
                }
            }
        };
        wanted.filter(|key| !columns.contains(&key.name)).map(fault).collect()
    }

    pub fn see(&mut self, record: Option<&Json>) {
        let Some(Json::Object(record)) = record else { return };
        self.records += 1;
        if self.wanted.is_empty() {
            return;
        }
        self.wanted.retain(|(key, _)| !record.contains_key(&key.name));
        if self.records <= LOOKED_AT {
            for (key, near) in &mut self.wanted {
                let keys = record.keys().take(MOST_KEYS).map(String::as_str);
                let better = nearest(&key.name, near.as_deref().into_iter().chain(keys)).map(str::to_owned);
                *near = better;
            }
        }
    }

    /// Keys that no record had, once all are read.
    pub fn left(self) -> Vec<Fault> {
        if self.records == 0 {
            return Vec::new();
        }
        let fault = |(key, near): (Key, Option<String>)| {
            let fault =
                Fault::new(key.place, format!("warning: the mapping reads `{}`, which no record has", key.name));
            match near {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault,
            }
        };
        self.wanted.into_iter().map(fault).collect()
    }
}
