//! Resolves the keys in an input (`{slug: "chair"}`) to ids: collects them first, then runs one statement for each type and field.

use model::names::camel;
use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value as Json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::access::Grant;
use crate::id;
use crate::value::Value;
use crate::write::failure::{Failure, Result};
use crate::write::guard::readable;
use crate::write::table;
use crate::{Connection, Scope, Stage, Store};
use base::error::Code;
use model::content::{ComponentInfo, ContentInfo, FieldInfo, RelationInfo, Shape, SiteInfo};

/// A key: an id, or the value of a field that is unique by itself.
#[derive(Clone, Debug)]
pub struct Key {
    pub info: &'static ContentInfo,
    /// `None` for the id.
    pub field: Option<&'static FieldInfo>,
    pub value: Value,
}

/// Why JSON is not a key.
pub struct NoKey {
    pub code: Code,
    pub message: String,
}

/// `(table, column)` of a key.
type Family = (&'static str, &'static str);

#[derive(Default)]
pub struct Keys {
    kinds: BTreeMap<Family, (&'static ContentInfo, Option<&'static FieldInfo>)>,
    /// `None` until resolved, and if no row has the key.
    ids: HashMap<Family, HashMap<String, Option<Uuid>>>,
    /// Targets that components refer to, by table: no foreign key keeps these.
    kept: BTreeMap<&'static str, HashSet<Uuid>>,
}

impl Key {
    /// Parses the `@oneOf` key input of a type.
    pub fn parse(info: &'static ContentInfo, json: &Json, site: &SiteInfo) -> Result<Self, NoKey> {
        let refused = |code, message: String| Err(NoKey { code, message });
        let mut members = json.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        let (Some((name, value)), None) = (members.next(), members.next()) else {
            return refused(Code::BadUserInput, format!("exactly one key of {} must be given", info.name));
        };
        if name == "id" {
            let uuid = value.as_str().and_then(|text| info.decode(text));
            return match uuid {
                Some(uuid) => Ok(Self { info, field: None, value: Value::Uuid(uuid) }),
                None => refused(Code::BadUserInput, format!("{value} is not an id of `{}`", info.name)),
            };
        }
        let field = table::natural_keys(info).map(|(_, field)| field).find(|field| field.name == name);
        let Some(Shape::Scalar(kind)) = field.map(|field| field.shape) else {
            return refused(Code::BadUserInput, format!("`{name}` is not a key of `{}`", info.name));
        };
        match kind.parse(value, site) {
            Ok(value) => Ok(Self { info, field, value }),
            Err(message) => refused(Code::InvalidValue, message),
        }
    }

    fn family(&self) -> Family {
        (self.info.table, self.field.map_or("id", |field| field.snake))
    }

    fn text(&self) -> String {
        self.value.text(0).map(std::borrow::Cow::into_owned).unwrap_or_default()
    }

    /// For messages: "no Brand has the slug `acme`".
    pub fn missing(&self) -> String {
        match self.field {
            Some(field) => format!("no {} has the {} `{}`", self.info.name, field.name, self.text()),
            None => match &self.value {
                Value::Uuid(uuid) => {
                    format!("{} `{}` does not exist", self.info.name, id::encode(self.info.table, *uuid))
                }
                _ => format!("the {} does not exist", self.info.name),
            },
        }
    }
}

impl Keys {
    pub fn want(&mut self, key: &Key) {
        self.kinds.insert(key.family(), (key.info, key.field));
        self.ids.entry(key.family()).or_default().entry(key.text()).or_insert(None);
    }

    pub fn get(&self, key: &Key) -> Option<Uuid> {
        self.ids.get(&key.family())?.get(&key.text()).copied().flatten()
    }

    /// The target will be referred to by a component.
    pub fn keep(&mut self, info: &ContentInfo, id: Uuid) {
        self.kept.entry(info.table).or_default().insert(id);
    }

    /// Keeps what components will refer to from being deleted before the transaction ends, as a foreign key would. `new`: rows of the
    /// same batch.
    pub async fn hold(&self, connection: &mut Connection, new: &HashSet<Uuid>) -> Result<()> {
        for (table, ids) in &self.kept {
            let ids: Vec<Uuid> = ids.difference(new).copied().collect();
            let sql = format!(r#"select id from draft."{table}" where id = any($1) order by id for key share"#);
            let held: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(&ids).fetch_all(&mut *connection).await?;
            if held.len() < ids.len() {
                return Err(Failure::Taken);
            }
        }
        Ok(())
    }

    /// Registers a row that is about to be created, so that later items of the batch find it.
    pub fn set(&mut self, key: &Key, id: Uuid) {
        self.ids.entry(key.family()).or_default().insert(key.text(), Some(id));
    }

    /// Finds the entries that the actor may point at, which are those that it may read; the others count as missing.
    pub async fn resolve(&mut self, connection: &mut Connection, store: &Store) -> Result<()> {
        let drafts = store.at(Stage::Draft);
        self.resolve_at(connection, drafts).await?;
        self.keep_readable(connection, drafts).await?;
        let sees_all_drafts = |info: &ContentInfo, field: Option<&FieldInfo>| match drafts.reads(info) {
            Grant::Trusted => true,
            Grant::By(rule) => rule.rows.is_none() && field.is_none_or(|field| rule.has(info, field.snake)),
            Grant::Denied => false,
        };
        let mut live = Self::default();
        for (family, (info, field)) in &self.kinds {
            let found = self.ids.get(family).into_iter().flatten();
            let missing: HashMap<_, _> =
                found.filter(|(_, id)| id.is_none()).map(|(text, _)| (text.clone(), None)).collect();
            if !missing.is_empty() && !sees_all_drafts(info, *field) {
                live.kinds.insert(*family, (info, *field));
                live.ids.insert(*family, missing);
            }
        }
        live.resolve_at(connection, store.at(Stage::Live)).await?;
        live.keep_readable(connection, store.at(Stage::Live)).await?;
        for (family, found) in live.ids {
            self.ids.entry(family).or_default().extend(found);
        }
        Ok(())
    }

    async fn keep_readable(&mut self, connection: &mut Connection, scope: Scope<'_>) -> Result<()> {
        for (family, (info, field)) in &self.kinds {
            let Some(ids) = self.ids.get_mut(family) else { continue };
            let grant = scope.reads(info);
            let known: HashSet<Uuid> = match field.is_none_or(|field| grant.has(info, field.snake)) {
                true => readable(connection, scope, info, ids.values().copied().flatten().collect()).await?,
                false => Vec::new(),
            }
            .into_iter()
            .collect();
            ids.values_mut().for_each(|id| *id = id.filter(|id| known.contains(id)));
        }
        Ok(())
    }

    /// Finds the entries with these keys as last saved, regardless of what the actor may read.
    pub async fn resolve_all(&mut self, connection: &mut Connection, store: &Store) -> Result<()> {
        self.resolve_at(connection, store.at(Stage::Draft)).await
    }

    async fn resolve_at(&mut self, connection: &mut Connection, scope: Scope<'_>) -> Result<()> {
        for (family, (info, field)) in &self.kinds {
            let Some(ids) = self.ids.get_mut(family) else { continue };
            let texts: Vec<String> = ids.keys().cloned().collect();
            let (column, cast) = match field.map(|field| (field.snake, field.shape)) {
                Some((snake, Shape::Scalar(kind))) => (snake, kind.cast()),
                _ => ("id", "uuid"),
            };
            let sql = format!(
                r#"select k.text, t.id from unnest($1::text[]) as k(text) join {} t on t."{column}" = k.text::{cast}"#,
                scope.table(info.table)
            );
            let found: Vec<(String, Uuid)> =
                sqlx::query_as(AssertSqlSafe(sql)).bind(texts).fetch_all(&mut *connection).await?;
            for (text, id) in found {
                ids.insert(text, Some(id));
            }
        }
        Ok(())
    }
}

/// Collects the keys of other entries in inputs. Skips malformed input: the parser reports it.
pub struct Collector<'a> {
    pub keys: &'a mut Keys,
    pub site: &'a SiteInfo,
    /// Collect the natural keys of nested `create` inputs as well.
    pub reuse: bool,
}

impl Collector<'_> {
    pub fn fields(&mut self, info: &'static ContentInfo, input: &Map<String, Json>) {
        for field in info.fields {
            let Some(json) = input.get(field.name) else { continue };
            match field.shape {
                Shape::One(to) => self.one(&to, json),
                Shape::Many(to) => self.many(&to, json),
                Shape::Children(child) => {
                    for part in ["set", "create"] {
                        items(json.get(part)).filter_map(Json::as_object).for_each(|row| self.fields(child, row));
                    }
                    let updates = items(json.get("update")).filter_map(|update| update.get("data")?.as_object());
                    updates.for_each(|row| self.fields(child, row));
                }
                shape => self.nested(&shape, json),
            }
        }
    }

    fn one(&mut self, to: &RelationInfo, json: &Json) {
        match to.to {
            [target] => self.reference(target, json),
            several => several.iter().for_each(|target| {
                if let Some(json) = member(json, target) {
                    self.reference(target, json);
                }
            }),
        }
    }

    fn reference(&mut self, target: &'static ContentInfo, json: &Json) {
        if let Some(key) = json.get("connect") {
            self.key(target, key);
        }
        if let Some(Json::Object(input)) = json.get("create") {
            self.create(target, input);
        }
    }

    fn create(&mut self, target: &'static ContentInfo, input: &Map<String, Json>) {
        if let Some(key) = self.reuse.then(|| natural_key(target, input, self.site)).flatten() {
            self.keys.want(&key);
        }
        self.fields(target, input);
    }

    fn many(&mut self, to: &RelationInfo, json: &Json) {
        for part in ["set", "connect", "disconnect"] {
            for item in items(json.get(part)) {
                match to.to {
                    [target] => self.key(target, item),
                    several => several.iter().for_each(|target| {
                        if let Some(key) = member(item, target) {
                            self.key(target, key);
                        }
                    }),
                }
            }
        }
        if let [target] = to.to {
            items(json.get("create")).filter_map(Json::as_object).for_each(|input| self.create(target, input));
        }
    }

    /// Components store ids, so their inputs have plain keys without `connect`.
    fn nested(&mut self, shape: &Shape, json: &Json) {
        match shape {
            Shape::Component(component) => self.component(component, json),
            Shape::Components(component) => items(Some(json)).for_each(|json| self.component(component, json)),
            Shape::Blocks(blocks) => items(Some(json)).for_each(|json| {
                for component in blocks.of {
                    if let Some(json) = json.get(camel(component.tag)) {
                        self.component(component, json);
                    }
                }
            }),
            _ => {}
        }
    }

    fn component(&mut self, component: &ComponentInfo, json: &Json) {
        for field in component.fields {
            let Some(json) = json.get(field.name) else { continue };
            match field.shape {
                Shape::One(RelationInfo { to: [target], .. }) => self.key(target, json),
                Shape::Many(RelationInfo { to: [target], .. }) => {
                    items(Some(json)).for_each(|json| self.key(target, json));
                }
                shape => self.nested(&shape, json),
            }
        }
    }

    fn key(&mut self, info: &'static ContentInfo, json: &Json) {
        if let Ok(key) = Key::parse(info, json, self.site) {
            self.keys.want(&key);
        }
    }
}

/// The first field of the input that is unique by itself.
pub fn natural_key(info: &'static ContentInfo, input: &Map<String, Json>, site: &SiteInfo) -> Option<Key> {
    table::natural_keys(info).find_map(|(_, field)| {
        let Shape::Scalar(kind) = field.shape else { return None };
        let value = kind.parse(input.get(field.name)?, site).ok().filter(|value| !value.is_null())?;
        Some(Key { info, field: Some(field), value })
    })
}

/// The member of a polymorphic input for this target.
pub fn member<'a>(json: &'a Json, target: &ContentInfo) -> Option<&'a Json> {
    json.get(camel(target.table)).filter(|json| !json.is_null())
}

fn items(json: Option<&Json>) -> impl Iterator<Item = &Json> {
    json.and_then(Json::as_array).into_iter().flatten()
}
