//! Asks a search engine, if there is one, for the entries of several types.

use std::sync::Arc;

use super::ask::MOST_RANKED;
use super::matches::{Hidden, Words};
use super::question;
use crate::Scope;
use crate::backend::{Candidates, Question};
use crate::read::Request;
use crate::searched::Rules;
use base::error::Result;
use model::content::{ContentInfo, SearchText};

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
