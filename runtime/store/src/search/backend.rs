//! `Backend`: a search engine beside PostgreSQL. It says which entries have the words that are asked; PostgreSQL then applies rules,
//! filters and orders, so that nothing is shown that the index alone would show. While it is away, PostgreSQL does all of it.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::ask::MOST_RANKED;
use super::matches::{Hidden, Words};
use super::question::{self, Query};
use crate::read::Request;
use crate::searched::Rules;
use crate::{Scope, Stage};
use base::error::Result;
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

/// The candidates of several types, or none if PostgreSQL answers.
#[derive(Clone, Debug, Default)]
pub struct Answer(Option<Arc<Vec<(&'static str, Candidates)>>>);

impl Answer {
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    pub fn of(&self, info: &ContentInfo) -> Option<&Candidates> {
        self.0.as_ref()?.iter().find(|(table, _)| *table == info.table).map(|(_, candidates)| candidates)
    }
}

/// Asks the engine, if there is one and it knows all of the types: scores of two kinds cannot be compared. What is being typed is
/// PostgreSQL's, and so is what the engine has no words for.
pub(super) async fn asked(
    request: &Request<'_>,
    scope: Scope<'_>,
    types: impl Iterator<Item = &'static ContentInfo>,
    words: Words<'_>,
    rules: &Rules,
) -> Result<Answer> {
    let Some(backend) = &scope.store.search_backend else { return Ok(Answer::default()) };
    let types: Vec<&'static ContentInfo> = types.collect();
    let is_known = types.iter().all(|info| backend.knows(info, scope.stage));
    if matches!(words, Words::Begun(_)) || types.is_empty() || !is_known {
        return Ok(Answer::default());
    }
    let Some(queries) = question::queries(request, scope, &types, words, rules).await? else {
        return Ok(Answer::default());
    };
    let mut questions = Vec::with_capacity(types.len());
    for (info, query) in types.iter().zip(queries) {
        let Some(search) = info.search else { continue };
        let hidden = Hidden::of(scope, info, search).paths;
        let is_shown = |text: &&SearchText| text.weight.is_some() && !hidden.contains(&text.path.join("."));
        let texts: Vec<_> = search.texts.iter().filter(is_shown).collect();
        let query = query.filter(|_| !texts.is_empty());
        questions.push(Question { info, stage: scope.stage, query, texts, most: MOST_RANKED });
    }
    let found = match questions.iter().any(|question| question.query.is_some()) {
        true => backend.ask(&questions).await,
        false => Some(questions.iter().map(|_| Candidates::default()).collect()),
    };
    let of_types =
        |found: Vec<Candidates>| Arc::new(questions.iter().map(|question| question.info.table).zip(found).collect());
    Ok(Answer(found.filter(|found| found.len() == questions.len()).map(of_types)))
}
