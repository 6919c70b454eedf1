//! Random rules, random actors and random writes, beside a plain reading of the rules: nothing is written that they forbid, nothing is
//! refused that they allow, what is refused changes nothing, and a row that is hidden is answered as one that is missing.

use std::collections::{BTreeMap, BTreeSet};

use runtime::access::{Actor, Identity};
use runtime::content::{ContentInfo, FieldInfo, OnDelete, Shape};
use runtime::kind::Kind;
use runtime::{Code, Database, Result, id};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::access::{Clerk, answer};
use crate::support::Shop;
use crate::support::access::schema;

const CASES: u64 = 100;
const STEPS: u64 = 40;
const SLUGS: [&str; 5] = ["a", "b", "c", "d", "e"];

static NOTE: ContentInfo = ContentInfo {
    name: "Note",
    table: "note",
    plural: "notes",
    drafts: true,
    owner: None,
    unique: &[],
    fields: &[
        FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]),
        FieldInfo::new("stock", "stock", Shape::Scalar(Kind::Integer)).default("0"),
        FieldInfo::new("open", "open", Shape::Scalar(Kind::Boolean)).default("false"),
        FieldInfo::new("author", "author", Shape::Scalar(Kind::User)),
        FieldInfo::new("near", "near", Shape::one(&[&NOTE], "Note", OnDelete::SetNull)),
    ],
    inverses: &[],
    computed: &[],
};
static TYPES: &[&ContentInfo] = &[&NOTE];
const FIELDS: [&str; 5] = ["slug", "stock", "open", "author", "near"];

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }

    fn filter(&mut self, depth: u64) -> Json {
        let kinds = if depth == 0 { 6 } else { 10 };
        match self.below(kinds) {
            0 => json!({"stock": {self.pick(&["lt", "gte", "ne"]): self.below(4)}}),
            1 => json!({"open": {"eq": self.chance(50)}}),
            2 => json!({self.pick(&["createdBy", "updatedBy", "author"]): {self.pick(&["eq", "ne"]): "$user"}}),
            3 => json!({"status": {"eq": self.pick(&["DRAFT", "CHANGED", "PUBLISHED"])}}),
            4 => json!({"author": {"isNull": self.chance(50)}}),
            5 => json!({"near": {"isNull": self.chance(50)}}),
            6 => json!({"near": {self.pick(&["is", "isNot"]): self.filter(depth - 1)}}),
            7 => json!({"not": self.filter(depth - 1)}),
            8 => json!({"or": [self.filter(depth - 1), self.filter(depth - 1)]}),
            _ => json!({"and": [self.filter(depth - 1), self.filter(depth - 1)]}),
        }
    }

    fn rules(&mut self) -> Json {
        let mut rules = Map::new();
        for action in ["read", "read_drafts", "create", "update", "publish", "delete"] {
            if self.chance(12) {
                continue;
            }
            let mut rule = Map::new();
            if action != "create" && self.chance(50) {
                rule.insert("rows".into(), self.filter(2));
            }
            if matches!(action, "create" | "update") {
                if self.chance(35) {
                    rule.insert("check".into(), self.filter(2));
                }
                if self.chance(40) {
                    let fields: Vec<_> = FIELDS.into_iter().filter(|_| self.chance(80)).collect();
                    rule.insert("fields".into(), json!({ "note": fields }));
                }
                let set = [("stock", json!(self.below(4))), ("open", json!(true)), ("author", json!("$user"))];
                let set: Map<_, _> = set
                    .into_iter()
                    .filter(|_| self.chance(15))
                    .map(|(field, value)| (field.to_owned(), value))
                    .collect();
                rule.insert("set".into(), set.into());
            }
            rules.insert(action.into(), rule.into());
        }
        json!({"note": {"clerk": rules}})
    }

    fn input(&mut self) -> Map<String, Json> {
        let mut input = Map::new();
        let author = self.pick(&[Json::Null, shown(1), shown(2)].each_ref()).clone();
        let near = if self.chance(25) { Json::Null } else { json!({"connect": {"slug": self.pick(&SLUGS)}}) };
        for (field, value) in
            [("stock", json!(self.below(4))), ("open", json!(self.chance(50))), ("author", author), ("near", near)]
        {
            if self.chance(30) {
                input.insert(field.into(), value);
            }
        }
        input
    }

    fn step(&mut self) -> Step {
        let slug = self.pick(&SLUGS);
        let publish = self.chance(30);
        match self.below(12) {
            0 | 1 => Step::Save { items: vec![(slug, self.input())], publish, how: How::Create },
            2..=5 => {
                Step::Save { items: vec![(slug, self.input())], publish, how: How::Update { stale: self.chance(8) } }
            }
            6 | 7 => {
                let other = self.pick(&SLUGS);
                let slugs = if slug == other { vec![slug] } else { vec![slug, other] };
                let items = slugs.into_iter().map(|slug| (slug, self.input())).collect();
                Step::Save { items, publish, how: How::Upsert }
            }
            8 | 9 => Step::Publish(slug),
            10 => Step::Unpublish(slug),
            _ => Step::Delete(slug),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Create,
    Update { stale: bool },
    Upsert,
}

#[derive(Clone, Debug)]
enum Step {
    Save { items: Vec<(&'static str, Map<String, Json>)>, publish: bool, how: How },
    Publish(&'static str),
    Unpublish(&'static str),
    Delete(&'static str),
}

fn user(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn shown(number: u128) -> Json {
    id::encode("user", user(number)).into()
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Note {
    stock: i64,
    open: bool,
    author: Json,
    near: Option<String>,
    revision: i64,
    created_by: Json,
    updated_by: Json,
}

impl Note {
    fn content(&self) -> (i64, bool, &Json, &Option<String>) {
        (self.stock, self.open, &self.author, &self.near)
    }
}

/// What is stored; the names of the entries are their slugs.
#[derive(Clone, Debug, Default)]
struct Model {
    draft: BTreeMap<String, Note>,
    live: BTreeMap<String, Note>,
    /// Lines of the audit log by action.
    told: BTreeMap<String, i64>,
}

/// A refusal by its codes.
type Refusal = BTreeSet<&'static str>;

/// The rules as somebody reads them who has them before him.
struct Reader<'a> {
    rules: &'a Json,
    user: &'a Json,
}

impl Reader<'_> {
    fn rule(&self, action: &str) -> Option<&Json> {
        self.rules["note"]["clerk"].get(action)
    }

    fn may(&self, action: &str) -> std::result::Result<(), Refusal> {
        self.rule(action).map(drop).ok_or_else(|| Refusal::from(["FORBIDDEN"]))
    }

    fn passes(&self, filter: Option<&Json>, model: &Model, is_live: bool, slug: &str) -> bool {
        let stage = if is_live { &model.live } else { &model.draft };
        let Some(note) = stage.get(slug) else { return false };
        let Some(filter) = filter else { return true };
        let members = filter.as_object().unwrap();
        members.iter().all(|(key, value)| {
            let (operator, operand) = match value.as_object() {
                Some(value) => value.iter().next().map(|(key, value)| (key.as_str(), value)).unwrap(),
                None => ("", value),
            };
            let is = |field: &Json| {
                let equal = !field.is_null() && !self.user.is_null() && field == self.user;
                match operator {
                    "eq" => equal,
                    "ne" => !equal,
                    _ => field.is_null() == (operand == true),
                }
            };
            match key.as_str() {
                "and" => value.as_array().unwrap().iter().all(|part| self.passes(Some(part), model, is_live, slug)),
                "or" => value.as_array().unwrap().iter().any(|part| self.passes(Some(part), model, is_live, slug)),
                "not" => !self.passes(Some(value), model, is_live, slug),
                "stock" => match (operator, operand.as_i64().unwrap()) {
                    ("lt", than) => note.stock < than,
                    ("gte", than) => note.stock >= than,
                    (_, than) => note.stock != than,
                },
                "open" => operand == note.open,
                "author" => is(&note.author),
                "createdBy" => is(&note.created_by),
                "updatedBy" => is(&note.updated_by),
                "status" => {
                    let live = model.live.get(slug).map(|live| live.revision);
                    let status = match live {
                        _ if is_live => "PUBLISHED",
                        None => "DRAFT",
                        Some(revision) if revision == note.revision => "PUBLISHED",
                        Some(_) => "CHANGED",
                    };
                    operand == status
                }
                // A target that is not in the stage reads as none.
                "near" => {
                    let target = note.near.as_deref().filter(|near| stage.contains_key(*near));
                    let holds = |filter| target.is_some_and(|near| self.passes(Some(filter), model, is_live, near));
                    match operator {
                        "isNull" => target.is_none() == (operand == true),
                        "is" => holds(operand),
                        _ => !holds(operand),
                    }
                }
                other => unreachable!("no filter has {other}"),
            }
        })
    }

    fn rows(&self, action: &str, model: &Model, is_live: bool, slug: &str) -> bool {
        self.rule(action).is_some_and(|rule| self.passes(rule.get("rows"), model, is_live, slug))
    }

    fn reads(&self, model: &Model, slug: &str) -> bool {
        self.rows("read_drafts", model, false, slug) || self.rows("read", model, true, slug)
    }

    /// Whether the actor may do this with the entry as it is stored.
    fn reaches(&self, action: &str, model: &Model, slug: &str) -> bool {
        let sees = match self.rule("read_drafts") {
            Some(_) => self.rows("read_drafts", model, false, slug),
            None => self.rows("read", model, true, slug),
        };
        sees && self.rows(action, model, false, slug)
    }

    /// An input laid over a note, with what is wrong with it.
    fn lay(
        &self,
        action: &str,
        note: &mut Note,
        input: &Map<String, Json>,
        connects: &dyn Fn(&str) -> bool,
        wrong: &mut Refusal,
    ) {
        let rule = self.rule(action).unwrap();
        let fields = rule.get("fields").map(|fields| fields["note"].as_array().unwrap());
        let may = |field: &str| fields.is_none_or(|fields| fields.iter().any(|known| known == field));
        for (field, value) in input {
            if !may(field) {
                wrong.insert("FORBIDDEN");
                continue;
            }
            match field.as_str() {
                "stock" => note.stock = value.as_i64().unwrap(),
                "open" => note.open = value == true,
                "author" => note.author = value.clone(),
                "near" => match value["connect"]["slug"].as_str() {
                    Some(near) if !connects(near) => _ = wrong.insert("NOT_FOUND"),
                    near => note.near = near.map(str::to_owned),
                },
                _ => {}
            }
        }
        for (field, value) in rule["set"].as_object().unwrap() {
            let value = if value == "$user" { self.user } else { value };
            if input.get(field).is_some_and(|given| given != value) {
                wrong.insert("FORBIDDEN");
            }
            match field.as_str() {
                "stock" => note.stock = value.as_i64().unwrap(),
                "open" => note.open = value == true,
                _ => note.author = value.clone(),
            }
        }
    }

    fn apply(&self, model: &mut Model, step: &Step) -> std::result::Result<(), Refusal> {
        match step {
            Step::Save { items, publish, how } => self.save(model, items, *publish, *how),
            Step::Publish(slug) => {
                self.may("publish")?;
                self.found(self.reaches("publish", model, slug))?;
                self.publish(model, slug);
                Ok(())
            }
            Step::Unpublish(slug) => {
                self.may("publish")?;
                self.found(self.reaches("publish", model, slug))?;
                if model.live.remove(*slug).is_some() {
                    tell(model, "unpublish");
                }
                Ok(())
            }
            Step::Delete(slug) => {
                self.may("delete")?;
                self.found(self.reaches("delete", model, slug))?;
                model.draft.remove(*slug);
                model.live.remove(*slug);
                for note in model.draft.values_mut().chain(model.live.values_mut()) {
                    note.near = note.near.take().filter(|near| near != slug);
                }
                tell(model, "delete");
                Ok(())
            }
        }
    }

    fn found(&self, is: bool) -> std::result::Result<(), Refusal> {
        if is { Ok(()) } else { Err(Refusal::from(["NOT_FOUND"])) }
    }

    fn publish(&self, model: &mut Model, slug: &str) {
        let note = model.draft[slug].clone();
        if model.live.get(slug).is_none_or(|live| live.revision != note.revision) {
            model.live.insert(slug.to_owned(), note);
            tell(model, "publish");
        }
    }

    fn save(
        &self,
        model: &mut Model,
        items: &[(&'static str, Map<String, Json>)],
        publish: bool,
        how: How,
    ) -> std::result::Result<(), Refusal> {
        match how {
            How::Create => self.may("create"),
            How::Update { .. } => self.may("update"),
            How::Upsert => self.may("create").or_else(|_| self.may("update")),
        }?;
        if publish {
            self.may("publish")?;
        }
        let mut wrong = Refusal::new();
        let known = model.clone();
        let is_new = |slug: &str| how == How::Create || !self.reaches("update", &known, slug);
        let connects = |near: &str| {
            let along = how == How::Upsert && items.iter().any(|(slug, _)| *slug == near && is_new(slug));
            along || self.reads(&known, near)
        };
        let mut changed = Vec::new();
        for (slug, input) in items {
            match is_new(slug) {
                true if matches!(how, How::Update { .. }) => _ = wrong.insert("NOT_FOUND"),
                true if self.rule("create").is_none() => _ = wrong.insert("FORBIDDEN"),
                true => {
                    let mut note = Note { revision: 1, created_by: self.user.clone(), ..Note::default() };
                    let mut input = input.clone();
                    input.insert("slug".into(), (*slug).into());
                    self.lay("create", &mut note, &input, &connects, &mut wrong);
                    note.updated_by = self.user.clone();
                    if model.draft.insert((*slug).to_owned(), note).is_some() {
                        wrong.insert("CONFLICT");
                    }
                    changed.push((*slug, "create"));
                }
                false => {
                    let old = model.draft[*slug].clone();
                    let mut note = old.clone();
                    if how == (How::Update { stale: true }) {
                        wrong.insert("REVISION_MISMATCH");
                    }
                    self.lay("update", &mut note, input, &connects, &mut wrong);
                    if note.content() != old.content() {
                        note.revision += 1;
                        note.updated_by = self.user.clone();
                        model.draft.insert((*slug).to_owned(), note);
                        changed.push((*slug, "update"));
                    }
                }
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        for (slug, action) in &changed {
            let rule = self.rule(action).unwrap();
            if !self.passes(rule.get("check").or(rule.get("rows")), model, false, slug) {
                return Err(Refusal::from(["FORBIDDEN"]));
            }
            tell(model, action);
        }
        if publish {
            let before = model.clone();
            for (slug, _) in items {
                let is_stale = model.live.get(*slug).is_none_or(|live| live.revision != model.draft[*slug].revision);
                if is_stale && !self.rows("publish", &before, false, slug) {
                    return Err(Refusal::from(["FORBIDDEN"]));
                }
                self.publish(model, slug);
            }
        }
        Ok(())
    }
}

fn tell(model: &mut Model, verb: &str) {
    *model.told.entry(format!("note.{verb}")).or_default() += 1;
}

async fn run(clerk: &Clerk, step: &Step, entry: &dyn Fn(&str) -> (Uuid, i64)) -> Result<()> {
    match step {
        Step::Save { items, publish, how } => {
            let (slug, input) = &items[0];
            match how {
                How::Create => {
                    let mut input = input.clone();
                    input.insert("slug".into(), (*slug).into());
                    clerk.create(&NOTE, input.into(), *publish).await.map(drop)
                }
                How::Update { stale } => {
                    let (id, revision) = entry(slug);
                    let of = (id, revision - i64::from(*stale));
                    clerk.update(&NOTE, of, input.clone().into(), *publish).await.map(drop)
                }
                How::Upsert => {
                    let item =
                        |(slug, input): &(&str, Map<String, Json>)| json!({"key": {"slug": slug}, "data": input});
                    clerk.upsert(&NOTE, items.iter().map(item).collect(), *publish).await.map(drop)
                }
            }
        }
        Step::Publish(slug) => clerk.publish(&NOTE, entry(slug)).await.map(drop),
        Step::Unpublish(slug) => clerk.unpublish(&NOTE, entry(slug)).await.map(drop),
        Step::Delete(slug) => clerk.delete(&NOTE, entry(slug)).await.map(drop),
    }
}

async fn stored(shop: &Shop) -> Json {
    let stage = |name: &str| {
        format!(
            "(select coalesce(jsonb_agg(jsonb_build_array(n.slug, n.stock, n.open, n.author, \
                (select d.slug from draft.note d where d.id = n.near_id), n.revision, n.created_by, n.updated_by) \
                order by n.slug), '[]') from {name}.note n)"
        )
    };
    let told = "(select coalesce(jsonb_object_agg(action, lines), '{}') \
        from (select action, count(*) as lines from cms.audit where type = 'note' group by action) as l)";
    shop.value(&format!("select jsonb_build_array({}, {}, {told})", stage("draft"), stage("live"))).await
}

fn expected(model: &Model) -> Json {
    let user = |json: &Json| match json.as_str() {
        Some(text) => id::decode_as("user", text).unwrap().to_string().into(),
        None => Json::Null,
    };
    let stage = |notes: &BTreeMap<String, Note>| -> Json {
        let row = |(slug, note): (&String, &Note)| {
            let people = [&note.author, &note.created_by, &note.updated_by].map(user);
            json!([slug, note.stock, note.open, people[0], note.near, note.revision, people[1], people[2]])
        };
        notes.iter().map(row).collect()
    };
    json!([stage(&model.draft), stage(&model.live), model.told])
}

async fn ids(shop: &Shop) -> BTreeMap<String, Uuid> {
    let rows = shop.values("select jsonb_build_array(slug, id) from draft.note").await;
    let entry = |row: &Json| (row[0].as_str().unwrap().to_owned(), row[1].as_str().unwrap().parse().unwrap());
    rows.iter().map(entry).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_writes_are_what_a_plain_reading_of_the_rules_says() {
    let shop = Shop::of(schema(TYPES, &json!({}))).await;
    let mut model = Model::default();
    let (mut done, mut refused) = (0, BTreeMap::<&str, i64>::new());
    for case in 0..CASES {
        let mut rng = Rng(case);
        let rules = rng.rules();
        let database = Database::new(shop.db.pool.clone(), schema(TYPES, &rules));
        let open = database.trusted();
        for number in 0..STEPS {
            // Now and then the server itself writes, so that there is something whatever the rules are.
            let all = json!({"note": {"clerk": {"read_drafts": {}, "create": {"set": {}}, "update": {"set": {}}, "publish": {}, "delete": {}}}});
            let (rules, clerk, person) = match rng.below(4) {
                0 => (&all, Clerk(open.clone()), Json::Null),
                who => {
                    let who = u128::from(who);
                    let identity = match who {
                        3 => Identity::Token { id: user(3) },
                        _ => Identity::User { id: user(who), session: Uuid::nil() },
                    };
                    let actor = Actor { identity, role: "clerk".into(), ..Actor::system() };
                    (&rules, Clerk(database.acting(actor)), if who == 3 { Json::Null } else { shown(who) })
                }
            };
            let step = rng.step();
            let ids = ids(&shop).await;
            let revisions: BTreeMap<String, i64> =
                model.draft.iter().map(|(slug, note)| (slug.clone(), note.revision)).collect();
            let missing = Uuid::from_u128(u128::from(number) + 1);
            let entry =
                |slug: &str| (ids.get(slug).copied().unwrap_or(missing), revisions.get(slug).copied().unwrap_or(1));
            let answered = run(&clerk, &step, &entry).await;
            let about =
                format!("case {case}, step {number}: {step:?} by {person} under {rules}\n{model:#?}\n{answered:?}");
            let mut after = model.clone();
            match (Reader { rules, user: &person }.apply(&mut after, &step), &answered) {
                (Ok(()), Ok(())) => {
                    done += 1;
                    model = after;
                }
                (Err(codes), Err(error)) => {
                    let mut said: Refusal = error.problems.iter().map(|problem| problem.code.as_str()).collect();
                    // Whether a value is free is not looked at where its field is wrong already.
                    let mut codes = codes;
                    if codes.len() > 1 {
                        codes.remove(Code::Conflict.as_str());
                        said.remove(Code::Conflict.as_str());
                    }
                    assert_eq!(said, codes, "{about}");
                    codes.iter().for_each(|code| *refused.entry(code).or_default() += 1);
                }
                (meant, _) => panic!("{meant:?} is meant in {about}"),
            }
            assert_eq!(stored(&shop).await, expected(&model), "{about}");
            let asked = match &step {
                Step::Save { items, how: How::Update { .. }, .. } => Some(items[0].0),
                Step::Publish(slug) | Step::Unpublish(slug) | Step::Delete(slug) => Some(*slug),
                Step::Save { .. } => None,
            };
            if let (Some(slug), Err(error)) = (asked, &answered)
                && error.problems.iter().any(|problem| problem.path == ["id".into()])
            {
                let of_missing = run(&clerk, &step, &|slug| (missing, entry(slug).1)).await;
                assert_eq!(answer(&NOTE, entry(slug).0, &answered), answer(&NOTE, missing, &of_missing), "{about}");
            }
        }
    }
    assert!(done > 400, "{done} were done");
    for code in ["FORBIDDEN", "NOT_FOUND", "CONFLICT", "REVISION_MISMATCH"] {
        assert!(refused.get(code).is_some_and(|times| *times > 5), "{refused:?}");
    }
    shop.close().await;
}
