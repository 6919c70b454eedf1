//! `Subscriptions`: how many there are, of all clients and of each one, what became of them, and the signal to end them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::bounds::Bounds;
use base::background::{Stop, Stopper};
use base::error::{Code, Error, Result};
use base::memory::Memory;
use store::access::{Actor, Identity, Network};

/// How long open sockets may take to say goodbye when the server stops.
const FAREWELL: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);

/// Why a subscription ended, for the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client has completed it, or is gone.
    Client,
    /// Its session ended, or its rights changed.
    Rights,
    /// The client did not read what it was sent, or was too far behind.
    Slow,
    /// The server stops.
    Stop,
    /// It failed.
    Failed,
}

#[derive(Debug)]
pub struct Subscriptions {
    all: usize,
    by_client: usize,
    pub by_connection: usize,
    /// What WebSockets keep of messages that clients have begun to send.
    pub unread: Arc<Memory>,
    taken: Mutex<Taken>,
    sockets: AtomicUsize,
    begun: AtomicU64,
    events: AtomicU64,
    ended: [AtomicU64; End::ALL.len()],
    stopper: Stopper,
    stop: Stop,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_client: HashMap<Client, usize>,
}

/// Whom a subscription is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Client {
    Account(Uuid),
    Network(Network),
}

/// The place of a subscription. Free again when it is dropped.
#[derive(Debug)]
pub struct Seat {
    of: Arc<Subscriptions>,
    client: Client,
}

/// An open WebSocket, counted until it is dropped.
#[derive(Debug)]
pub struct OpenSocket(Arc<Subscriptions>);

impl End {
    pub const ALL: [Self; 5] = [Self::Client, Self::Rights, Self::Slow, Self::Stop, Self::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Rights => "rights",
            Self::Slow => "slow",
            Self::Stop => "stop",
            Self::Failed => "failed",
        }
    }

    /// Of a subscription that ended with this error.
    pub fn of(code: Code) -> Self {
        match code {
            Code::Unauthenticated | Code::Forbidden | Code::EnrolmentRequired => Self::Rights,
            Code::TooSlow => Self::Slow,
            _ => Self::Failed,
        }
    }
}

impl Subscriptions {
    pub fn new(bounds: &Bounds) -> Arc<Self> {
        let (stopper, stop) = Stopper::new();
        Arc::new(Self {
            all: bounds.subscriptions,
            by_client: bounds.subscriptions_by_client,
            by_connection: bounds.subscriptions_by_connection,
            unread: Memory::new(bounds.bodies),
            taken: Mutex::default(),
            sockets: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            events: AtomicU64::new(0),
            ended: Default::default(),
            stopper,
            stop,
        })
    }

    pub fn take(self: &Arc<Self>, actor: &Actor, address: Option<IpAddr>) -> Result<Seat> {
        let client = match actor.identity {
            Identity::User { id, .. } | Identity::Token { id } => Client::Account(id),
            Identity::Anonymous | Identity::Developer | Identity::System => {
                Client::Network(Network::of(address.unwrap_or(Ipv4Addr::UNSPECIFIED.into())))
            }
        };
        let mut taken = self.taken();
        if taken.all >= self.all {
            return Err(Error::new(Code::Unavailable, "the server has too many subscriptions: try again later"));
        }
        let of_client = taken.by_client.entry(client).or_default();
        if *of_client >= self.by_client {
            let message = format!("you have {of_client} subscriptions, the limit is {}", self.by_client);
            return Err(Error::new(Code::LimitExceeded, message));
        }
        *of_client += 1;
        taken.all += 1;
        drop(taken);
        Ok(Seat { of: Arc::clone(self), client })
    }

    /// There are as many sockets as subscriptions at most.
    pub fn open(self: &Arc<Self>) -> Result<OpenSocket> {
        let before = self.sockets.fetch_add(1, Ordering::Relaxed);
        let socket = OpenSocket(Arc::clone(self));
        match before < self.all {
            true => Ok(socket),
            false => Err(Error::new(Code::Unavailable, "the server has too many WebSockets: try again later")),
        }
    }

    /// One more tells of changes from now on.
    pub fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    pub fn told(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    pub fn ended(&self, why: End) {
        self.ended[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Subscriptions and sockets that are open.
    pub fn active(&self) -> (usize, usize) {
        (self.taken().all, self.sockets.load(Ordering::Relaxed))
    }

    pub fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// `(reason, number)`.
    pub fn ends(&self) -> impl Iterator<Item = (&'static str, u64)> {
        End::ALL.into_iter().map(|end| (end.as_str(), self.ended[end as usize].load(Ordering::Relaxed)))
    }

    /// Ends all of them, since the server stops.
    pub fn stop(&self) {
        self.stopper.drain();
    }

    pub fn stopping(&self) -> Stop {
        self.stop.clone()
    }

    /// Waits until the sockets are closed. Graceful shutdown knows only of HTTP.
    pub async fn closed(&self) {
        let closed = async {
            while self.sockets.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(FAREWELL, closed).await.is_err() {
            tracing::warn!(seconds = FAREWELL.as_secs(), "stopped with open WebSockets");
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.of.taken();
        taken.all -= 1;
        if let Some(of_client) = taken.by_client.get_mut(&self.client) {
            *of_client -= 1;
            if *of_client == 0 {
                taken.by_client.remove(&self.client);
            }
        }
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::access::Origin;

    #[test]
    fn a_client_has_its_share_and_seats_come_back() {
        let bounds = Bounds { subscriptions: 3, subscriptions_by_client: 2, ..Bounds::default() };
        let all = Subscriptions::new(&bounds);
        let visitor = Actor::anonymous(Origin::default());
        let take = |address: &str| all.take(&visitor, Some(address.parse().unwrap()));
        let first = (take("192.0.2.1").unwrap(), take("192.0.2.1").unwrap());
        assert_eq!(take("192.0.2.1").unwrap_err().problems[0].code, Code::LimitExceeded);
        let _other = take("192.0.2.2").unwrap();
        assert_eq!(take("192.0.2.3").unwrap_err().problems[0].code, Code::Unavailable);
        drop(first);
        assert_eq!(all.active(), (1, 0));
        assert_eq!(all.taken().by_client.len(), 1);
        let open: Vec<_> = (0..3).map(|_| all.open().unwrap()).collect();
        assert!(all.open().is_err());
        drop(open);
        assert_eq!(all.active(), (1, 0));
    }
}
