//! What was asked, as PostgreSQL reads it: kept, since many ask for the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What is kept, in bytes. When it is full, all of it goes: those who ask for ever new texts gain nothing by it.
const MOST: usize = 1024 * 1024;
/// What an entry takes besides its texts.
const PLACE: usize = 256;

/// Texts of `tsquery`, and a key as keys are compared.
#[derive(Debug, Default)]
pub struct Parsed {
    pub query: String,
    /// Without what is excluded.
    pub positive: Option<String>,
    /// Without beginnings of words.
    pub strict: String,
    pub key: Option<String>,
}

/// Of a process.
#[derive(Clone, Debug, Default)]
pub struct Texts(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    by_asked: HashMap<String, Arc<Parsed>>,
    bytes: usize,
}

impl Texts {
    pub fn get(&self, asked: &str) -> Option<Arc<Parsed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_asked.get(asked).cloned()
    }

    pub fn put(&self, asked: String, parsed: &Arc<Parsed>) {
        let Parsed { query, positive, strict, key } = &**parsed;
        let optional = positive.as_ref().map_or(0, String::len) + key.as_ref().map_or(0, String::len);
        let bytes = PLACE + asked.len() + query.len() + strict.len() + optional;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + bytes > MOST {
            *kept = Kept::default();
        }
        kept.bytes += bytes;
        kept.by_asked.insert(asked, Arc::clone(parsed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded() {
        let memory = Texts::default();
        let parsed = Arc::new(Parsed { query: "x".repeat(1000), ..Parsed::default() });
        for number in 0..5_000 {
            memory.put(format!("{number}"), &parsed);
            assert!(memory.get(&format!("{number}")).is_some());
            assert!(memory.0.lock().unwrap().bytes <= MOST);
        }
        assert!(memory.get("0").is_none());
    }
}
