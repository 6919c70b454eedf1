//! Random rules and random queries: an actor's response equals that of the plain executor over the rows that the rules
//! allow, and a query for anything else is rejected.

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, Field, SelectionSet};
use runtime::access::{AccessInfo, Action, Actor, Identity, Origin, RoleInfo, RuleInfo};
use runtime::content::{ComponentInfo, ContentInfo, SchemaInfo, Shape};
use runtime::{Code, Stage, id};
use serde_json::{Map, Value as Json, json};

use crate::database::{Data, Plain, Rng, run, with};
use crate::property::{Writer, same};
use crate::reference::Reference;
use crate::schema::SCHEMA;

const CASES: u64 = 120;
/// The number of queries for each set of rules.
const QUERIES: u64 = 12;

/// What a role may read of a type.
#[derive(Clone)]
pub struct Rule {
    rows: Option<Json>,
    /// By table and `snake`.
    fields: Option<Vec<(&'static str, Vec<&'static str>)>>,
}

/// By stage and content type; missing ones are denied.
pub type Rules = Vec<((Stage, &'static str), Rule)>;

pub fn rules(rng: &mut Rng, data: &Data) -> Rules {
    let mut rules = Rules::new();
    for stage in [Stage::Live, Stage::Draft] {
        for info in SCHEMA.types {
            if rng.chance(12) {
                continue;
            }
            let rows = rng.chance(60).then(|| Writer::new(rng.clone(), data).filter(info, 2));
            let fields = rng.chance(40).then(|| {
                let children =
                    SCHEMA.contents().filter(|child| child.owner.is_some_and(|owner| owner.table == info.table));
                let of = std::iter::once(*info).chain(children);
                of.map(|info| {
                    (info.table, info.fields.iter().map(|field| field.snake).filter(|_| rng.chance(85)).collect())
                })
                .collect()
            });
            rng.next();
            rules.push(((stage, info.table), Rule { rows, fields }));
        }
    }
    rules
}

/// The schema with these rules for a role. It is leaked, since generated code uses static data.
pub fn schema(rules: &Rules) -> &'static SchemaInfo {
    let of_type = |info: &&'static ContentInfo| {
        let of = rules.iter().filter(|((_, table), _)| *table == info.table);
        let rule = |((stage, _), rule): &((Stage, &str), Rule)| RuleInfo {
            role: "reader",
            action: if *stage == Stage::Live { Action::Read } else { Action::ReadDrafts },
            rows: rule.rows.as_ref().map(|rows| &*rows.to_string().leak()),
            check: None,
            fields: rule.fields.as_ref().map(|tables| {
                let tables: Vec<_> = tables.iter().map(|(table, fields)| (*table, &*fields.clone().leak())).collect();
                &*tables.leak()
            }),
            set: &[],
        };
        AccessInfo { table: info.table, rules: of.map(rule).collect::<Vec<_>>().leak() }
    };
    let access: Vec<_> = SCHEMA.types.iter().map(of_type).collect();
    let SchemaInfo { types, components, resolvers, sdl, catalog, .. } = SCHEMA;
    let site = runtime::content::SiteInfo { ..SCHEMA.site };
    let roles: &[RoleInfo] = vec![RoleInfo { name: "reader", second_factor: false, manages: &[] }].leak();
    Box::leak(Box::new(SchemaInfo {
        site,
        types,
        components,
        roles,
        access: access.leak(),
        reviews: &[],
        preview_urls: &[],
        resolvers,
        queries: &[],
        mutations: &[],
        sdl,
        migrations: &[],
        catalog,
    }))
}

/// The rows that the rules allow. Filters of rules see all rows.
fn left(data: &Data, rules: &Rules, document: &ExecutableDocument, arguments: &Plain) -> Data {
    let mut left = data.clone();
    for stage in [Stage::Live, Stage::Draft] {
        let reference = Reference { data, document, arguments, stage };
        for info in SCHEMA.types {
            let rule = rule(rules, stage, info);
            let passes = |row: &_| match rule {
                None => false,
                Some(Rule { rows: None, .. }) => true,
                Some(Rule { rows: Some(rows), .. }) => reference.holds(info, row, rows),
            };
            left.keep(stage, info.table, passes);
        }
        for child in SCHEMA.contents().filter(|info| info.owner.is_some()) {
            let owners: Vec<_> = child.owner.map_or(&[][..], |owner| left.rows(stage, owner.table)).to_vec();
            left.keep(stage, child.table, |row| owners.iter().any(|owner| owner["id"] == row["parent_id"]));
        }
    }
    left
}

fn rule<'r>(rules: &'r Rules, stage: Stage, info: &ContentInfo) -> Option<&'r Rule> {
    let table = info.owner.unwrap_or(info).table;
    rules.iter().find(|((of, known), _)| *of == stage && *known == table).map(|(_, rule)| rule)
}

/// Finds parts that the rules deny, using only the document.
struct Walk<'a> {
    rules: &'a Rules,
    reference: &'a Reference<'a>,
    stage: Stage,
}

impl<'a> Walk<'a> {
    fn denied(&mut self) -> bool {
        let (_, operation) = self.reference.document.operations.iter().next().expect("one operation");
        let fields = self.reference.fields("Query", &[&operation.node.selection_set.node]);
        fields.iter().any(|(_, field, sets)| {
            let arguments = self.reference.of("Query", field);
            self.stage = if arguments.get("stage") == Some(&json!("DRAFT")) { Stage::Draft } else { Stage::Live };
            let note = SCHEMA.content("Note").expect("it is there");
            match field.name.node.as_str() {
                "node" | "nodes" => {
                    let reads_nothing = SCHEMA.types.iter().all(|info| rule(self.rules, self.stage, info).is_none());
                    reads_nothing || SCHEMA.contents().any(|info| self.object(info, sets))
                }
                "note" => self.type_or(note, |this| this.object(note, sets)),
                "noteBySlug" => self.type_or(note, |this| this.field_of(note, "slug") || this.object(note, sets)),
                plural => {
                    let info = SCHEMA.types.iter().find(|info| info.plural == plural).expect("a list");
                    self.type_or(info, |this| this.page(info, &arguments, sets))
                }
            }
        })
    }

    fn type_or(&self, info: &ContentInfo, then: impl FnOnce(&Self) -> bool) -> bool {
        rule(self.rules, self.stage, info).is_none() || then(self)
    }

    /// Whether the field is denied. A type that is denied as a whole is reported elsewhere.
    fn field_of(&self, info: &ContentInfo, snake: &str) -> bool {
        let Some(Rule { fields: Some(tables), .. }) = rule(self.rules, self.stage, info) else { return false };
        !tables.iter().any(|(table, fields)| *table == info.table && fields.contains(&snake))
    }

    fn object(&self, info: &'static ContentInfo, sets: &[&'a SelectionSet]) -> bool {
        self.reference.fields(info.name, sets).iter().any(|(_, field, sets)| self.field(info, field, sets))
    }

    fn field(&self, info: &'static ContentInfo, field: &Field, sets: &[&'a SelectionSet]) -> bool {
        let name = field.name.node.as_str();
        let arguments = self.reference.of(info.name, field);
        let (name, is_page) = match name.strip_suffix("Connection") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let targets = |this: &Self, of: &'static ContentInfo| match is_page {
            true => this.page(of, &arguments, sets),
            false => this.arguments(of, &arguments) || this.object(of, sets),
        };
        if let Some(inverse) = info.inverses.iter().find(|inverse| inverse.name == name) {
            return self.type_or(inverse.source, |this| {
                this.field_of(inverse.source, inverse.field) || targets(this, inverse.source)
            });
        }
        let Some(own) = info.field(name) else { return false };
        self.field_of(info, own.snake)
            || match own.shape {
                Shape::One(to) | Shape::Many(to) => match to.to {
                    [target] => self.type_or(target, |this| targets(this, target)),
                    several => several.iter().any(|target| self.object(target, sets)),
                },
                Shape::Children(of) => targets(self, of),
                Shape::Component(of) | Shape::Components(of) => self.component(of, sets),
                Shape::Blocks(blocks) => blocks.of.iter().any(|of| self.component(of, sets)),
                _ => false,
            }
    }

    fn component(&self, of: &'static ComponentInfo, sets: &[&'a SelectionSet]) -> bool {
        self.reference.fields(of.name, sets).iter().any(|(_, field, sets)| {
            match of.field(field.name.node.as_str()).map(|field| field.shape) {
                Some(Shape::Component(of) | Shape::Components(of)) => self.component(of, sets),
                Some(Shape::One(to) | Shape::Many(to)) => self.type_or(to.to[0], |this| this.object(to.to[0], sets)),
                _ => false,
            }
        })
    }

    fn page(&self, of: &'static ContentInfo, arguments: &Map<String, Json>, sets: &[&'a SelectionSet]) -> bool {
        let fields = self.reference.fields(&format!("{}Connection", of.name), sets);
        self.arguments(of, arguments)
            || fields.iter().any(|(_, field, sets)| match field.name.node.as_str() {
                "nodes" => self.object(of, sets),
                "edges" => {
                    let edges = self.reference.fields(&format!("{}Edge", of.name), sets);
                    edges.iter().any(|(_, field, sets)| field.name.node == "node" && self.object(of, sets))
                }
                _ => false,
            })
    }

    fn arguments(&self, of: &'static ContentInfo, arguments: &Map<String, Json>) -> bool {
        let keys = arguments.get("orderBy").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let by_denied = |key: &Json| {
            let name = key["field"].as_str().unwrap_or_default().to_lowercase();
            of.fields.iter().any(|field| field.snake == name) && self.field_of(of, &name)
        };
        keys.iter().any(by_denied) || arguments.get("filter").is_some_and(|filter| self.filter(of, filter))
    }

    fn filter(&self, of: &'static ContentInfo, filter: &Json) -> bool {
        let inner = |this: &Self, of: &'static ContentInfo, value: &Json| {
            let mut filters = value.as_object().into_iter().flatten().filter(|(operator, _)| *operator != "isNull");
            filters.any(|(_, filter)| this.filter(of, filter))
        };
        filter.as_object().into_iter().flatten().any(|(key, value)| {
            if matches!(key.as_str(), "and" | "or") {
                return value.as_array().into_iter().flatten().any(|filter| self.filter(of, filter));
            }
            if key == "not" {
                return self.filter(of, value);
            }
            if let Some(inverse) = of.inverses.iter().find(|inverse| inverse.name == key) {
                return self.type_or(inverse.source, |this| {
                    this.field_of(inverse.source, inverse.field) || inner(this, inverse.source, value)
                });
            }
            let Some(field) = of.field(key) else { return false };
            self.field_of(of, field.snake)
                || match field.shape {
                    Shape::One(to) | Shape::Many(to) if to.to.len() > 1 => {
                        let operators = value.as_object().into_iter().flatten();
                        let named = operators.filter_map(|(_, filter)| filter.as_object()).flatten();
                        named.into_iter().any(|(name, filter)| {
                            let target = SCHEMA.types.iter().find(|info| info.table == name).expect("a type");
                            self.type_or(target, |this| this.filter(target, filter))
                        })
                    }
                    Shape::One(to) | Shape::Many(to) => self.type_or(to.to[0], |this| inner(this, to.to[0], value)),
                    Shape::Children(of) => inner(self, of, value),
                    _ => false,
                }
        })
    }
}

#[tokio::test]
async fn an_actor_reads_what_the_rules_leave_and_nothing_else() {
    let seed = std::env::var("ACCESS_SEED").ok().and_then(|seed| seed.parse().ok());
    let first = seed.unwrap_or_else(|| id::new_uuid().as_u128() as u64);
    let mut rng = Rng(first);
    let data = Data::random(&mut rng, 24);
    let (db, _) = with(&data).await;
    let (mut allowed, mut refused, mut differ) = (0, 0, 0);
    for set in 0..CASES / QUERIES {
        let mut rng = Rng(first ^ (set + 1).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let rules = rules(&mut rng, &data);
        let database = db.database(schema(&rules));
        let actor =
            Actor { identity: Identity::Developer, role: "reader".into(), ..Actor::anonymous(Origin::default()) };
        let store = database.acting(actor);
        for case in 0..QUERIES {
            let rng = Rng(rng.next() ^ case);
            let mut writer = Writer::new(rng, &data);
            let query = writer.query();
            let arguments = Plain { variables: std::mem::take(&mut writer.variables) };
            let variables = Json::Object(arguments.variables.clone());
            let told = format!("ACCESS_SEED={first}, rules {set}, case {case}: {query}\nvariables: {variables}");
            let document = parse_query(&query).unwrap();
            let data_left = left(&data, &rules, &document, &arguments);
            let mut plain =
                Reference { data: &data_left, document: &document, arguments: &arguments, stage: Stage::Live };
            let walked = Reference { data: &data, document: &document, arguments: &arguments, stage: Stage::Live };
            let denied = Walk { rules: &rules, reference: &walked, stage: Stage::Live }.denied();
            match run(&store, &query, variables).await {
                Ok(answer) => {
                    assert!(!denied, "{told}: answered");
                    let expected = plain.query();
                    same(&answer.json.to_string(), &expected.to_string(), &told);
                    let all = Reference { data: &data, ..walked }.query();
                    allowed += 1;
                    differ += usize::from(all != expected);
                }
                Err(failures) => {
                    assert!(denied, "{told}: refused: {failures:?}");
                    assert!(
                        failures.iter().all(|failure| failure.problem.code == Code::Forbidden),
                        "{told}: {failures:?}"
                    );
                    refused += 1;
                }
            }
        }
        database.close().await;
    }
    // Otherwise the rules were not really tested.
    assert!(allowed > 10 && refused > 10 && differ > 3, "{allowed} allowed, {refused} refused, {differ} differ");
    db.close().await;
}
