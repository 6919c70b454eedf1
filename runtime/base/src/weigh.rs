//! The heap size of values, for caches with a limit in bytes. It is never too low, and only slightly too high.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::error::Step;

/// The overhead of an allocator for each block, including rounding.
const ACCOUNT: usize = 16;

/// Adds up the sizes of values; shared ones are counted once.
#[derive(Default)]
pub struct Scales {
    seen: HashSet<usize>,
    total: usize,
}

pub trait Weigh {
    /// Adds the heap size of the value, without its own size.
    fn weigh(&self, scales: &mut Scales);
}

/// The size of a value and everything that it owns.
pub fn weight(value: &impl Weigh) -> usize {
    let mut scales = Scales::default();
    scales.block(size_of_val(value));
    value.weigh(&mut scales);
    scales.total
}

impl Scales {
    pub fn block(&mut self, bytes: usize) {
        if bytes > 0 {
            self.total += (bytes + ACCOUNT).next_multiple_of(ACCOUNT);
        }
    }

    /// Counts the target of an `Arc` if it is new; returns whether it is.
    pub fn shared<T: ?Sized>(&mut self, shared: &Arc<T>) -> bool {
        let is_new = self.seen.insert(Arc::as_ptr(shared).cast::<u8>().addr());
        if is_new {
            self.block(size_of_val(&**shared) + 2 * size_of::<usize>());
        }
        is_new
    }

    /// The buckets of a hash table: a power of two with an eighth free, and a control byte for each.
    pub fn table<T>(&mut self, capacity: usize) {
        if capacity > 0 {
            let buckets = (capacity * 8 / 7 + 1).next_power_of_two();
            self.block(buckets * (size_of::<T>() + 1) + 2 * ACCOUNT);
        }
    }
}

impl<T: Weigh> Weigh for Vec<T> {
    fn weigh(&self, scales: &mut Scales) {
        scales.block(self.capacity() * size_of::<T>());
        self.iter().for_each(|item| item.weigh(scales));
    }
}

impl<T: Weigh> Weigh for Box<[T]> {
    fn weigh(&self, scales: &mut Scales) {
        scales.block(size_of_val(&**self));
        self.iter().for_each(|item| item.weigh(scales));
    }
}

impl<T: Weigh + ?Sized> Weigh for Arc<T> {
    fn weigh(&self, scales: &mut Scales) {
        if scales.shared(self) {
            (**self).weigh(scales);
        }
    }
}

impl<T: Weigh> Weigh for [T] {
    fn weigh(&self, scales: &mut Scales) {
        self.iter().for_each(|item| item.weigh(scales));
    }
}

impl<T: Weigh> Weigh for Option<T> {
    fn weigh(&self, scales: &mut Scales) {
        if let Some(value) = self {
            value.weigh(scales);
        }
    }
}

impl<A: Weigh, B: Weigh> Weigh for (A, B) {
    fn weigh(&self, scales: &mut Scales) {
        self.0.weigh(scales);
        self.1.weigh(scales);
    }
}

impl Weigh for String {
    fn weigh(&self, scales: &mut Scales) {
        scales.block(self.capacity());
    }
}

impl Weigh for str {
    fn weigh(&self, _: &mut Scales) {}
}

macro_rules! nothing_on_the_heap {
    ($($ty:ty),*) => {
        $(impl Weigh for $ty {
            fn weigh(&self, _: &mut Scales) {}
        })*
    };
}
nothing_on_the_heap!(u8, usize, bool, u64, &'static str);

impl Weigh for Step {
    fn weigh(&self, scales: &mut Scales) {
        if let Self::Key(key) = self {
            key.weigh(scales);
        }
    }
}

impl Weigh for Json {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Null | Self::Bool(_) => {}
            Self::Number(number) => scales.block(number.to_string().len()),
            Self::String(text) => text.weigh(scales),
            Self::Array(items) => items.weigh(scales),
            Self::Object(entries) => {
                scales.table::<(usize, String, Self)>(entries.len() * 2);
                for (key, value) in entries {
                    key.weigh(scales);
                    value.weigh(scales);
                }
            }
        }
    }
}
