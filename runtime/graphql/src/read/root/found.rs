//! Runs `node`, `nodes` and `resolve`: entries of any type, by their ids or by a path.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::Root;
use crate::read::Failure;
use crate::read::shape::{Prefix, RedirectionWhat, Shape};
use crate::read::write::{Writer, Written};
use base::error::{Code, Error, Problem, Result, Step};
use model::cut;
use store::id;
use store::read::load::{Loaded, Run};
use store::read::plan::Object;
use store::redirect::{self, Found};

impl Root {
    /// What a path leads to.
    pub(super) async fn resolved(
        &self,
        run: &Run<'_, '_>,
        (objects, shapes): (&[Object], &[Shape]),
        redirection: &[(Prefix, RedirectionWhat)],
        arguments: &Map<String, Json>,
    ) -> Result<Result<Written, Vec<Failure>>> {
        let requested = arguments.get("path").and_then(Json::as_str).unwrap_or_default();
        let found = redirect::resolve(run.scope, requested).await?;
        let mut writer = Writer::new(run, &self.lowered.lists, 512);
        let done = match found {
            None => writer.nothing(),
            Some(Found::Redirect { status, location }) => writer.redirection(redirection, status, &location),
            Some(Found::Entry(info, id)) => {
                let place = objects.iter().position(|object| object.info.table == info.table);
                let place = place.ok_or_else(|| Error::internal("an entry was found by its path that has none"))?;
                let (loaded, places) = run.by_ids(run.scope, &objects[place], &[id]).await?;
                let done = match places.get(&id) {
                    Some(row) => writer.object(&objects[place], &shapes[place], &loaded, *row),
                    None => writer.nothing(),
                };
                return writer.finish(&self.key, done);
            }
        };
        writer.finish(&self.key, done)
    }

    /// The entries of `node` and `nodes`, of any type.
    pub(super) async fn nodes(
        &self,
        run: &Run<'_, '_>,
        (objects, shapes): (&[Object], &[Shape]),
        many: bool,
        arguments: &Map<String, Json>,
    ) -> Result<Result<Written, Vec<Failure>>> {
        let given = match many {
            true => arguments.get("ids").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default(),
            false => arguments.get("id").map(std::slice::from_ref).unwrap_or_default(),
        };
        let mut ids = Vec::with_capacity(given.len());
        for (index, id) in given.iter().enumerate() {
            let path = if many { vec![Step::from("ids"), Step::from(index)] } else { vec![Step::from("id")] };
            let known = |(table, uuid)| {
                let place = objects.iter().position(|object| object.info.is_called(table))?;
                Some((place, uuid))
            };
            ids.push(parse_id(Some(id), path)?.and_then(known));
        }
        let mut found: HashMap<usize, (Loaded, HashMap<Uuid, usize>)> = HashMap::new();
        for (place, object) in objects.iter().enumerate() {
            let of_type = ids.iter().flatten().filter(|(of, _)| *of == place);
            let mut of_type: Vec<_> = of_type.map(|(_, id)| *id).collect();
            of_type.sort_unstable();
            of_type.dedup();
            if !of_type.is_empty() {
                found.insert(place, run.by_ids(run.scope, object, &of_type).await?);
            }
        }
        let mut writer = Writer::new(run, &self.lowered.lists, 512);
        let write = |writer: &mut Writer<'_, '_>, id: &Option<(usize, Uuid)>| {
            let row = id.and_then(|(place, uuid)| {
                let (loaded, places) = found.get(&place)?;
                Some((place, loaded, *places.get(&uuid)?))
            });
            match row {
                Some((place, loaded, row)) => {
                    writer.or_null(true, |writer| writer.object(&objects[place], &shapes[place], loaded, row))
                }
                None => writer.nothing(),
            }
        };
        let done = match many {
            true => writer.list(ids.iter(), write),
            false => write(&mut writer, ids.first().unwrap_or(&None)),
        };
        writer.finish(&self.key, done)
    }
}

/// Text that is not an id is an error instead of `None`, since it is a client's mistake.
pub(super) fn parse_id(id: Option<&Json>, path: Vec<Step>) -> Result<Option<(&str, Uuid)>> {
    let text = id.and_then(Json::as_str).unwrap_or_default();
    match id::decode(text) {
        Some(found) => Ok(Some(found)),
        None => {
            let message = format!("`{}` is not an id: ids look like `product_01h455vb4pex5vsknk084sn02q`", cut(text));
            Err(Problem::new(Code::BadUserInput, message).at(path).into())
        }
    }
}
