//! `Feed`: the new changes of all entries, for the subscriptions of this process. One follower in the crate `events` reads them once,
//! whatever the number of subscriptions, and does nothing while there are none.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::timeout;
use uuid::Uuid;

use crate::hooks::EventKind;
use base::error::{Code, Error, Result};
use model::content::ContentInfo;

/// Changes that are kept for the slowest subscription; one that is further behind reads the outbox.
const RING: usize = 1024;
/// How long a new subscription waits for the follower, which gives positions to older changes first.
const START: Duration = Duration::from_secs(10);

/// A change without the values of the entry.
#[derive(Clone, Debug)]
pub struct Signal {
    pub position: i64,
    pub kind: EventKind,
    pub of: &'static ContentInfo,
    pub entry: Uuid,
    pub revision: i64,
    /// `FieldInfo::name`, or [`crate::outbox::WAS_LIVE`].
    pub fields: Vec<String>,
}

#[derive(Clone)]
pub struct Feed(Arc<Shared>);

struct Shared {
    ring: broadcast::Sender<Arc<Signal>>,
    /// The position up to which the ring has all changes; `None` while nobody listens.
    head: watch::Sender<Option<i64>>,
    wanted: Notify,
}

/// A subscription's place in the feed.
pub struct Listener {
    feed: Feed,
    ring: broadcast::Receiver<Arc<Signal>>,
    /// Everything up to here was before it.
    pub start: i64,
}

/// The next change of a [`Listener`].
#[derive(Debug)]
pub enum Heard {
    Signal(Arc<Signal>),
    /// The ring has overwritten changes that the listener had not heard.
    Missed,
}

impl Default for Feed {
    fn default() -> Self {
        let (ring, _) = broadcast::channel(RING);
        Self(Arc::new(Shared { ring, head: watch::Sender::new(None), wanted: Notify::new() }))
    }
}

impl Feed {
    /// Starts to listen.
    pub async fn listen(&self) -> Result<Listener> {
        let begun = {
            // While the head is borrowed the follower cannot move: no change is missed and none comes twice.
            let head = self.0.head.borrow();
            (self.0.ring.subscribe(), *head)
        };
        let (ring, start) = match begun {
            (ring, Some(start)) => (ring, start),
            (ring, None) => {
                self.0.wanted.notify_one();
                let mut head = self.0.head.subscribe();
                let followed = timeout(START, head.wait_for(Option::is_some)).await;
                let start = followed.ok().and_then(|head| head.ok().and_then(|head| *head));
                let message = "changes cannot be followed at the moment: try again";
                (ring, start.ok_or_else(|| Error::new(Code::Unavailable, message))?)
            }
        };
        Ok(Listener { feed: self.clone(), ring, start })
    }

    pub fn listeners(&self) -> usize {
        self.0.ring.receiver_count()
    }

    /// For the follower: resolves while somebody listens.
    pub async fn wanted(&self) {
        while self.listeners() == 0 {
            self.0.wanted.notified().await;
        }
    }

    /// For the follower: from now on, changes after this position are sent.
    pub fn begin(&self, position: i64) {
        self.0.head.send_replace(Some(position));
    }

    /// For the follower: ends if nobody listens.
    pub fn ends(&self) -> bool {
        self.0.head.send_if_modified(|head| {
            let ends = self.listeners() == 0;
            if ends {
                *head = None;
            }
            ends
        })
    }

    /// For the follower: sends the next change.
    pub fn send(&self, signal: Signal) {
        self.reach(signal.position);
        // Nobody listens any more.
        let _ = self.0.ring.send(Arc::new(signal));
    }

    /// For the follower: everything up to this position was sent.
    pub fn reach(&self, position: i64) {
        // Nobody has to be told of a later one.
        self.0.head.send_if_modified(|head| {
            *head = Some(position);
            false
        });
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("listeners", &self.listeners()).finish_non_exhaustive()
    }
}

impl Listener {
    /// The last position that the follower has reached.
    pub fn head(&self) -> i64 {
        self.feed.0.head.borrow().unwrap_or(self.start)
    }

    /// The next change. Losing the future loses nothing.
    pub async fn hear(&mut self) -> Heard {
        match self.ring.recv().await {
            Ok(signal) => Heard::Signal(signal),
            Err(RecvError::Lagged(_)) => Heard::Missed,
            // The sender lives as long as the feed, which this holds.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }

    /// Forgets what the ring has.
    pub fn skip(&mut self) {
        while !matches!(self.ring.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static INFO: ContentInfo = ContentInfo {
        name: "Tag",
        table: "tag",
        former: &[],
        plural: "tags",
        drafts: false,
        counted: false,
        retention: model::content::Retention::DEFAULT,
        search: None,
        owner: None,
        path: &[],
        unique: &[],
        fields: &[],
        inverses: &[],
        computed: &[],
        constraints: &[],
    };

    fn signal(position: i64) -> Signal {
        let (kind, entry) = (EventKind::Created, Uuid::nil());
        Signal { position, kind, of: &INFO, entry, revision: 1, fields: Vec::new() }
    }

    #[tokio::test]
    async fn a_listener_starts_where_the_follower_is_and_hears_of_what_it_missed() {
        let feed = Feed::default();
        let (mut first, ()) = tokio::join!(async { feed.listen().await.unwrap() }, async {
            feed.wanted().await;
            feed.begin(7);
        });
        assert_eq!((first.start, feed.listeners()), (7, 1));
        feed.send(signal(8));
        let second = feed.listen().await.unwrap();
        assert_eq!(second.start, 8);
        assert!(matches!(first.hear().await, Heard::Signal(signal) if signal.position == 8));
        (9..9 + 2 * RING as i64).for_each(|position| feed.send(signal(position)));
        assert!(matches!(first.hear().await, Heard::Missed));
        first.skip();
        feed.send(signal(5000));
        assert!(matches!(first.hear().await, Heard::Signal(signal) if signal.position == 5000));
        assert!(!feed.ends());
        drop((first, second));
        assert!(feed.ends());
    }
}
