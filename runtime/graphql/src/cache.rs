//! A bounded cache of plans by document. Reads are cheap, and unused entries are evicted.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Two generations: a used entry moves into the young one. When that is full, the old one is dropped. Entries in use
/// therefore stay, at the cost of one map lookup.
pub struct Cache<K, V> {
    generations: Mutex<Generations<K, V>>,
    /// The maximum weight of one generation.
    capacity: usize,
}

/// The size of an entry in the table, which may be half empty.
const fn place<K, V>() -> usize {
    2 * size_of::<(K, (Arc<V>, usize))>()
}

struct Generations<K, V> {
    young: HashMap<K, (Arc<V>, usize)>,
    old: HashMap<K, (Arc<V>, usize)>,
    weight: usize,
    /// The weight of the old generation.
    old_weight: usize,
    hits: u64,
    misses: u64,
}

/// The content of a cache and its hit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub entries: usize,
    pub bytes: usize,
    pub hits: u64,
    pub misses: u64,
}

impl<K: Hash + Eq + Clone, V> Cache<K, V> {
    /// Holds at most this weight.
    pub fn new(weight: usize) -> Self {
        let generations =
            Generations { young: HashMap::new(), old: HashMap::new(), weight: 0, old_weight: 0, hits: 0, misses: 0 };
        Self { generations: Mutex::new(generations), capacity: weight / 2 }
    }

    pub fn get(&self, key: &K) -> Option<Arc<V>> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((value, _)) = generations.young.get(key) {
            let value = value.clone();
            generations.hits += 1;
            return Some(value);
        }
        let Some((value, weight)) = generations.old.remove(key) else {
            generations.misses += 1;
            return None;
        };
        generations.hits += 1;
        generations.old_weight -= weight;
        generations.insert(key.clone(), value.clone(), weight, self.capacity);
        Some(value)
    }

    pub fn usage(&self) -> Usage {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        Usage {
            entries: generations.young.len() + generations.old.len(),
            bytes: generations.weight + generations.old_weight,
            hits: generations.hits,
            misses: generations.misses,
        }
    }

    /// `weight` is the heap size of the key and the value.
    pub fn insert(&self, key: K, value: Arc<V>, weight: usize) {
        let weight = weight + place::<K, V>();
        if weight <= self.capacity {
            let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
            generations.insert(key, value, weight, self.capacity);
        }
    }
}

impl<K: Hash + Eq, V> Generations<K, V> {
    fn insert(&mut self, key: K, value: Arc<V>, weight: usize, capacity: usize) {
        if self.weight + weight > capacity {
            self.old = std::mem::take(&mut self.young);
            self.old_weight = self.weight;
            self.weight = 0;
        }
        self.weight += weight;
        if let Some((_, replaced)) = self.young.insert(key, (value, weight)) {
            self.weight -= replaced;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: usize = place::<&str, i32>();

    #[test]
    fn what_is_used_stays_and_what_is_not_leaves() {
        let cache = Cache::new(8 * (PLACE + 1));
        cache.insert("used", Arc::new(0), 1);
        for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
            cache.insert(key, Arc::new(1), 1);
            assert!(cache.get(&"used").is_some());
        }
        assert!(cache.get(&"a").is_none());
        assert!(cache.get(&"i").is_some());
        let usage = cache.usage();
        assert_eq!((usage.hits, usage.misses), (10, 1));
        assert_eq!(usage.bytes, usage.entries * (PLACE + 1));
    }

    #[test]
    fn no_more_than_the_weight_is_kept_and_nothing_heavier_than_half_of_it() {
        let cache = Cache::new(8 * (PLACE + 10));
        let keys = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];
        for key in keys {
            cache.insert(key, Arc::new(1), 10);
        }
        assert!(keys.iter().filter(|key| cache.get(key).is_some()).count() <= 8);
        cache.insert("heavy", Arc::new(1), 4 * (PLACE + 10) + 1);
        assert!(cache.get(&"heavy").is_none());
    }
}
