//! Runs aggregates: groups the entries, then reads those that groups have in common.

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::Root;
use crate::read::Failure;
use crate::read::shape::{AggregateShape, AggregateWhat, GroupWhat};
use crate::read::write::aggregate::{Groups, Named};
use crate::read::write::{Writer, Written};
use base::error::{Code, Error, Problem, Result};
use model::content::FieldInfo;
use store::page;
use store::read::aggregate::{Aggregate, MOST_FIELDS, Shared};
use store::read::load::Run;
use store::read::plan::Object;

/// Groups by default.
const GROUPS: usize = 20;

impl Root {
    pub(super) async fn aggregates(
        &self,
        run: &Run<'_, '_>,
        (objects, shape): (&[Object], &AggregateShape),
        arguments: &Map<String, Json>,
    ) -> Result<Result<Written, Vec<Failure>>> {
        let mut problems = Vec::new();
        let by = grouped(shape, arguments, &mut problems);
        let first = page::size(arguments, "first", run.scope.store.schema.site.limits.page, &mut problems);
        if !problems.is_empty() {
            return Err(Error { problems });
        }
        let aggregate = Aggregate {
            info: shape.info,
            filter: arguments.get("filter").filter(|filter| !filter.is_null()),
            by: &by,
            measured: &shape.measured,
            first: first.unwrap_or(GROUPS),
        };
        let groups = aggregate.groups(run.request, run.scope).await?;
        let mut named = Vec::with_capacity(objects.len());
        for (field, object) in entries(shape) {
            let place = by.iter().position(|by| by.snake == field.snake);
            let ids = place.map(|place| {
                let id = |key: &Option<Shared>| if let Some(Shared::Entry(id)) = key { Some(*id) } else { None };
                groups.iter().filter_map(|group| id(group.keys.get(place)?)).collect::<Vec<Uuid>>()
            });
            let mut ids = ids.unwrap_or_default();
            ids.sort_unstable();
            ids.dedup();
            let loaded = match ids.is_empty() {
                true => None,
                false => Some(run.by_ids(run.scope, &objects[object], &ids).await?),
            };
            named.push(Named { object, loaded });
        }
        let groups = Groups { by, groups, objects, named };
        let mut writer = Writer::new(run, &self.lowered.lists, 256 * (groups.groups.len() + 1));
        let done = writer.aggregates(&groups, shape);
        writer.finish(&self.key, done)
    }
}

/// The fields of the grouping, each once.
fn grouped(
    shape: &AggregateShape,
    arguments: &Map<String, Json>,
    problems: &mut Vec<Problem>,
) -> Vec<&'static FieldInfo> {
    let names = arguments.get("groupBy").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut fields: Vec<&'static FieldInfo> = Vec::new();
    for name in names.iter().filter_map(Json::as_str) {
        let field = shape.info.fields.iter().find(|field| field.snake.eq_ignore_ascii_case(name));
        fields.extend(field.filter(|field| fields.iter().all(|known| known.snake != field.snake)));
    }
    if fields.len() > MOST_FIELDS {
        let details = serde_json::json!({ "limit": MOST_FIELDS, "requested": fields.len() });
        let message = format!("`groupBy` has {} fields, the limit is {MOST_FIELDS}", fields.len());
        problems.push(Problem::new(Code::LimitExceeded, message).details(details).at(["groupBy".into()]));
    }
    fields
}

/// The relations whose entries are selected, with the indexes of their objects.
fn entries(shape: &AggregateShape) -> impl Iterator<Item = (&'static FieldInfo, usize)> {
    let groups = shape.items.iter().filter_map(|(_, what)| match what {
        AggregateWhat::Group(items) => Some(items),
        _ => None,
    });
    groups.flatten().filter_map(|(_, what)| match what {
        GroupWhat::Entry(field, object, _) => Some((*field, *object)),
        _ => None,
    })
}
