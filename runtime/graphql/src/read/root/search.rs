//! Runs `search`: finds the entries, then reads them.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::Root;
use crate::read::shape::{FacetShape, SearchEdgeWhat, SearchShape, SearchWhat};
use crate::read::write::facet::Counts;
use crate::read::write::search::Page;
use crate::read::write::{Writer, Written};
use crate::read::{Arguments, Failure};
use base::error::{Error, Problem, Result};
use model::content::ContentInfo;
use store::Scope;
use store::page;
use store::read::load::{Loaded, Run};
use store::read::plan::Object;
use store::search::answer::Answer;
use store::search::ask::{self, Ask, Place, SearchOrder};
use store::search::facet::{Counted, Facet};
use store::search::matches::{Words, filter_key};
use store::search::{mark, suggest};

/// Entries of a page by default.
const PAGE: usize = 20;
const SUGGESTED: usize = 8;

impl Root {
    pub(super) async fn search(
        &self,
        run: &Run<'_, '_>,
        (objects, shape): (&[Object], &SearchShape),
        arguments: &Map<String, Json>,
        given: &dyn Arguments,
    ) -> Result<Result<Written, Vec<Failure>>> {
        let (searched, _) = objects.split_at(shape.searched);
        let asked = asked(run.scope, searched, shape, arguments)?;
        let found = ask::find(run.request, run.scope, &asked).await?;
        let words = asked.words.with(found.instead.as_deref(), found.is_partial);
        let mut rows: HashMap<usize, (Loaded, HashMap<Uuid, usize>)> = HashMap::new();
        for (place, object) in searched.iter().enumerate() {
            let of_type = found.hits.iter().filter(|hit| hit.info.table == object.info.table);
            let ids: Vec<Uuid> = of_type.map(|hit| hit.id).collect();
            if !ids.is_empty() && shape.has_nodes() {
                rows.insert(place, run.by_ids(run.scope, object, &ids).await?);
            } else if !ids.is_empty() {
                rows.insert(place, run.by_ids(run.scope, &Object::new(object.info), &ids).await?);
            }
        }
        let marks = match shape.has_marks() {
            true => mark::marked(run.request, run.scope, words, &found.hits).await?,
            false => HashMap::new(),
        };
        let mut facets = Vec::with_capacity(shape.facets.len());
        for facet in &shape.facets {
            match self.counted(run, objects, facet, (&asked, words, &found.answer), given).await? {
                Ok(counts) => facets.push(counts),
                Err(failures) => return Ok(Err(failures)),
            }
        }
        let queries = match shape.any(|what| matches!(what, SearchWhat::Queries)) {
            true => suggest::queries(run.request, run.scope, &asked, words.text()).await?,
            false => Vec::new(),
        };
        let (order, after) = (asked.order, asked.after.is_some());
        let page = Page { objects, found, order, after, rows, marks, facets, queries };
        let mut writer = Writer::new(run, &self.lowered.lists, 512 * (page.found.hits.len() + 1));
        let done = writer.search(&page, shape);
        writer.finish(&self.key, done)
    }

    /// A facet, with its entries. Of a type that is not searched nothing is counted.
    async fn counted(
        &self,
        run: &Run<'_, '_>,
        objects: &[Object],
        shape: &FacetShape,
        (asked, words, answer): (&Ask<'_>, Words<'_>, &Answer),
        given: &dyn Arguments,
    ) -> Result<Result<Counts, Vec<Failure>>> {
        let failed = |problems: Vec<Problem>| {
            let at = |problem| Failure { pos: shape.given.pos, ..self.failure(problem) };
            Ok(Err(problems.into_iter().map(at).collect()))
        };
        let arguments = match given.coerce(shape.given.parent, &shape.given.field, &shape.given.arguments) {
            Ok(arguments) => arguments,
            Err(problems) => return failed(problems),
        };
        let filter = asked.types.iter().find(|(info, _)| info.table == shape.info.table).map(|(_, filter)| *filter);
        let is_searched = filter.is_some();
        let filter = filter.flatten();
        let facet =
            Facet { info: shape.info, field: shape.field, words, filter, arguments: &arguments, is_searched, answer };
        let counted = match facet.count(run.request, run.scope).await {
            Ok(counted) => counted,
            Err(error) => return failed(error.problems),
        };
        let loaded = match (&counted, shape.object) {
            (Counted::Entries(entries), Some(object)) if !entries.is_empty() => {
                let ids: Vec<Uuid> = entries.iter().map(|(id, _)| *id).collect();
                Some(run.by_ids(run.scope, &objects[object], &ids).await?)
            }
            _ => None,
        };
        Ok(Ok(Counts { counted, loaded }))
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
    let first = page::size(arguments, "first", scope.store.schema.site.limits.page, &mut problems);
    let first = first.unwrap_or(if shape.begun { SUGGESTED } else { PAGE });
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
                types.push((info, filters.and_then(|filters| filters.get(filter_key(info)))));
            }
            Err(problem) if named.is_some() => problems.push(problem.at(["types".into()])),
            Err(_) => {}
        }
    }
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let words = if shape.begun { Words::Begun(text) } else { Words::All(text) };
    Ok(Ask { words, types, order, first, after, total: shape.has_total() })
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
