//! `Seen`: what the log and the metrics are told of a request, from wherever it is found out. Outside of a request nothing is kept.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::error::Code;

/// Codes of one request that the log shows.
const SHOWN_CODES: usize = 8;

tokio::task_local! {
    static SEEN: Seen;
}

/// Of one request.
#[derive(Debug, Default)]
pub struct Seen {
    actor: Cell<&'static str>,
    role: RefCell<String>,
    /// The last one; a batch has several.
    operation: RefCell<Option<Arc<About>>>,
    operations: Cell<u32>,
    codes: RefCell<Vec<Code>>,
    statements: Cell<u64>,
}

/// An operation of GraphQL: nothing that changes with its variables.
#[derive(Debug)]
pub struct About {
    /// The operation's name, or else its root fields; a client chooses it, so it is short.
    pub name: Arc<str>,
    /// SHA-256 of the document.
    pub document: String,
    /// The query or mutation of the site's own that it calls first.
    pub own: Option<&'static str>,
}

/// Runs what answers a request.
pub fn within<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    SEEN.scope(Seen::default(), work)
}

/// What is known by now.
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

/// Another operation begins, of which nothing is known yet.
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

impl Seen {
    /// Empty where no route has asked who sends the request.
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

    /// `CONFLICT,NOT_FOUND`.
    pub fn codes(&self) -> String {
        let codes = self.codes.borrow();
        codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(",")
    }
}
