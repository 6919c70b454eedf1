//! Spans of requests, background work and their database statements, for an exporter. Without an exporter, or in a trace that is
//! not sampled, no spans are built.

mod id;
mod parent;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify;

pub use self::parent::Parent;

/// How many spans a root may have. Further ones are only counted, so that an import does not displace all others.
const MOST_BELOW: u32 = 256;
/// How many spans may wait for export, at a few hundred bytes each.
const MOST_WAITING: usize = 2048;
/// How many spans are exported together.
pub const BATCH: usize = 512;

static EXPORT: OnceLock<Export> = OnceLock::new();

/// The queue of spans to export.
#[derive(Debug)]
pub struct Export {
    /// The sampled share of traces that begin here, scaled to 64 bits.
    sampled: u64,
    waiting: Mutex<VecDeque<Span>>,
    enough: Notify,
    sent: AtomicU64,
    lost: AtomicU64,
}

/// A span in the form that is exported. It contains no values of a request.
#[derive(Clone, Debug)]
pub struct Span {
    pub trace: u128,
    pub id: u64,
    pub parent: Option<u64>,
    /// Whether the parent is in another process.
    pub is_entry: bool,
    /// The `tracestate` of the tracers before us.
    pub state: Option<String>,
    pub name: Cow<'static, str>,
    pub kind: Kind,
    pub begun: SystemTime,
    pub took: Duration,
    pub facts: Vec<(&'static str, Fact)>,
    pub has_failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Internal,
    Server,
    Client,
    Consumer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Text(Cow<'static, str>),
    Texts(Vec<Cow<'static, str>>),
    Number(i64),
}

/// A sampled request or piece of work in progress. Its span is exported when it is dropped.
#[derive(Debug)]
pub struct Root {
    span: RefCell<Span>,
    begun: Instant,
    below: Cell<u32>,
    is_done: Cell<bool>,
}

/// A span of a root, without children of its own.
#[derive(Debug)]
pub struct Leaf {
    pub name: Cow<'static, str>,
    pub kind: Kind,
    pub facts: Vec<(&'static str, Fact)>,
    /// The kind of error, if it failed.
    pub error: Option<Cow<'static, str>>,
}

impl Export {
    /// Starts recording spans for this share of the traces that begin here. `None` if it was already started.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of all numbers, to which a cast saturates"
    )]
    pub fn begin(share: f64) -> Option<&'static Self> {
        let export = Self {
            sampled: (share * u64::MAX as f64) as u64,
            waiting: Mutex::default(),
            enough: Notify::new(),
            sent: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        };
        EXPORT.set(export).ok()?;
        EXPORT.get()
    }

    /// The export, if it was started.
    pub fn under_way() -> Option<&'static Self> {
        EXPORT.get()
    }

    /// Resolves when a batch is full.
    pub async fn enough(&self) {
        self.enough.notified().await;
    }

    /// Takes the oldest spans, at most one batch.
    pub fn take(&self) -> Vec<Span> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let many = waiting.len().min(BATCH);
        let taken = waiting.drain(..many).collect();
        if waiting.len() >= BATCH {
            self.enough.notify_one();
        }
        taken
    }

    pub fn sent(&self, spans: usize) {
        self.sent.fetch_add(spans as u64, Ordering::Relaxed);
    }

    pub fn lost(&self, spans: usize) {
        self.lost.fetch_add(spans as u64, Ordering::Relaxed);
    }

    /// How many spans the collector has accepted, and how many were lost.
    pub fn so_far(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.lost.load(Ordering::Relaxed))
    }

    fn push(&self, span: Span) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST_WAITING {
            drop(waiting);
            return self.lost(1);
        }
        waiting.push_back(span);
        if waiting.len() == BATCH {
            self.enough.notify_one();
        }
    }
}

impl Root {
    /// `None` without an exporter or if the trace is not sampled. If there is a parent, it decides.
    pub fn begin(kind: Kind, parent: Option<&Parent>) -> Option<Self> {
        let export = EXPORT.get()?;
        let is_sampled =
            parent.map_or_else(|| id::random() <= export.sampled && export.sampled > 0, Parent::is_sampled);
        if !is_sampled {
            return None;
        }
        let span = Span {
            trace: parent.map_or_else(id::trace, Parent::trace),
            id: id::span(),
            parent: parent.map(Parent::span),
            is_entry: parent.is_some(),
            state: None,
            name: Cow::Borrowed(""),
            kind,
            begun: SystemTime::now(),
            took: Duration::ZERO,
            facts: Vec::with_capacity(16),
            has_failed: false,
        };
        Some(Self { span: span.into(), begun: Instant::now(), below: Cell::new(0), is_done: Cell::new(false) })
    }

    pub fn trace(&self) -> u128 {
        self.span.borrow().trace
    }

    pub fn state(&self, state: Option<String>) {
        self.span.borrow_mut().state = state;
    }

    pub fn name(&self, name: impl Into<Cow<'static, str>>) {
        self.span.borrow_mut().name = name.into();
    }

    pub fn tell(&self, key: &'static str, fact: impl Into<Fact>) {
        self.span.borrow_mut().facts.push((key, fact.into()));
    }

    /// Marks the end; `error` is the kind of error, if it failed.
    pub fn done(&self, error: Option<Cow<'static, str>>) {
        self.is_done.set(true);
        let mut span = self.span.borrow_mut();
        span.took = self.begun.elapsed();
        if let Some(error) = error {
            span.has_failed = true;
            span.facts.push(("error.type", error.into()));
        }
    }

    /// Adds a span from `begun` until now.
    pub fn leaf(&self, begun: Instant, make: impl FnOnce() -> Leaf) {
        self.below.set(self.below.get().saturating_add(1));
        let Some(export) = EXPORT.get().filter(|_| self.below.get() <= MOST_BELOW) else { return };
        let Leaf { name, kind, mut facts, error } = make();
        let has_failed = error.is_some();
        facts.extend(error.map(|error| ("error.type", error.into())));
        let root = self.span.borrow();
        export.push(Span {
            trace: root.trace,
            id: id::span(),
            parent: Some(root.id),
            is_entry: false,
            state: root.state.clone(),
            name,
            kind,
            begun: root.begun + begun.saturating_duration_since(self.begun),
            took: begun.elapsed(),
            facts,
            has_failed,
        });
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if !self.is_done.get() {
            self.done(Some(Cow::Borrowed("given_up")));
        }
        let beyond = self.below.get().saturating_sub(MOST_BELOW);
        if beyond > 0 {
            self.tell("typecase.spans.left_out", i64::from(beyond));
        }
        if let Some(export) = EXPORT.get() {
            export.push(self.span.get_mut().clone());
        }
    }
}

impl From<Cow<'static, str>> for Fact {
    fn from(text: Cow<'static, str>) -> Self {
        Self::Text(text)
    }
}

impl From<&'static str> for Fact {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i64> for Fact {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf() -> Leaf {
        Leaf { name: "select".into(), kind: Kind::Client, facts: Vec::new(), error: None }
    }

    #[test]
    fn what_waits_is_bounded_and_so_is_what_one_trace_has() {
        let unsampled = Parent::read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
        assert!(Root::begin(Kind::Server, None).is_none(), "nobody exports");
        let export = Export::begin(1.0).unwrap();
        assert!(Export::begin(0.5).is_none());
        assert!(Root::begin(Kind::Server, unsampled.as_ref()).is_none());
        let root = Root::begin(Kind::Server, None).unwrap();
        (0..300).for_each(|_| root.leaf(Instant::now(), leaf));
        drop(root);
        let spans = export.take();
        assert_eq!(spans.len(), MOST_BELOW as usize + 1);
        let root = spans.last().unwrap();
        assert!(
            spans.iter().all(|span| span.trace == root.trace && (span.parent == Some(root.id) || span.id == root.id))
        );
        assert_eq!(root.facts, [("error.type", "given_up".into()), ("typecase.spans.left_out", 44.into())]);
        (0..MOST_WAITING + 7).for_each(|_| drop(Root::begin(Kind::Consumer, None)));
        assert_eq!(export.so_far(), (0, 7));
        let taken: Vec<usize> = (0..5).map(|_| export.take().len()).collect();
        assert_eq!(taken, [BATCH, BATCH, BATCH, BATCH, 0]);
    }
}
