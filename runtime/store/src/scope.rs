//! `Scope`: the actor and stage of a statement. Every statement needs one and names its tables through it.

use sqlx::postgres::{PgArguments, PgRow};

use crate::access::{Grant, Used};
use crate::database::Store;
use crate::pool::Lent;
use crate::stage::Stage;
use base::error::{Problem, Result};
use model::content::ContentInfo;

/// The actor of a statement and the stage that it reads. A locale and a tenant will be added here.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub store: &'a Store,
    pub stage: Stage,
    /// Without access rules: for data of entries that the actor sees anyway, and for rules, which would otherwise
    /// depend on rules.
    pub(crate) all: bool,
}

impl<'a> Scope<'a> {
    pub fn with_all_rows(self) -> Self {
        Self { all: true, ..self }
    }

    /// The stage whose rules apply: what is not published yet is a draft, even if it is read as live.
    fn rights(self) -> Stage {
        match self.store.overlay.as_deref() {
            Some(overlay) if !overlay.as_published => Stage::Draft,
            _ => self.stage,
        }
    }

    /// The stage whose rows are read where the overlay has no other versions.
    pub(crate) fn sees(self) -> Stage {
        let all_drafts = self.store.overlay.as_deref().is_some_and(|overlay| overlay.all_drafts);
        if all_drafts { Stage::Draft } else { self.stage }
    }

    /// What the actor may read of a type.
    pub fn reads(self, info: &ContentInfo) -> Grant<'a> {
        self.store.access.reads(info, self.rights())
    }

    pub fn must_read_any(self, info: &ContentInfo) -> Result<(), Problem> {
        self.store.access.must_read_any(info, self.rights())
    }

    pub fn must_read(self, info: &ContentInfo, field: &str) -> Result<(), Problem> {
        self.store.access.must_read(info, field, self.rights())
    }

    pub fn must_use(self, info: &ContentInfo, used: Used) -> Result<(), Problem> {
        self.store.access.must_use(info, used, self.rights())
    }

    /// `live."product"`.
    pub fn table(self, name: &str) -> String {
        format!("{}.\"{name}\"", self.stage.schema())
    }

    /// Runs a hand-written statement on its own connection and returns its rows.
    pub async fn rows(self, sql: String, arguments: PgArguments) -> Result<Vec<PgRow>> {
        self.store.touch_by_hand();
        let mut lent = self.lend().await?;
        self.store.rows_on(&mut lent, sql, arguments).await
    }

    /// Takes a connection for reads of this stage, with the public role for anonymous reads of `LIVE`.
    pub async fn lend(self) -> Result<Lent> {
        // An overlay reads drafts, which the public role cannot.
        let is_public =
            self.stage == Stage::Live && self.store.overlay.is_none() && self.store.access.actor.is_anonymous();
        self.store.lend_for_reads(is_public).await
    }
}

impl Store {
    /// The scope of this stage.
    pub fn at(&self, stage: Stage) -> Scope<'_> {
        Scope { store: self, stage, all: false }
    }
}
