//! Limits on connections: how many there are in total, and how many one address may have.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::access::Network;

/// Behind a trusted proxy, clients are told apart by requests rather than connections; then requests are counted.
#[derive(Debug)]
pub struct Places {
    all: usize,
    by_network: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_network: HashMap<Network, usize>,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    All,
    OfNetwork,
}

/// Released when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    /// `None` for a trusted proxy, which many clients share.
    network: Option<Network>,
}

impl Places {
    pub fn new(all: usize, by_network: usize) -> Arc<Self> {
        Arc::new(Self { all, by_network, taken: Mutex::default() })
    }

    pub fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Place, NoPlace> {
        let network = address.map(Network::of);
        let mut taken = self.taken();
        if taken.all >= self.all {
            return Err(NoPlace::All);
        }
        if let Some(network) = network {
            let of_network = taken.by_network.entry(network).or_default();
            if *of_network >= self.by_network {
                return Err(NoPlace::OfNetwork);
            }
            *of_network += 1;
        }
        taken.all += 1;
        drop(taken);
        Ok(Place { places: Arc::clone(self), network })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(network) = self.network
            && let Some(of_network) = taken.by_network.get_mut(&network)
        {
            *of_network -= 1;
            if *of_network == 0 {
                taken.by_network.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_has_its_share_and_places_come_back() {
        let places = Places::new(4, 2);
        let take = |text: &str| places.take(Some(text.parse().unwrap()));
        let first = take("192.0.2.1").unwrap();
        let _second = take("192.0.2.1").unwrap();
        assert_eq!(take("192.0.2.1").unwrap_err(), NoPlace::OfNetwork);
        assert_eq!(take("::ffff:192.0.2.1").unwrap_err(), NoPlace::OfNetwork);
        let third = take("2001:db8::1").unwrap();
        let _fourth = take("2001:db8::2").unwrap();
        assert_eq!(take("192.0.2.2").unwrap_err(), NoPlace::All);
        drop(third);
        let third = take("2001:db8::3").unwrap();
        drop((first, third));
        let _proxies = [places.take(None).unwrap(), places.take(None).unwrap()];
        assert_eq!(places.take(None).unwrap_err(), NoPlace::All);
        drop((_second, _fourth, _proxies));
        assert!(places.taken().by_network.is_empty() && places.taken().all == 0);
    }
}
