//! Computes fields once all statements have run: the site's own code may take a connection, and the read no longer holds one.

use std::collections::HashMap;

use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};

use super::{Loaded, Related, Run, uuid};
use crate::args::Args;
use crate::read::plan::{Object, Relation};
use crate::read::records;
use crate::value::Value;
use base::error::{Error, Result};

impl Run<'_, '_> {
    /// Computes the fields of these rows and of all related rows.
    pub(super) async fn compute(&self, object: &Object, loaded: &mut Loaded) -> Result<()> {
        if !self.computes {
            return Ok(());
        }
        self.request.session.release().await;
        self.compute_all(object, loaded).await
    }

    fn compute_all<'b>(&'b self, object: &'b Object, loaded: &'b mut Loaded) -> BoxFuture<'b, Result<()>> {
        async move {
            let below = object.relations.iter().zip(&mut loaded.related);
            let below = below.flat_map(|(relation, related)| beside(relation, related));
            future::try_join_all(below.map(|(object, loaded)| self.compute_all(object, loaded))).await?;
            loaded.computed = self.computed(object, loaded).await?;
            loaded.entries = Vec::new();
            Ok(())
        }
        .boxed()
    }

    async fn computed(&self, object: &Object, loaded: &Loaded) -> Result<Vec<Result<Vec<Vec<u8>>>>> {
        if object.computed.is_empty() || loaded.rows.is_empty() {
            return Ok(Vec::new());
        }
        let site = self
            .request
            .site
            .ok_or_else(|| Error::internal("the computed fields of this plan have no implementation"))?;
        let ids: Vec<_> = loaded.rows.iter().filter_map(|row| uuid(row, 0)).collect();
        let mut computed = Vec::with_capacity(object.computed.len());
        for field in &object.computed {
            let args = match field.slot.and_then(|slot| self.args.get(&slot)) {
                None => Args::default(),
                Some(Ok(args)) => args.clone(),
                Some(Err(problems)) => {
                    computed.push(Err(Error { problems: problems.clone() }));
                    continue;
                }
            };
            let field = field.info;
            let own = loaded.entries.iter().map(|entry| records::only(object.info, field.with, entry));
            let values = site.compute(self.scope, object.info, field.name, args, own.collect()).await;
            computed.push(values.map(|values| {
                let by_id: HashMap<_, _> = loaded.entries.iter().map(|entry| entry.id).zip(values).collect();
                let json = |id| field.kind.json(by_id.get(id).unwrap_or(&Value::Null)).to_string().into_bytes();
                ids.iter().map(json).collect()
            }));
        }
        Ok(computed)
    }
}

/// What was read for a relation, beside its part of the plan.
fn beside<'b>(relation: &'b Relation, related: &'b mut Related) -> Vec<(&'b Object, &'b mut Loaded)> {
    match (relation, related) {
        (Relation::One { members }, Related::One(found)) => {
            members.iter().map(|(_, object)| object).zip(found.iter_mut().map(|(loaded, _)| loaded)).collect()
        }
        (Relation::Stored { object, .. }, Related::Stored(loaded, _)) => vec![(object, loaded)],
        (Relation::Many { members, .. }, Related::Many { members: found, .. }) => {
            members.iter().map(|(_, object)| object).zip(found).collect()
        }
        (Relation::Page { page, .. }, Related::Page(found)) => vec![(&page.object, &mut found.loaded)],
        _ => Vec::new(),
    }
}
