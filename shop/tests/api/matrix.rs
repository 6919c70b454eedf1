//! Tests the matrix of `generated/ACCESS.md`: every role, content type, action and field on every surface of the API is allowed or refused
//! as a plain reading of the rules says.

use runtime::access::{Action, Actor, Identity, Origin, RuleInfo};
use runtime::content::{ContentInfo, FieldInfo, Shape};
use runtime::graphql::{Api, Request, Verb};
use runtime::hooks::HookSet;
use runtime::kind::Kind;
use runtime::serde_json::{self, Value as Json};

use crate::client::{migrated, standing};
use crate::reads::Plain;

const NO_ID: &str = "00000000000000000000000000";

fn rule(role: &str, info: &ContentInfo, action: Action) -> Option<&'static RuleInfo> {
    let table = info.owner.unwrap_or(info).table;
    let access = generated::SCHEMA.access.iter().find(|access| access.table == table)?;
    access.rules.iter().find(|rule| rule.role == role && rule.action == action)
}

fn has(rule: Option<&RuleInfo>, info: &ContentInfo, field: &str) -> bool {
    let listed =
        |tables: &[(&str, &[&str])]| tables.iter().any(|(table, of)| *table == info.table && of.contains(&field));
    rule.is_some_and(|rule| rule.fields.is_none_or(listed))
}

/// A selection of the field, and the types that its relation leads to.
fn selection(field: &FieldInfo) -> (String, Vec<&'static ContentInfo>) {
    let name = field.name;
    match field.shape {
        Shape::Scalar(Kind::Money) => (format!("{name} {{ amount }}"), Vec::new()),
        Shape::Scalar(_) | Shape::Enum(_) | Shape::Enums(_) => (name.to_owned(), Vec::new()),
        Shape::One(to) | Shape::Many(to) if to.to.len() == 1 => (format!("{name} {{ id }}"), to.to.to_vec()),
        _ => (format!("{name} {{ __typename }}"), Vec::new()),
    }
}

struct Tried<'a> {
    api: &'a Api,
    role: &'static str,
    wrong: Vec<String>,
    cells: usize,
}

impl Tried<'_> {
    async fn expect(&mut self, query: String, allowed: bool) {
        let identity = if self.role == "anonymous" { Identity::Anonymous } else { Identity::Developer };
        let actor = Actor { identity, role: self.role.into(), ..Actor::anonymous(Origin::default()) };
        let request = Request { query: query.clone(), ..Request::default() };
        let answer = self.api.execute(&request, actor, Verb::Post).await;
        let answer: Json = serde_json::from_slice(&answer.body.to_vec()).unwrap();
        let codes: Vec<_> = answer["errors"].as_array().into_iter().flatten().collect();
        let denied = codes
            .iter()
            .any(|error| matches!(error["extensions"]["code"].as_str(), Some("FORBIDDEN" | "UNAUTHENTICATED")));
        let broken = codes.iter().any(|error| {
            matches!(error["extensions"]["code"].as_str(), Some("GRAPHQL_VALIDATION_FAILED" | "INTERNAL"))
        });
        self.cells += 1;
        if denied == allowed || broken {
            self.wrong.push(format!("{} {query}: allowed by the rules: {allowed}, answered: {answer}", self.role));
        }
    }

    async fn reads(&mut self, info: &'static ContentInfo) {
        let (plural, single) = (info.plural, lower_first(info.name));
        for (stage, action) in [("LIVE", Action::Read), ("DRAFT", Action::ReadDrafts)] {
            let of = rule(self.role, info, action);
            self.expect(format!("{{ {plural}(stage: {stage}) {{ totalCount }} }}"), of.is_some()).await;
            self.expect(
                format!("{{ {single}(id: \"{}_{NO_ID}\", stage: {stage}) {{ id }} }}", info.table),
                of.is_some(),
            )
            .await;
            for field in info.fields {
                let (selected, targets) = selection(field);
                let reads = of.is_some()
                    && has(of, info, field.snake)
                    && targets.iter().all(|target| rule(self.role, target, action).is_some());
                self.expect(format!("{{ {plural}(stage: {stage}) {{ nodes {{ {selected} }} }} }}"), reads).await;
                let by_node =
                    format!("node(id: \"{}_{NO_ID}\") {{ ... on {} {{ {selected} }} }}", info.table, info.name);
                if stage == "LIVE" && of.is_some() {
                    self.expect(format!("{{ {by_node} }}"), reads).await;
                }
                if field.filterable && !matches!(field.shape, Shape::Enums(_)) {
                    let filter = format!(
                        "{{ {plural}(stage: {stage}, filter: {{{}: {{isNull: true}}}}) {{ totalCount }} }}",
                        field.name
                    );
                    self.expect(filter, reads).await;
                }
                if field.sortable {
                    let order = field.snake.to_uppercase();
                    let order = format!(
                        "{{ {plural}(stage: {stage}, orderBy: [{{field: {order}}}]) {{ totalCount nodes {{ id }} }} }}"
                    );
                    self.expect(order, reads).await;
                }
                if let Shape::Children(child) = field.shape {
                    self.children(info, field, child, stage, action).await;
                }
            }
            for inverse in info.inverses {
                let source = rule(self.role, inverse.source, action);
                let reads = of.is_some() && has(source, inverse.source, inverse.field);
                let name = inverse.name;
                self.expect(format!("{{ {plural}(stage: {stage}) {{ nodes {{ {name} {{ id }} }} }} }}"), reads).await;
                let count =
                    format!("{{ {plural}(stage: {stage}) {{ nodes {{ {name}Connection {{ totalCount }} }} }} }}");
                self.expect(count, reads).await;
                let filter =
                    format!("{{ {plural}(stage: {stage}, filter: {{{name}: {{some: {{}}}}}}) {{ totalCount }} }}");
                self.expect(filter, reads).await;
            }
        }
    }

    async fn children(
        &mut self,
        info: &'static ContentInfo,
        field: &'static FieldInfo,
        child: &'static ContentInfo,
        stage: &str,
        action: Action,
    ) {
        let of = rule(self.role, info, action);
        for inner in child.fields {
            let (selected, targets) = selection(inner);
            let reads = has(of, info, field.snake)
                && has(of, child, inner.snake)
                && targets.iter().all(|target| rule(self.role, target, action).is_some());
            let query =
                format!("{{ {}(stage: {stage}) {{ nodes {{ {} {{ {selected} }} }} }} }}", info.plural, field.name);
            self.expect(query, reads).await;
            if inner.filterable && !matches!(inner.shape, Shape::Enums(_)) {
                let filter = format!("{{{}: {{some: {{{}: {{isNull: false}}}}}}}}", field.name, inner.name);
                self.expect(format!("{{ {}(stage: {stage}, filter: {filter}) {{ totalCount }} }}", info.plural), reads)
                    .await;
            }
        }
    }

    async fn writes(&mut self, info: &'static ContentInfo) {
        let (name, id) = (info.name, format!("id: \"{}_{NO_ID}\", revision: 1", info.table));
        let rule = |action| rule(self.role, info, action);
        let (create, update) = (rule(Action::Create), rule(Action::Update));
        let (publish, delete) = (rule(Action::Publish).is_some(), rule(Action::Delete).is_some());
        self.expect(format!("mutation {{ update{name}({id}, input: {{}}) {{ id }} }}"), update.is_some()).await;
        self.expect(format!("mutation {{ delete{name}({id}) }}"), delete).await;
        if info.drafts {
            self.expect(format!("mutation {{ publish{name}({id}) {{ id }} }}"), publish).await;
            self.expect(format!("mutation {{ unpublish{name}({id}) {{ id }} }}"), publish).await;
        }
        let upsert = format!("upsert{}", upper_first(info.plural));
        self.expect(format!("mutation {{ {upsert}(input: []) {{ id }} }}"), create.is_some() || update.is_some()).await;
    }
}

impl Tried<'_> {
    async fn best_of(&mut self) {
        let operation = generated::SCHEMA.queries.iter().find(|query| query.name == "bestOf").expect("it is declared");
        let reads = rule(self.role, &generated::content::PRODUCT, Action::Read).is_some();
        let may = operation.roles.contains(&self.role);
        self.expect("{ bestOf(category: \"coffee\") { id } }".to_owned(), may && reads).await;
    }
}

fn lower_first(name: &str) -> String {
    name[..1].to_lowercase() + &name[1..]
}

fn upper_first(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

#[tokio::test]
async fn every_cell_of_the_matrix_is_as_the_rules_say() {
    let db = migrated().await;
    let api = Api::new(db.database(&generated::SCHEMA), standing(), HookSet::default(), generated::site(Plain));
    let api = api.unwrap();
    let (mut wrong, mut cells) = (Vec::new(), 0);
    for role in generated::SCHEMA.roles {
        let mut tried = Tried { api: &api, role: role.name, wrong: Vec::new(), cells: 0 };
        tried.best_of().await;
        for info in generated::SCHEMA.types {
            tried.reads(info).await;
            tried.writes(info).await;
        }
        wrong.append(&mut tried.wrong);
        cells += tried.cells;
    }
    assert!(wrong.is_empty(), "{} of {cells} cells are not as the rules say:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells > 1000, "{cells}");
    drop(api);
    db.close().await;
}
