//! Runs `search`: finds the entries, then reads them.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::Root;
use crate::read::Failure;
use crate::read::shape::{SearchEdgeWhat, SearchShape, SearchWhat};
use crate::read::write::search::Page;
use crate::read::write::{Writer, Written};
use base::error::{Error, Problem, Result};
use model::content::ContentInfo;
use store::Scope;
use store::page;
use store::read::load::{Loaded, Run};
use store::read::plan::Object;
use store::search::ask::{self, Ask, Place, SearchOrder};
use store::search::mark;

/// Entries of a page by default.
const PAGE: usize = 20;

impl Root {
    pub(super) async fn search(
        &self,
        run: &Run<'_, '_>,
        (objects, shape): (&[Object], &SearchShape),
        arguments: &Map<String, Json>,
    ) -> Result<Result<Written, Vec<Failure>>> {
        let asked = asked(run.scope, objects, shape, arguments)?;
        let found = ask::find(run.scope, &asked).await?;
        let mut rows: HashMap<usize, (Loaded, HashMap<Uuid, usize>)> = HashMap::new();
        for (place, object) in objects.iter().enumerate() {
            let of_type = found.hits.iter().filter(|hit| hit.info.table == object.info.table);
            let ids: Vec<Uuid> = of_type.map(|hit| hit.id).collect();
            if !ids.is_empty() && shape.has_nodes() {
                rows.insert(place, run.by_ids(run.scope, object, &ids).await?);
            } else if !ids.is_empty() {
                rows.insert(place, run.by_ids(run.scope, &Object::new(object.info), &ids).await?);
            }
        }
        let marks = match shape.has_marks() {
            true => mark::marked(run.scope, found.instead.as_deref().unwrap_or(asked.text), &found.hits).await?,
            false => HashMap::new(),
        };
        let (order, after) = (asked.order, asked.after.is_some());
        let page = Page { objects, found, order, after, rows, marks };
        let mut writer = Writer::new(run, &self.lowered.lists, 512 * (page.found.hits.len() + 1));
        let done = writer.search(&page, shape);
        writer.finish(&self.key, done)
    }
}

fn asked<'a>(
    scope: Scope<'_>,
    objects: &[Object],
    shape: &SearchShape,
    arguments: &'a Map<String, Json>,
) -> Result<Ask<'a>> {
    let mut problems: Vec<Problem> = Vec::new();
    problems.extend(ask::check_stage(scope).err());
    let text = arguments.get("query").and_then(Json::as_str).unwrap_or_default();
    problems.extend(ask::check(text).err());
    let order = SearchOrder::named(arguments.get("orderBy").and_then(Json::as_str).unwrap_or_default());
    let first = page::size(arguments, "first", scope.store.schema.site.limits.page, &mut problems).unwrap_or(PAGE);
    let cursor = arguments.get("after").and_then(Json::as_str);
    let after = cursor.and_then(|cursor| match Place::read(cursor, order) {
        Ok(place) => Some(place),
        Err(problem) => {
            problems.push(problem);
            None
        }
    });
    let named = arguments.get("types").and_then(Json::as_array);
    let is_named = |info: &ContentInfo| {
        named.is_none_or(|names| {
            names.iter().any(|name| name.as_str().is_some_and(|name| name.eq_ignore_ascii_case(info.table)))
        })
    };
    let mut types: Vec<(&'static ContentInfo, Option<&'a Json>)> = Vec::new();
    for info in objects.iter().map(|object| object.info).filter(|info| is_named(info)) {
        match scope.must_read_any(info) {
            Ok(()) => {
                let filters = arguments.get("filter").filter(|filter| !filter.is_null());
                types.push((info, filters.and_then(|filters| filters.get(ask::filter_key(info)))));
            }
            Err(problem) if named.is_some() => problems.push(problem.at(["types".into()])),
            Err(_) => {}
        }
    }
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    Ok(Ask { text, types, order, first, after, total: shape.has_total() })
}

impl SearchShape {
    fn any(&self, is: impl Fn(&SearchWhat) -> bool) -> bool {
        self.items.iter().any(|(_, what)| is(what))
    }

    fn any_of_edge(&self, is: impl Fn(&SearchEdgeWhat) -> bool) -> bool {
        self.any(|what| matches!(what, SearchWhat::Edges(items) if items.iter().any(|(_, what)| is(what))))
    }

    fn has_total(&self) -> bool {
        self.any(|what| matches!(what, SearchWhat::TotalCount))
    }

    fn has_nodes(&self) -> bool {
        !self.shapes.is_empty()
    }

    fn has_marks(&self) -> bool {
        self.any_of_edge(|what| matches!(what, SearchEdgeWhat::Marks(_)))
    }
}
