//! Single flight: of several requests for the same response, one reads it and the others wait.
//!
//! Nobody gets the result of the one that reads by waiting for it alone: who has waited looks into the cache again, and finds it only if
//! it is still valid then. So a request never gets a response that was read before a write that it knows of.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::key::Key;

#[derive(Debug, Default)]
pub struct Flights {
    under_way: Mutex<HashMap<Key, UnderWay>>,
}

#[derive(Debug)]
struct UnderWay {
    /// Told when the flight has ended, and closed if it was given up.
    end: watch::Receiver<()>,
    is_overtaken: bool,
}

/// The turn of a request that reads. If it is dropped before [`Flight::end`], its client is gone, and another one takes its turn.
#[derive(Debug)]
pub struct Flight {
    flights: Arc<Flights>,
    pub(crate) key: Key,
    end: watch::Sender<()>,
}

impl Flights {
    /// Begins a flight, or returns the end of the one under way.
    pub fn board(self: &Arc<Self>, key: Key) -> Result<Flight, watch::Receiver<()>> {
        match self.under_way().entry(key) {
            Entry::Occupied(known) => Err(known.get().end.clone()),
            Entry::Vacant(place) => {
                let (sender, end) = watch::channel(());
                place.insert(UnderWay { end, is_overtaken: false });
                Ok(Flight { flights: Arc::clone(self), key, end: sender })
            }
        }
    }

    /// Somebody has read the same beside the flight, maybe later than it.
    pub fn overtake(&self, key: &Key) {
        if let Some(flight) = self.under_way().get_mut(key) {
            flight.is_overtaken = true;
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<Key, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// There is a result, whether it is kept or not.
    pub fn end(self) {
        self.end.send_replace(());
    }

    /// Stores the result, unless somebody has overtaken the flight. Who overtakes it waits meanwhile. Returns whether it is stored.
    pub(crate) fn land(&self, store: impl FnOnce()) -> bool {
        let under_way = self.flights.under_way();
        let is_first = under_way.get(&self.key).is_some_and(|flight| !flight.is_overtaken);
        if is_first {
            store();
        }
        is_first
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.under_way().remove(&self.key);
    }
}
