//! The slow and plain executor: keeps all rows in memory and resolves fields one by one, without a plan.

use std::cmp::Ordering;
use std::str::FromStr;

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::parser::{Positioned, types::Directive};
use async_graphql_value::Value as Literal;
use runtime::content::{ComponentInfo, ContentInfo, EnumInfo, FieldInfo, InverseInfo, RelationInfo, Shape};
use runtime::graphql::read::Arguments;
use runtime::kind::Kind;
use runtime::{Stage, currency, id};
use rust_decimal::Decimal;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::database::{Data, HAS_ICU, LENGTHS, Plain, Row};
use crate::schema::SCHEMA;

pub struct Reference<'a> {
    pub data: &'a Data,
    pub document: &'a ExecutableDocument,
    pub arguments: &'a Plain,
    pub stage: Stage,
}

type Fields<'a> = Vec<(String, &'a Field, Vec<&'a SelectionSet>)>;
/// A row with its position in the owner's list.
type Placed<'a> = (i64, &'static ContentInfo, &'a Row);

impl<'a> Reference<'a> {
    pub fn query(&mut self) -> Json {
        let (_, operation) = self.document.operations.iter().next().expect("one operation");
        let mut answer = Map::new();
        for (key, field, sets) in self.fields("Query", &[&operation.node.selection_set.node]) {
            let arguments = self.of("Query", field);
            self.stage = if arguments.get("stage") == Some(&json!("DRAFT")) { Stage::Draft } else { Stage::Live };
            answer.insert(key, self.root(field, &arguments, &sets));
        }
        Json::Object(answer)
    }

    fn root(&self, field: &Field, arguments: &Map<String, Json>, sets: &[&'a SelectionSet]) -> Json {
        let name = field.name.node.as_str();
        let node = |id: &Json| {
            let (table, uuid) = id::decode(id.as_str().unwrap()).unwrap();
            let info = SCHEMA.contents().find(|info| info.table == table);
            let found = info.and_then(|info| Some((info, self.find(info, uuid)?)));
            found.map_or(Json::Null, |(info, row)| self.object(info, row, sets))
        };
        match name {
            "node" | "note" => node(&arguments["id"]),
            "nodes" => arguments["ids"].as_array().unwrap().iter().map(node).collect(),
            "noteBySlug" => {
                let info = SCHEMA.content("Note").unwrap();
                let row = self.data.rows(self.stage, "note").iter().find(|row| row["slug"] == arguments["slug"]);
                row.map_or(Json::Null, |row| self.object(info, row, sets))
            }
            plural => {
                let info = SCHEMA.types.iter().copied().find(|info| info.plural == plural).unwrap();
                let rows = self.data.rows(self.stage, info.table).iter().map(|row| (0, info, row)).collect();
                self.page(info, rows, arguments, sets, true)
            }
        }
    }

    pub fn of(&self, parent: &str, field: &Field) -> Map<String, Json> {
        let given: Vec<_> =
            field.arguments.iter().map(|(name, value)| (name.node.clone(), value.node.clone())).collect();
        self.arguments.coerce(parent, field.name.node.as_str(), &given).unwrap()
    }

    fn find(&self, info: &ContentInfo, id: Uuid) -> Option<&'a Row> {
        self.data.rows(self.stage, info.table).iter().find(|row| row["id"] == json!(id.to_string()))
    }

    pub fn fields(&self, ty: &str, sets: &[&'a SelectionSet]) -> Fields<'a> {
        let mut fields: Fields<'a> = Vec::new();
        for set in sets {
            self.collect(ty, set, &mut fields);
        }
        fields
    }

    fn collect(&self, ty: &str, set: &'a SelectionSet, fields: &mut Fields<'a>) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    if !self.included(&field.node.directives) {
                        continue;
                    }
                    let key = field.node.alias.as_ref().unwrap_or(&field.node.name).node.to_string();
                    match fields.iter_mut().find(|(known, ..)| *known == key) {
                        Some((.., sets)) => sets.push(&field.node.selection_set.node),
                        None => fields.push((key, &field.node, vec![&field.node.selection_set.node])),
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    if self.included(&fragment.node.directives) && on.is_none_or(|on| is_a(ty, on)) {
                        self.collect(ty, &fragment.node.selection_set.node, fields);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &self.document.fragments[&spread.node.fragment_name.node].node;
                    let on = fragment.type_condition.node.on.node.as_str();
                    if self.included(&spread.node.directives) && is_a(ty, on) {
                        self.collect(ty, &fragment.selection_set.node, fields);
                    }
                }
            }
        }
    }

    fn included(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let value = match &directive.node.arguments[0].1.node {
                Literal::Boolean(value) => *value,
                Literal::Variable(name) => self.arguments.variables[name.as_str()] == true,
                other => panic!("{other}"),
            };
            value == (directive.node.name.node.as_str() == "include")
        })
    }

    fn object(&self, info: &'static ContentInfo, row: &'a Row, sets: &[&'a SelectionSet]) -> Json {
        let mut object = Map::new();
        for (key, field, sets) in self.fields(info.name, sets) {
            object.insert(key, self.field(info, row, field, &sets));
        }
        Json::Object(object)
    }

    fn field(&self, info: &'static ContentInfo, row: &'a Row, field: &Field, sets: &[&'a SelectionSet]) -> Json {
        let name = field.name.node.as_str();
        let arguments = self.of(info.name, field);
        match name {
            "__typename" => return json!(info.name),
            "id" => return json!(id::encode(info.table, uuid(&row["id"]))),
            "revision" => return row["revision"].clone(),
            "createdAt" => return row["created_at"].clone(),
            "updatedAt" => return row["updated_at"].clone(),
            "publishedAt" => return row["published_at"].clone(),
            "firstPublishedAt" => return row["first_published_at"].clone(),
            "status" => return json!(self.status(info, row)),
            _ => {}
        }
        if let Some(field) = info.field(name) {
            return self.own(info, row, field, &arguments, sets);
        }
        if let Some(inverse) = info.inverses.iter().find(|inverse| inverse.name == name) {
            return self.list(self.inverse(info, row, inverse), &arguments, sets, true);
        }
        let name = name.strip_suffix("Connection").unwrap();
        if let Some(field) = info.field(name) {
            let of = match field.shape {
                Shape::Many(to) => to.to[0],
                Shape::Children(of) => of,
                _ => panic!("`{name}` is not a list"),
            };
            return self.page(of, self.targets(info, row, field), &arguments, sets, false);
        }
        let inverse = info.inverses.iter().find(|inverse| inverse.name == name).unwrap();
        self.page(inverse.source, self.inverse(info, row, inverse), &arguments, sets, true)
    }

    fn status(&self, info: &ContentInfo, row: &Row) -> &'static str {
        let live = self.data.published(info.table).iter().find(|live| live["id"] == row["id"]);
        match live {
            _ if self.stage == Stage::Live => "PUBLISHED",
            None => "DRAFT",
            Some(live) if live["revision"] == row["revision"] => "PUBLISHED",
            Some(_) => "CHANGED",
        }
    }

    fn own(
        &self,
        info: &'static ContentInfo,
        row: &'a Row,
        field: &'static FieldInfo,
        arguments: &Map<String, Json>,
        sets: &[&'a SelectionSet],
    ) -> Json {
        match field.shape {
            Shape::Scalar(Kind::Money) => match &row[field.snake] {
                Json::Null => Json::Null,
                minor => self.money(minor.as_i64().unwrap(), text(&row[&format!("{}_currency", field.snake)]), sets),
            },
            Shape::Scalar(Kind::Duration) => row[field.snake].as_i64().map_or(Json::Null, |stored| json!(iso(stored))),
            Shape::Scalar(_) => row[field.snake].clone(),
            Shape::Enum(of) => shown(of, &row[field.snake]),
            Shape::Enums(of) => row[field.snake].as_array().unwrap().iter().map(|item| shown(of, item)).collect(),
            Shape::One(_) => match self.targets(info, row, field).first() {
                Some((_, target, row)) => self.object(target, row, sets),
                None => Json::Null,
            },
            Shape::Many(_) | Shape::Children(_) => self.list(self.targets(info, row, field), arguments, sets, false),
            Shape::Component(of) => self.component(of, &row[field.snake], sets),
            Shape::Components(of) => self.components(&[of], &row[field.snake], sets),
            Shape::Blocks(blocks) => self.components(blocks.of, &row[field.snake], sets),
        }
    }

    fn money(&self, minor: i64, currency: &str, sets: &[&'a SelectionSet]) -> Json {
        let mut object = Map::new();
        for (key, field, _) in self.fields("Money", sets) {
            let value = match field.name.node.as_str() {
                "amountMinor" => minor.to_string(),
                "currency" => currency.to_owned(),
                "amount" => currency::format_amount(minor, currency),
                _ => "Money".to_owned(),
            };
            object.insert(key, json!(value));
        }
        Json::Object(object)
    }

    fn component(&self, of: &'static ComponentInfo, stored: &Json, sets: &[&'a SelectionSet]) -> Json {
        let Json::Object(stored) = stored else { return Json::Null };
        let mut object = Map::new();
        for (key, selected, sets) in self.fields(of.name, sets) {
            let name = selected.name.node.as_str();
            let Some(field) = of.field(name) else {
                object.insert(key, json!(of.name));
                continue;
            };
            let value = stored.get(field.snake).unwrap_or(&Json::Null);
            let items = || value.as_array().cloned().unwrap_or_default();
            let label = |target: &'static ContentInfo, id: &Json| Some((target, self.find(target, uuid(id))?));
            let json = match field.shape {
                Shape::Scalar(Kind::Money) if !value.is_null() => {
                    self.money(text(&value["amountMinor"]).parse().unwrap(), text(&value["currency"]), &sets)
                }
                Shape::Scalar(_) => value.clone(),
                Shape::Enum(of) => shown(of, value),
                Shape::Enums(of) => items().iter().map(|item| shown(of, item)).collect(),
                Shape::Component(of) => self.component(of, value, &sets),
                Shape::Components(of) => self.components(&[of], value, &sets),
                Shape::One(to) => match Some(value).filter(|id| !id.is_null()).and_then(|id| label(to.to[0], id)) {
                    Some((target, row)) => self.object(target, row, &sets),
                    None => Json::Null,
                },
                Shape::Many(to) => {
                    let first = self.of(of.name, selected)["first"].as_u64().unwrap() as usize;
                    let found = items().iter().filter_map(|id| label(to.to[0], id)).collect::<Vec<_>>();
                    found.iter().take(first).map(|(target, row)| self.object(target, row, &sets)).collect()
                }
                other => panic!("{other:?} in a component"),
            };
            object.insert(key, json);
        }
        Json::Object(object)
    }

    fn components(&self, of: &[&'static ComponentInfo], stored: &Json, sets: &[&'a SelectionSet]) -> Json {
        let items = stored.as_array().cloned().unwrap_or_default();
        let component = |item: &Json| {
            let of = of.iter().find(|of| item["_type"] == of.tag).unwrap();
            self.component(of, item, sets)
        };
        items.iter().map(component).collect()
    }

    /// The targets of a relation or children field, in the owner's order.
    fn targets(&self, info: &ContentInfo, row: &Row, field: &FieldInfo) -> Vec<Placed<'a>> {
        match field.shape {
            Shape::One(to) => {
                let found = to.to.iter().filter_map(|target| {
                    let column = match to.to {
                        [_] => format!("{}_id", field.snake),
                        _ => format!("{}_{}_id", field.snake, target.table),
                    };
                    let id = row.get(&column).filter(|id| !id.is_null())?;
                    Some((0, *target, self.find(target, uuid(id))?))
                });
                found.collect()
            }
            Shape::Many(to) => {
                let joined = self.data.rows(self.stage, to.join).iter().filter(|join| join["owner_id"] == row["id"]);
                let mut found: Vec<Placed<'a>> = Vec::new();
                for join in joined {
                    for target in to.to {
                        let column = if to.to.len() == 1 { "target_id".into() } else { format!("{}_id", target.table) };
                        let id = join.get(&column).filter(|id| !id.is_null());
                        if let Some(row) = id.and_then(|id| self.find(target, uuid(id))) {
                            found.push((join["position"].as_i64().unwrap(), target, row));
                        }
                    }
                }
                found.sort_by_key(|(position, _, row)| (*position, uuid(&row["id"])));
                found
            }
            Shape::Children(of) => {
                let children =
                    self.data.rows(self.stage, of.table).iter().filter(|child| child["parent_id"] == row["id"]);
                let mut found: Vec<_> = children.map(|row| (row["position"].as_i64().unwrap(), of, row)).collect();
                found.sort_by_key(|(position, _, row)| (*position, uuid(&row["id"])));
                found
            }
            _ => panic!("`{}.{}` is not a relation", info.name, field.name),
        }
    }

    fn inverse(&self, info: &ContentInfo, row: &Row, inverse: &InverseInfo) -> Vec<Placed<'a>> {
        let field = inverse.source.fields.iter().find(|field| field.snake == inverse.field).unwrap();
        let sources = self.data.rows(self.stage, inverse.source.table).iter();
        let points_here = |source: &&Row| {
            let targets = self.targets(inverse.source, source, field);
            targets.iter().any(|(_, target, found)| target.name == info.name && found["id"] == row["id"])
        };
        sources.filter(points_here).map(|row| (0, inverse.source, row)).collect()
    }

    fn list(
        &self,
        rows: Vec<Placed<'a>>,
        arguments: &Map<String, Json>,
        sets: &[&'a SelectionSet],
        newest: bool,
    ) -> Json {
        let rows = self.selected(rows, arguments, newest);
        let first = arguments["first"].as_u64().unwrap() as usize;
        rows.into_iter().take(first).map(|(_, info, row)| self.object(info, row, sets)).collect()
    }

    /// Filters and sorts the rows.
    pub fn selected(&self, mut rows: Vec<Placed<'a>>, arguments: &Map<String, Json>, newest: bool) -> Vec<Placed<'a>> {
        if let Some(filter) = arguments.get("filter").filter(|filter| !filter.is_null()) {
            rows.retain(|(_, info, row)| self.holds(info, row, filter));
        }
        let mut order = arguments.get("orderBy").and_then(Json::as_array).cloned().unwrap_or_default();
        // A repeated key has no effect.
        let given: Vec<_> = order.iter().map(|key| key["field"].clone()).collect();
        let mut index = 0..;
        order.retain(|key| index.next().is_some_and(|index| !given[..index].contains(&key["field"])));
        match order.last() {
            Some(last) => {
                let id_descending = last["direction"] == "DESC";
                rows.sort_by(|(_, info, a), (_, _, b)| {
                    let keys = order.iter().map(|key| compare_key(info, key, a, b));
                    let by_id = uuid(&a["id"]).cmp(&uuid(&b["id"]));
                    keys.fold(Ordering::Equal, Ordering::then).then(if id_descending { by_id.reverse() } else { by_id })
                });
            }
            None if newest => rows.sort_by_key(|(_, _, row)| std::cmp::Reverse(uuid(&row["id"]))),
            None => {}
        }
        rows
    }

    /// Cursors are opaque, so the property test neither selects nor passes them.
    fn page(
        &self,
        info: &'static ContentInfo,
        rows: Vec<Placed<'a>>,
        arguments: &Map<String, Json>,
        sets: &[&'a SelectionSet],
        newest: bool,
    ) -> Json {
        let rows = self.selected(rows, arguments, newest);
        let total = rows.len();
        let size = |name: &str| arguments.get(name).and_then(Json::as_u64).map(|size| size as usize);
        let (rows, more_after, more_before) = match (size("first"), size("last")) {
            (_, Some(last)) => (rows[total.saturating_sub(last)..].to_vec(), false, total > last),
            (first, None) => {
                let first = first.unwrap_or(20);
                (rows[..total.min(first)].to_vec(), total > first, false)
            }
        };
        let mut page = Map::new();
        for (key, field, sets) in self.fields(&format!("{}Connection", info.name), sets) {
            let nodes = |sets: &[&'a SelectionSet]| -> Json {
                rows.iter().map(|(_, info, row)| self.object(info, row, sets)).collect()
            };
            let value = match field.name.node.as_str() {
                "nodes" => nodes(&sets),
                "totalCount" => json!(total),
                "edges" => {
                    let fields = self.fields(&format!("{}Edge", info.name), &sets);
                    let edge = |row: &'a Row| -> Json {
                        let value = |field: &Field, sets: &[&'a SelectionSet]| match field.name.node.as_str() {
                            "node" => self.object(info, row, sets),
                            _ => json!(format!("{}Edge", info.name)),
                        };
                        Json::Object(
                            fields.iter().map(|(key, field, sets)| (key.clone(), value(field, sets))).collect(),
                        )
                    };
                    rows.iter().map(|(_, _, row)| edge(row)).collect()
                }
                "pageInfo" => {
                    let mut object = Map::new();
                    for (key, field, _) in self.fields("PageInfo", &sets) {
                        let value = match field.name.node.as_str() {
                            "hasNextPage" => json!(more_after),
                            "hasPreviousPage" => json!(more_before),
                            _ => json!("PageInfo"),
                        };
                        object.insert(key, value);
                    }
                    Json::Object(object)
                }
                _ => json!(format!("{}Connection", info.name)),
            };
            page.insert(key, value);
        }
        Json::Object(page)
    }

    pub fn holds(&self, info: &'static ContentInfo, row: &Row, filter: &Json) -> bool {
        filter.as_object().unwrap().iter().all(|(key, value)| self.condition(info, row, key, value))
    }

    fn condition(&self, info: &'static ContentInfo, row: &Row, key: &str, value: &Json) -> bool {
        let all = || value.as_array().unwrap().iter();
        match key {
            "and" => return all().all(|filter| self.holds(info, row, filter)),
            "or" => return all().any(|filter| self.holds(info, row, filter)),
            "not" => return !self.holds(info, row, value),
            "id" => return operators(Kind::String, &json!(id::encode(info.table, uuid(&row["id"]))), None, value),
            "createdAt" => return operators(Kind::Datetime, &row["created_at"], None, value),
            "publishedAt" => return operators(Kind::Datetime, &row["published_at"], None, value),
            "firstPublishedAt" => return operators(Kind::Datetime, &row["first_published_at"], None, value),
            _ => {}
        }
        let Some(field) = info.field(key) else {
            let inverse = info.inverses.iter().find(|inverse| inverse.name == key).unwrap();
            return self.quantified(&self.inverse(info, row, inverse), value);
        };
        match field.shape {
            Shape::Scalar(kind) => {
                let currency = row.get(&format!("{}_currency", field.snake)).filter(|_| kind == Kind::Money);
                operators(kind, &row[field.snake], currency, value)
            }
            Shape::Enum(of) => operators(Kind::String, &shown(of, &row[field.snake]), None, value),
            Shape::Enums(of) => {
                let items: Vec<_> = row[field.snake].as_array().unwrap().iter().map(|item| shown(of, item)).collect();
                value.as_object().unwrap().iter().all(|(operator, value)| match operator.as_str() {
                    "has" => items.contains(value),
                    "hasSome" => value.as_array().unwrap().iter().any(|value| items.contains(value)),
                    "hasEvery" => value.as_array().unwrap().iter().all(|value| items.contains(value)),
                    _ => items.is_empty() == *value,
                })
            }
            Shape::One(to) => {
                let targets = self.targets(info, row, field);
                let is = |filter: &Json| targets.iter().any(|(_, info, row)| self.passes(&to, info, row, filter));
                value.as_object().unwrap().iter().all(|(operator, value)| match operator.as_str() {
                    "is" => is(value),
                    "isNot" => !is(value),
                    _ => targets.is_empty() == *value,
                })
            }
            Shape::Many(to) => quantified(&self.targets(info, row, field), value, |info, row, filter| {
                self.passes(&to, info, row, filter)
            }),
            _ => self.quantified(&self.targets(info, row, field), value),
        }
    }

    /// If a relation has several target types, the filter names one of them, and targets of other types do not match.
    fn passes(&self, to: &RelationInfo, info: &'static ContentInfo, row: &Row, filter: &Json) -> bool {
        match to.to {
            [_] => self.holds(info, row, filter),
            _ => filter.get(info.table).is_some_and(|filter| self.holds(info, row, filter)),
        }
    }

    fn quantified(&self, rows: &[Placed<'a>], value: &Json) -> bool {
        quantified(rows, value, |info, row, filter| self.holds(info, row, filter))
    }
}

fn quantified(rows: &[Placed<'_>], value: &Json, holds: impl Fn(&'static ContentInfo, &Row, &Json) -> bool) -> bool {
    value.as_object().unwrap().iter().all(|(operator, filter)| {
        let mut held = rows.iter().map(|(_, info, row)| holds(info, row, filter));
        match operator.as_str() {
            "some" => held.any(|held| held),
            "none" => !held.any(|held| held),
            _ => held.all(|held| held),
        }
    })
}

fn is_a(ty: &str, on: &str) -> bool {
    let members: &[&str] = match on {
        "Node" => &["Note", "NoteItem", "Person", "Label"],
        "NoteAbout" | "NoteMentions" => &["Label", "Person"],
        "NoteBodyBlock" => &["Quote", "Link"],
        on => return ty == on,
    };
    members.contains(&ty)
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap()
}

fn uuid(json: &Json) -> Uuid {
    text(json).parse().unwrap()
}

fn iso(stored: i64) -> &'static str {
    LENGTHS.iter().find(|(length, _)| *length == stored).unwrap().1
}

fn shown(of: &EnumInfo, stored: &Json) -> Json {
    stored.as_str().map_or(Json::Null, |stored| json!(of.shown(stored).unwrap()))
}

/// The caller has handled nulls.
fn compare(kind: Kind, a: &Json, b: &Json) -> Ordering {
    match kind {
        Kind::Bigint => text(a).parse::<i64>().unwrap().cmp(&text(b).parse().unwrap()),
        Kind::Decimal => Decimal::from_str(text(a)).unwrap().cmp(&Decimal::from_str(text(b)).unwrap()),
        _ => match (a, b) {
            (Json::Number(a), Json::Number(b)) => a.as_i64().cmp(&b.as_i64()),
            (Json::Bool(a), Json::Bool(b)) => a.cmp(b),
            // Timestamps differ at least in whole seconds, or only by a fraction, whose dot sorts before the `Z`.
            _ if kind == Kind::Datetime => text(a).trim_end_matches('Z').cmp(text(b).trim_end_matches('Z')),
            _ if kind.cast() == "text" => compare_texts(text(a), text(b)),
            _ => text(a).cmp(text(b)),
        },
    }
}

/// By letters, then accents, then lower before upper case. Without ICU equal ones are ordered by bytes, lower case without
/// accents first.
pub fn compare_texts(a: &str, b: &str) -> Ordering {
    let bare = |text: &str| -> String { text.chars().map(|letter| bare(letter).to_ascii_lowercase()).collect() };
    let accents = |text: &str| -> Vec<bool> { text.chars().map(bare_differs).collect() };
    let great = |text: &str| -> Vec<bool> { text.chars().map(char::is_uppercase).collect() };
    if HAS_ICU.load(std::sync::atomic::Ordering::Relaxed) {
        let of = |text: &str| (bare(text), accents(text), great(text));
        return of(a).cmp(&of(b));
    }
    let of = |text: &str| (bare(text), if bare(text) == text { String::new() } else { text.to_owned() });
    of(a).cmp(&of(b))
}

/// Covers the letters of the tests.
fn bare(letter: char) -> char {
    match letter {
        'ä' => 'a',
        'Ä' => 'A',
        'é' => 'e',
        other => other,
    }
}

fn bare_differs(letter: char) -> bool {
    bare(letter) != letter
}

fn compare_key(info: &ContentInfo, key: &Json, a: &Row, b: &Row) -> Ordering {
    let name = text(&key["field"]).to_lowercase();
    let descending = key["direction"] == "DESC";
    let nulls_first = key["nulls"].as_str().map_or(descending, |nulls| nulls == "FIRST");
    match (a[&name].is_null(), b[&name].is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) if nulls_first => Ordering::Less,
        (false, true) if !nulls_first => Ordering::Less,
        (true, false) | (false, true) => Ordering::Greater,
        (false, false) => {
            let ordering = compare_values(info, &name, a, b);
            if descending { ordering.reverse() } else { ordering }
        }
    }
}

fn compare_values(info: &ContentInfo, name: &str, a: &Row, b: &Row) -> Ordering {
    let (one, other) = (&a[name], &b[name]);
    match info.fields.iter().find(|field| field.snake == name).map(|field| field.shape) {
        Some(Shape::Scalar(Kind::Money)) => {
            let currency = format!("{name}_currency");
            let by_currency = text(&a[&currency]).cmp(text(&b[&currency]));
            by_currency.then(compare(Kind::Money, one, other))
        }
        Some(Shape::Enum(of)) => {
            let place = |stored: &Json| of.values.iter().position(|(known, _)| stored == known);
            place(one).cmp(&place(other))
        }
        Some(Shape::Scalar(kind)) => compare(kind, one, other),
        // The position or a timestamp.
        _ => compare(Kind::Datetime, one, other),
    }
}

/// A condition on null is false, except for `isNull` and negations.
fn operators(kind: Kind, value: &Json, currency: Option<&Json>, given: &Json) -> bool {
    // API values in their stored form.
    let stored = |wanted: &Json| match kind {
        Kind::Duration => json!(LENGTHS.iter().find(|(_, shown)| wanted == shown).unwrap().0),
        Kind::Money => json!(wanted["amountMinor"].as_i64().unwrap()),
        _ => wanted.clone(),
    };
    let comparable = |wanted: &Json| {
        let wanted_currency = wanted.get("currency").and_then(Json::as_str).unwrap_or("EUR");
        !value.is_null() && currency.is_none_or(|currency| currency == wanted_currency)
    };
    let compared = |wanted: &Json| comparable(wanted).then(|| compare(kind, value, &stored(wanted)));
    let is = |wanted: &Json| compared(wanted) == Some(Ordering::Equal);
    given.as_object().unwrap().iter().all(|(operator, wanted)| match operator.as_str() {
        "eq" => is(wanted),
        "ne" => !is(wanted),
        "in" => wanted.as_array().unwrap().iter().any(is),
        "notIn" => !wanted.as_array().unwrap().iter().any(is),
        "isNull" => value.is_null() == *wanted,
        "lt" => compared(wanted).is_some_and(Ordering::is_lt),
        "lte" => compared(wanted).is_some_and(Ordering::is_le),
        "gt" => compared(wanted).is_some_and(Ordering::is_gt),
        "gte" => compared(wanted).is_some_and(Ordering::is_ge),
        "contains" => value.as_str().is_some_and(|value| value.to_lowercase().contains(&text(wanted).to_lowercase())),
        "startsWith" => {
            value.as_str().is_some_and(|value| value.to_lowercase().starts_with(&text(wanted).to_lowercase()))
        }
        other => panic!("no operator `{other}`"),
    })
}
