//! `Engine`: answers questions for candidates, as long as it is there and not late.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::Ordering;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;
use uuid::Uuid;

use crate::ask;
use crate::circuit::Circuit;
use crate::client::Client;
use crate::settings::Settings;
use base::error::{Error, Result};
use model::content::ContentInfo;
use store::Stage;
use store::backend::{Backend, Candidates, Question, Usage};

#[derive(Debug)]
pub struct Engine {
    pub(crate) client: Client,
    pub(crate) prefix: String,
    patience: Duration,
    pub(crate) circuit: Circuit,
    known: RwLock<Known>,
}

/// What the tables of PostgreSQL say of the indexes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Types, by table, and stages whose index is whole and of this server's schema.
    pub built: HashSet<(&'static str, bool)>,
    /// Age of the oldest change that was not sent, in seconds.
    pub lag: f64,
    pub is_late: bool,
    /// Changes that wait to be sent.
    pub unsent: i64,
}

impl Engine {
    pub fn new(settings: &Settings) -> Result<Self> {
        let Settings { prefix, patience, .. } = settings;
        Ok(Self {
            client: Client::new(settings)?,
            prefix: prefix.clone(),
            patience: *patience,
            circuit: Circuit::default(),
            known: RwLock::default(),
        })
    }

    /// What answers, for `typecase doctor`.
    pub async fn probe(&self) -> Result<String> {
        let indexes = self.client.indexes(&format!("{}-*", self.prefix)).await?;
        Ok(format!("{} answers, with {} indexes of this site", self.client.version().await?, indexes.len()))
    }

    /// The name under which the index of a type and a stage is asked.
    pub(crate) fn alias(&self, table: &str, stage: Stage) -> String {
        format!("{}-{table}-{}", self.prefix, stage.schema())
    }

    pub(crate) fn learn(&self, known: Known) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    fn known(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, questions: &[Question]) -> Result<Vec<Candidates>> {
        let (mut lines, mut asked) = (Vec::new(), Vec::new());
        for (place, question) in questions.iter().enumerate() {
            if let Some(body) = ask::search(question) {
                // The same copy of an index scores the pages of one search.
                let preference = BuildHasherDefault::<DefaultHasher>::default().hash_one(body.to_string());
                let alias = self.alias(question.info.table, question.stage);
                lines.push(json!({"index": alias, "preference": format!("typecase{preference}")}));
                lines.push(body);
                asked.push(place);
            }
        }
        let answers = self.client.ask(lines, self.patience).await?;
        if answers.len() != asked.len() {
            return Err(Error::internal("the search engine has answered other questions"));
        }
        let mut found: Vec<Candidates> = questions.iter().map(|_| Candidates::default()).collect();
        for (place, hits) in asked.into_iter().zip(answers) {
            for hit in hits {
                let id = Uuid::try_parse(&hit.id).map_err(Error::internal)?;
                found[place].push(id, hit.score.unwrap_or_default());
            }
        }
        Ok(found)
    }
}

impl Backend for Engine {
    fn knows(&self, info: &'static ContentInfo, stage: Stage) -> bool {
        let known = self.known();
        !known.is_late && known.built.contains(&(info.table, stage == Stage::Live)) && !self.circuit.rests()
    }

    fn ask<'a>(&'a self, questions: &'a [Question]) -> BoxFuture<'a, Option<Vec<Candidates>>> {
        Box::pin(async move {
            if !self.circuit.enter() {
                return None;
            }
            match self.answer(questions).await {
                Ok(found) => {
                    self.circuit.succeed();
                    Some(found)
                }
                Err(error) => {
                    self.circuit.fail(&error.to_string());
                    None
                }
            }
        })
    }

    fn usage(&self) -> Usage {
        let known = self.known();
        Usage {
            answered: self.circuit.answered.load(Ordering::Relaxed),
            failed: self.circuit.failed.load(Ordering::Relaxed),
            is_up: !self.circuit.is_open(),
            lag: known.lag,
            unsent: known.unsent,
        }
    }
}
