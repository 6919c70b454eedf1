//! `Backend`: a search engine beside PostgreSQL. It says which entries have the words that are asked; PostgreSQL then applies rules,
//! filters and orders, so that nothing is shown that the index alone would show. While it is away, PostgreSQL does all of it.

use std::fmt;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::Stage;
use model::content::{ContentInfo, SearchText};

/// A score of the engine is made small enough that no entry comes before one that a key finds, whatever its boosts.
const OF_SCORE: f32 = 0.1;
const BEST: f32 = 6.0;

pub trait Backend: fmt::Debug + Send + Sync {
    /// Whether it may be asked for entries of this type: it is there, and knows of the latest changes.
    fn knows(&self, info: &'static ContentInfo, stage: Stage) -> bool;

    /// The best entries for each question; `None` if there is no answer, for whatever reason.
    fn ask<'a>(&'a self, questions: &'a [Question]) -> BoxFuture<'a, Option<Vec<Candidates>>>;

    fn usage(&self) -> Usage;
}

/// For `/metrics`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    pub answered: u64,
    pub failed: u64,
    pub is_up: bool,
    /// Age of the oldest change that it does not know, in seconds.
    pub lag: f64,
    /// Changes that wait to be sent to it.
    pub unsent: i64,
}

/// What is asked, as a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    All(Vec<Query>),
    Any(Vec<Query>),
    Not(Box<Query>),
    /// As it is written; the engine knows its forms.
    Word(String),
    /// Words that begin like this.
    Begins(String),
    /// Words in this order, one after the other.
    Phrase(Vec<String>),
}

/// What is asked of one type.
#[derive(Debug)]
pub struct Question {
    pub info: &'static ContentInfo,
    pub stage: Stage,
    /// `None` finds nothing.
    pub query: Option<Query>,
    /// The texts that the actor may read, with their weights.
    pub texts: Vec<&'static SearchText>,
    /// Entries at most.
    pub most: usize,
}

/// Entries with their scores.
#[derive(Debug, Default)]
pub struct Candidates {
    pub ids: Vec<Uuid>,
    pub scores: Vec<f32>,
}

impl Candidates {
    pub fn push(&mut self, id: Uuid, score: f32) {
        self.ids.push(id);
        self.scores.push((score * OF_SCORE).clamp(0.0, BEST));
    }
}
