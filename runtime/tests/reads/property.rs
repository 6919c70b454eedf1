//! Random queries over random content: the planned response equals the plain executor's, in the same order.

use std::fmt::Write as _;

use async_graphql::parser::parse_query;
use runtime::content::{BlocksInfo, ComponentInfo, ContentInfo, FieldInfo, RelationInfo, Shape};
use runtime::kind::Kind;
use runtime::{Stage, id};
use serde_json::{Map, Value as Json, json};

use crate::database::{Data, LENGTHS, Plain, Rng, run, with};
use crate::reference::Reference;
use crate::schema::SCHEMA;

const CASES: u64 = 80;

/// Generates a query and its variables.
pub struct Writer<'a> {
    rng: Rng,
    data: &'a Data,
    pub variables: Map<String, Json>,
    fragments: String,
    names: usize,
}

impl<'a> Writer<'a> {
    pub fn new(rng: Rng, data: &'a Data) -> Self {
        let variables = Map::from_iter([("yes".into(), json!(true)), ("no".into(), json!(false))]);
        Self { rng, data, variables, fragments: String::new(), names: 0 }
    }

    pub fn query(&mut self) -> String {
        let mut query = String::from("query {");
        for _ in 0..1 + self.rng.below(2) {
            let stage = *self.rng.pick(&["LIVE", "DRAFT"]);
            let key = self.alias();
            let depth = 1 + self.rng.below(4);
            let root = match self.rng.below(5) {
                0 => {
                    let (kind, id) = self.id();
                    let selection = self.node(depth);
                    let by_type = self.rng.chance(50) && kind == "note";
                    let selection =
                        if by_type { self.object(SCHEMA.content("Note").unwrap(), depth) } else { selection };
                    format!("{}(id: \"{id}\", stage: {stage}) {selection}", if by_type { "note" } else { "node" })
                }
                1 => {
                    let ids: Vec<_> = (0..self.rng.below(6)).map(|_| format!("\"{}\"", self.id().1)).collect();
                    format!("nodes(ids: [{}], stage: {stage}) {}", ids.join(", "), self.node(depth))
                }
                2 => {
                    let slug = self.rng.below(8);
                    let selection = self.object(SCHEMA.content("Note").unwrap(), depth);
                    format!("noteBySlug(slug: \"note-{slug}\", stage: {stage}) {selection}")
                }
                _ => {
                    let info = if self.rng.chance(80) {
                        SCHEMA.content("Note").unwrap()
                    } else {
                        *self.rng.pick(SCHEMA.types)
                    };
                    let arguments = self.page_arguments(info);
                    format!("{}(stage: {stage}{arguments}) {}", info.plural, self.page(info, depth))
                }
            };
            let _ = write!(query, " {key}: {root}");
        }
        query + "}" + &self.fragments
    }

    fn alias(&mut self) -> String {
        self.names += 1;
        format!("x{}", self.names)
    }

    fn variable(&mut self, value: Json) -> String {
        let name = format!("v{}", self.variables.len());
        self.variables.insert(name.clone(), value);
        format!("${name}")
    }

    /// The id of a row, or one that does not exist.
    fn id(&mut self) -> (String, String) {
        let info = *self.rng.pick(&SCHEMA.contents().collect::<Vec<_>>());
        let rows = self.data.rows(Stage::Draft, info.table);
        let uuid = match rows.is_empty() || self.rng.chance(10) {
            true => uuid::Uuid::from_u128(7),
            false => self.rng.pick(rows)["id"].as_str().unwrap().parse().unwrap(),
        };
        (info.table.to_owned(), id::encode(info.table, uuid))
    }

    fn node(&mut self, depth: usize) -> String {
        let mut selection = String::from("{ id");
        for info in SCHEMA.contents() {
            if self.rng.chance(60) {
                let _ = write!(selection, " ... on {} {}", info.name, self.object(info, depth));
            }
        }
        selection + " __typename ... on Node { id } }"
    }

    fn directive(&mut self) -> String {
        let condition = *self.rng.pick(&["$yes", "$no", "true", "false"]);
        match self.rng.below(8) {
            0 => format!(" @include(if: {condition})"),
            1 => format!(" @skip(if: {condition})"),
            _ => String::new(),
        }
    }

    /// A selection, partly in fragments.
    fn selection(&mut self, ty: &str, mut fields: Vec<String>) -> String {
        for field in &mut fields {
            let directive = self.directive();
            let on = *self.rng.pick(&[ty, ty, "Node"]);
            match self.rng.below(8) {
                0 => *field = format!("...{directive} {{ {field} }}"),
                1 if on == ty => *field = format!("... on {ty}{directive} {{ {field} }}"),
                2 => {
                    self.names += 1;
                    let _ = write!(self.fragments, " fragment F{} on {ty} {{ {field} }}", self.names);
                    *field = format!("...F{}{directive}", self.names);
                }
                _ => {}
            }
        }
        format!("{{ {} }}", fields.join(" "))
    }

    fn object(&mut self, info: &'static ContentInfo, depth: usize) -> String {
        let count = 1 + self.rng.below(6);
        let fields = (0..count).map(|_| self.field(info, depth)).collect();
        self.selection(info.name, fields)
    }

    fn field(&mut self, info: &'static ContentInfo, depth: usize) -> String {
        let system =
            ["id", "__typename", "revision", "status", "createdAt", "updatedAt", "publishedAt", "firstPublishedAt"];
        if depth == 0 || self.rng.chance(25) {
            let known = if info.owner.is_some() { 2 } else { system.len() };
            let name = system[self.rng.below(known)];
            let directive = self.directive();
            return if self.rng.chance(30) { format!("{}: {name}{directive}", self.alias()) } else { name.to_owned() };
        }
        let index = self.rng.below(info.fields.len() + info.inverses.len());
        if let Some(inverse) = index.checked_sub(info.fields.len()).map(|index| &info.inverses[index]) {
            return self.list(inverse.name, inverse.source, depth);
        }
        let field = &info.fields[index];
        let name = field.name;
        match field.shape {
            Shape::Scalar(Kind::Money) => format!("{name} {}", self.money()),
            Shape::Scalar(_) | Shape::Enum(_) | Shape::Enums(_) => name.to_owned(),
            Shape::One(to) if to.to.len() > 1 => format!("{name} {}", self.union(to.to, depth - 1)),
            Shape::One(to) => format!("{name} {}", self.object(to.to[0], depth - 1)),
            Shape::Many(to) if to.to.len() > 1 => {
                let first = self.rng.below(4);
                format!("{}: {name}(first: {first}) {}", self.alias(), self.union(to.to, depth - 1))
            }
            Shape::Many(to) => self.list(name, to.to[0], depth),
            Shape::Children(of) => self.list(name, of, depth),
            Shape::Component(of) | Shape::Components(of) => format!("{name} {}", self.component(of, depth - 1)),
            Shape::Blocks(blocks) => format!("{name} {}", self.blocks(blocks, depth - 1)),
        }
    }

    fn money(&mut self) -> String {
        let fields =
            (0..1 + self.rng.below(3)).map(|_| *self.rng.pick(&["amountMinor", "currency", "amount", "__typename"]));
        format!("{{ {} }}", fields.collect::<Vec<_>>().join(" "))
    }

    fn union(&mut self, of: &[&'static ContentInfo], depth: usize) -> String {
        let mut selection = String::from("{ __typename");
        for info in of {
            if self.rng.chance(70) {
                let _ = write!(selection, " ... on {} {}", info.name, self.object(info, depth));
            }
        }
        selection + " ... on Node { id } }"
    }

    fn blocks(&mut self, blocks: &'static BlocksInfo, depth: usize) -> String {
        let mut selection = String::from("{ __typename");
        for component in blocks.of {
            let _ = write!(selection, " ... on {} {}", component.name, self.block(component, depth));
        }
        selection + " }"
    }

    /// The fields have aliases, since blocks of other types may have fields with the same name and another type.
    fn block(&mut self, of: &'static ComponentInfo, depth: usize) -> String {
        let fields: Vec<_> = (0..1 + self.rng.below(4)).map(|_| self.component_field(of, depth)).collect();
        let fields: Vec<_> = fields
            .into_iter()
            .map(|field| if field.contains(": ") { field } else { format!("{}: {field}", self.alias()) })
            .collect();
        format!("{{ {} }}", fields.join(" "))
    }

    fn component(&mut self, of: &'static ComponentInfo, depth: usize) -> String {
        let fields = (0..1 + self.rng.below(4)).map(|_| self.component_field(of, depth)).collect();
        self.selection(of.name, fields).replace("... on Node", "...")
    }

    fn component_field(&mut self, of: &'static ComponentInfo, depth: usize) -> String {
        let field = self.rng.pick(of.fields);
        let name = field.name;
        if depth == 0 && !matches!(field.shape, Shape::Scalar(Kind::Url | Kind::String | Kind::Text | Kind::Json)) {
            return "__typename".into();
        }
        match field.shape {
            Shape::Scalar(Kind::Money) => format!("{}: {name} {}", self.alias(), self.money()),
            Shape::Component(of) | Shape::Components(of) => {
                format!("{}: {name} {}", self.alias(), self.component(of, depth - 1))
            }
            Shape::One(to) => format!("{}: {name} {}", self.alias(), self.object(to.to[0], depth - 1)),
            Shape::Many(to) => {
                let first = self.rng.below(4);
                format!("{}: {name}(first: {first}) {}", self.alias(), self.object(to.to[0], depth - 1))
            }
            _ => name.to_owned(),
        }
    }

    /// A to-many relation, children or an inverse, as a list or as a connection.
    fn list(&mut self, name: &str, of: &'static ContentInfo, depth: usize) -> String {
        if self.rng.chance(50) {
            let arguments = self.list_arguments(of);
            return format!("{}: {name}{arguments} {}", self.alias(), self.object(of, depth - 1));
        }
        let arguments = self.page_arguments(of);
        let arguments = match arguments.strip_prefix(", ") {
            Some(arguments) => format!("({arguments})"),
            None => arguments,
        };
        format!("{}: {name}Connection{arguments} {}", self.alias(), self.page(of, depth - 1))
    }

    fn list_arguments(&mut self, of: &'static ContentInfo) -> String {
        let mut arguments = String::new();
        if self.rng.chance(50) {
            let _ = write!(arguments, " first: {}", self.rng.below(4));
        }
        arguments += &self.select_arguments(of);
        if arguments.is_empty() { arguments } else { format!("({arguments})") }
    }

    fn page_arguments(&mut self, of: &'static ContentInfo) -> String {
        let mut arguments = String::new();
        match self.rng.below(3) {
            0 => drop(write!(arguments, ", first: {}", self.rng.below(5))),
            1 => drop(write!(arguments, ", last: {}", self.rng.below(5))),
            _ => {}
        }
        let select = self.select_arguments(of);
        if !select.is_empty() {
            let _ = write!(arguments, ", {select}");
        }
        arguments
    }

    fn select_arguments(&mut self, of: &'static ContentInfo) -> String {
        let mut arguments = String::new();
        if self.rng.chance(50) {
            let filter = self.filter(of, 3);
            let _ = write!(arguments, " filter: {}", self.variable(filter));
        }
        if self.rng.chance(50) {
            let keys: Vec<_> = (0..1 + self.rng.below(2)).map(|_| self.order_key(of)).collect();
            let _ = write!(arguments, " orderBy: {}", self.variable(Json::Array(keys)));
        }
        arguments
    }

    fn order_key(&mut self, of: &'static ContentInfo) -> Json {
        let mut names: Vec<_> =
            of.fields.iter().filter(|field| field.sortable).map(|field| field.snake.to_uppercase()).collect();
        match of.owner {
            Some(_) => names.push("POSITION".into()),
            None => names.extend(["PUBLISHED_AT".into(), "FIRST_PUBLISHED_AT".into()]),
        }
        let mut key = json!({"field": self.rng.pick(&names), "direction": self.rng.pick(&["ASC", "DESC"])});
        if self.rng.chance(50) {
            key["nulls"] = json!(self.rng.pick(&["FIRST", "LAST"]));
        }
        key
    }

    fn page(&mut self, of: &'static ContentInfo, depth: usize) -> String {
        let mut selection = String::from("{ __typename");
        for part in 0..5 {
            if !self.rng.chance(45) {
                continue;
            }
            let key = self.alias();
            let _ = match part {
                0 => write!(selection, " {key}: edges {{ __typename node {} }}", self.object(of, depth)),
                1 => write!(selection, " nodes {}", self.object(of, depth)),
                2 => write!(selection, " pageInfo {{ {key}: hasNextPage hasPreviousPage }}"),
                3 => write!(selection, " totalCount"),
                _ => write!(selection, " {key}: nodes {}", self.object(of, depth)),
            };
        }
        selection + " }"
    }

    pub fn filter(&mut self, of: &'static ContentInfo, depth: usize) -> Json {
        let mut filter = Map::new();
        for _ in 0..self.rng.below(3) {
            if depth > 0 && self.rng.chance(30) {
                let several = |this: &mut Self| (0..this.rng.below(3)).map(|_| this.filter(of, depth - 1)).collect();
                match self.rng.below(3) {
                    0 => filter.insert("and".into(), several(self)),
                    1 => filter.insert("or".into(), several(self)),
                    _ => filter.insert("not".into(), self.filter(of, depth - 1)),
                };
                continue;
            }
            if self.rng.chance(10) {
                let ids: Vec<_> = (0..2).map(|_| self.id().1).collect();
                filter.insert("id".into(), json!({*self.rng.pick(&["in", "notIn"]): ids}));
                continue;
            }
            // Chosen more often, since they would be rare among so many fields.
            let is_several =
                |field: &FieldInfo| matches!(field.shape, Shape::One(to) | Shape::Many(to) if to.to.len() > 1);
            let several: Vec<_> = (0..of.fields.len()).filter(|&index| is_several(&of.fields[index])).collect();
            let index = match several.is_empty() || self.rng.chance(80) {
                true => self.rng.below(of.fields.len() + of.inverses.len()),
                false => *self.rng.pick(&several),
            };
            if let Some(inverse) = index.checked_sub(of.fields.len()).map(|index| &of.inverses[index]) {
                if depth > 0 {
                    filter.insert(inverse.name.into(), self.quantified(inverse.source, depth));
                }
                continue;
            }
            let field = &of.fields[index];
            let condition = match field.shape {
                Shape::Scalar(kind) if field.filterable => self.operators(kind),
                Shape::Enum(_) => self.enum_operators(),
                Shape::Enums(_) => self.enum_list_operators(),
                Shape::One(to) if depth > 0 => match self.rng.below(3) {
                    0 => json!({"isNull": self.rng.chance(50)}),
                    _ => json!({*self.rng.pick(&["is", "isNot"]): self.target(&to, depth - 1)}),
                },
                Shape::Many(to) if depth > 0 => {
                    json!({*self.rng.pick(&["some", "none", "every"]): self.target(&to, depth - 1)})
                }
                Shape::Children(of) if depth > 0 => self.quantified(of, depth),
                _ => continue,
            };
            filter.insert(field.name.into(), condition);
        }
        Json::Object(filter)
    }

    /// A filter on the target of a relation, below its type name if there are several types.
    fn target(&mut self, to: &RelationInfo, depth: usize) -> Json {
        let of = to.to[self.rng.below(to.to.len())];
        let filter = self.filter(of, depth);
        if to.to.len() == 1 { filter } else { json!({of.table: filter}) }
    }

    fn quantified(&mut self, of: &'static ContentInfo, depth: usize) -> Json {
        json!({*self.rng.pick(&["some", "none", "every"]): self.filter(of, depth - 1)})
    }

    fn operators(&mut self, kind: Kind) -> Json {
        let mut operators = vec!["eq", "ne", "in", "notIn", "isNull"];
        if kind != Kind::Boolean {
            operators.extend(["lt", "lte", "gt", "gte"]);
        }
        if kind == Kind::String {
            operators.extend(["contains", "startsWith"]);
        }
        let mut given = Map::new();
        for _ in 0..1 + self.rng.below(2) {
            let operator = *self.rng.pick(&operators);
            let value = match operator {
                "in" | "notIn" => (0..self.rng.below(3)).map(|_| self.value(kind)).collect(),
                "isNull" => json!(self.rng.chance(50)),
                _ => self.value(kind),
            };
            given.insert(operator.into(), value);
        }
        Json::Object(given)
    }

    fn value(&mut self, kind: Kind) -> Json {
        match kind {
            Kind::Integer => json!(self.rng.below(5) as i64 - 2),
            Kind::Bigint => json!((i64::MAX - self.rng.below(3) as i64).to_string()),
            Kind::Decimal => json!(*self.rng.pick(&["0.1", "12.5", "-3", "1000000000000000000.01"])),
            Kind::Boolean => json!(self.rng.chance(50)),
            Kind::Date => json!(format!("2024-02-2{}", self.rng.below(10))),
            Kind::Time => json!(*self.rng.pick(&["00:00:00", "09:30:00", "23:59:59.500000"])),
            Kind::Datetime => json!(*self.rng.pick(&["1999-12-31T23:59:59Z", "2026-06-01T00:00:00.000001Z"])),
            Kind::Duration => json!(self.rng.pick(&LENGTHS).1),
            Kind::Money => {
                json!({"amountMinor": self.rng.below(4) * 50, "currency": *self.rng.pick(&["EUR", "JPY"])})
            }
            _ => json!(*self.rng.pick(&["a", "b", "ab", "Ca", "bca", "ä", "Äé", "B", "%", ""])),
        }
    }

    fn enum_operators(&mut self) -> Json {
        let value = json!(*self.rng.pick(&["OPEN", "ON_HOLD", "CLOSED"]));
        match self.rng.below(5) {
            0 => json!({"eq": value}),
            1 => json!({"ne": value}),
            2 => json!({"in": [value, "OPEN"]}),
            3 => json!({"notIn": [value]}),
            _ => json!({"isNull": self.rng.chance(50)}),
        }
    }

    fn enum_list_operators(&mut self) -> Json {
        match self.rng.below(4) {
            0 => json!({"has": "RED"}),
            1 => json!({"hasSome": ["DARK_BLUE"]}),
            2 => json!({"hasEvery": ["RED", "DARK_BLUE"]}),
            _ => json!({"isEmpty": self.rng.chance(50)}),
        }
    }
}

#[tokio::test]
async fn random_queries_have_the_answers_of_the_plain_executor() {
    let seed = std::env::var("READ_SEED").ok().and_then(|seed| seed.parse().ok());
    let first = seed.unwrap_or_else(|| id::new_uuid().as_u128() as u64);
    let mut rng = Rng(first);
    let data = Data::random(&mut rng, 24);
    let (db, store) = with(&data).await;
    let cases = std::env::var("READ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    for case in 0..cases {
        let rng = Rng(first ^ (case + 1).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let mut writer = Writer::new(rng, &data);
        let query = writer.query();
        let variables = writer.variables;
        let told = format!("READ_SEED={first}, case {case}: {query}\nvariables: {}", Json::Object(variables.clone()));
        let answer = run(&store, &query, Json::Object(variables.clone())).await;
        let answer = answer.unwrap_or_else(|failures| panic!("{told}\n{failures:?}"));
        let document = parse_query(&query).unwrap();
        let arguments = Plain { variables };
        let mut reference = Reference { data: &data, document: &document, arguments: &arguments, stage: Stage::Live };
        let expected = reference.query();
        same(&answer.json.to_string(), &expected.to_string(), &told);
        assert!(answer.sent <= answer.planned as u64, "{told}: sent {}, planned {}", answer.sent, answer.planned);
    }
    db.close().await;
}

/// Responses are long, so only the text around the first difference is shown.
pub fn same(answer: &str, expected: &str, told: &str) {
    if answer != expected {
        let place = answer.chars().zip(expected.chars()).take_while(|(a, b)| a == b).count();
        let around = |text: &str| text.chars().skip(place.saturating_sub(150)).take(300).collect::<String>();
        panic!("{told}\nplanned: …{}…\nplain: …{}…", around(answer), around(expected));
    }
}
