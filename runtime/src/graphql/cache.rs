//! A bounded map of what was made for known documents: cheap to read, and old entries leave.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Two generations: what is used moves into the young one, and when that is full the old one is dropped. So everything
/// that is in use stays, at the cost of one map look-up.
pub struct Cache<K, V> {
    generations: Mutex<Generations<K, V>>,
    /// Weight of one generation.
    capacity: usize,
}

struct Generations<K, V> {
    young: HashMap<K, (Arc<V>, usize)>,
    old: HashMap<K, (Arc<V>, usize)>,
    weight: usize,
}

impl<K: Hash + Eq + Clone, V> Cache<K, V> {
    /// Holds at most twice this weight.
    pub fn new(capacity: usize) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new(), weight: 0 };
        Self { generations: Mutex::new(generations), capacity }
    }

    pub fn get(&self, key: &K) -> Option<Arc<V>> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((value, _)) = generations.young.get(key) {
            return Some(value.clone());
        }
        let (value, weight) = generations.old.remove(key)?;
        generations.insert(key.clone(), value.clone(), weight, self.capacity);
        Some(value)
    }

    pub fn insert(&self, key: K, value: Arc<V>, weight: usize) {
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

    #[test]
    fn what_is_used_stays_and_what_is_not_leaves() {
        let cache = Cache::new(4);
        cache.insert("used", Arc::new(0), 1);
        for key in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
            cache.insert(key, Arc::new(1), 1);
            assert!(cache.get(&"used").is_some());
        }
        assert!(cache.get(&"a").is_none());
        assert!(cache.get(&"i").is_some());
    }

    #[test]
    fn nothing_heavier_than_the_cache_is_kept() {
        let cache = Cache::new(4);
        cache.insert("heavy", Arc::new(()), 5);
        assert!(cache.get(&"heavy").is_none());
    }
}
