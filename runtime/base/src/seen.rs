//! `Seen`: collects the facts of a request for the log, the metrics and the trace; for jobs and batches of events only for the trace.
//! Outside of these, nothing is recorded.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Instant;

use crate::error::Code;
use crate::trace::{Leaf, Root};

/// How many codes of a request the log shows.
const SHOWN_CODES: usize = 8;

tokio::task_local! {
    static SEEN: Seen;
}

/// The facts of one request.
#[derive(Debug, Default)]
pub struct Seen {
    actor: Cell<&'static str>,
    role: RefCell<String>,
    /// The last operation; a batch has several.
    operation: RefCell<Option<Arc<About>>>,
    operations: Cell<u32>,
    codes: RefCell<Vec<Code>>,
    statements: Cell<u64>,
    /// `None` if the trace is not sampled.
    root: Option<Root>,
}

/// A GraphQL operation, without its variables.
#[derive(Debug)]
pub struct About {
    /// The operation's name, or else its root fields. Clients choose it, so it is truncated.
    pub name: Arc<str>,
    /// `query` or `mutation`.
    pub kind: &'static str,
    /// SHA-256 of the document.
    pub document: String,
    /// The first custom query or mutation that it calls.
    pub own: Option<&'static str>,
}

/// Runs a request or a piece of background work.
pub fn within<T>(root: Option<Root>, work: impl Future<Output = T>) -> impl Future<Output = T> {
    SEEN.scope(Seen { root, ..Seen::default() }, work)
}

/// Looks at the facts so far.
pub fn with<T: Default>(look: impl FnOnce(&Seen) -> T) -> T {
    SEEN.try_with(look).unwrap_or_default()
}

pub fn actor(kind: &'static str, role: &str) {
    with(|seen| {
        seen.actor.set(kind);
        role.clone_into(&mut seen.role.borrow_mut());
    });
}

pub fn operation(about: &Arc<About>) {
    with(|seen| *seen.operation.borrow_mut() = Some(Arc::clone(about)));
}

/// Begins the next operation, with no facts yet.
pub fn begin_operation() {
    with(|seen| {
        seen.operations.set(seen.operations.get() + 1);
        seen.operation.take();
    });
}

pub fn codes(codes: impl Iterator<Item = Code>) {
    with(|seen| {
        let mut kept = seen.codes.borrow_mut();
        for code in codes {
            if kept.len() < SHOWN_CODES && !kept.contains(&code) {
                kept.push(code);
            }
        }
    });
}

pub fn statement() {
    with(|seen| seen.statements.set(seen.statements.get() + 1));
}

/// Records a span from `begun` until now. It is built only if the trace is sampled.
pub fn leaf(begun: Instant, make: impl FnOnce() -> Leaf) {
    with(|seen| seen.root.as_ref().map(|root| root.leaf(begun, make)));
}

impl Seen {
    /// Empty if no route has looked up the actor.
    pub fn actor(&self) -> &'static str {
        self.actor.get()
    }

    pub fn role(&self) -> String {
        self.role.borrow().clone()
    }

    pub fn operation(&self) -> Option<Arc<About>> {
        self.operation.borrow().clone()
    }

    pub fn operations(&self) -> u32 {
        self.operations.get()
    }

    pub fn statements(&self) -> u64 {
        self.statements.get()
    }

    pub fn root(&self) -> Option<&Root> {
        self.root.as_ref()
    }

    /// The codes without duplicates, in order.
    pub fn codes(&self) -> Vec<Code> {
        self.codes.borrow().clone()
    }
}
