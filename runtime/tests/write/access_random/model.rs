//! The stored content, and a simple model of the rules for writes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::cases::{How, Step};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    pub stock: i64,
    pub open: bool,
    pub author: Json,
    pub near: Option<String>,
    pub revision: i64,
    pub created_by: Json,
    pub updated_by: Json,
    pub published_by: Json,
}

impl Note {
    fn content(&self) -> (i64, bool, &Json, &Option<String>) {
        (self.stock, self.open, &self.author, &self.near)
    }
}

/// The stored content; entries are identified by their slugs.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub draft: BTreeMap<String, Note>,
    pub live: BTreeMap<String, Note>,
    /// The number of audit log lines by action.
    pub told: BTreeMap<String, i64>,
}

/// A rejection by its codes.
pub type Refusal = BTreeSet<&'static str>;

/// A simple model of the rules.
pub struct Reader<'a> {
    pub rules: &'a Json,
    pub user: &'a Json,
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
                "publishedBy" => is(&note.published_by),
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
                // A target that is not in the stage reads as null.
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

    /// Whether the actor may do this with the stored entry.
    fn reaches(&self, action: &str, model: &Model, slug: &str) -> bool {
        let sees = match self.rule("read_drafts") {
            Some(_) => self.rows("read_drafts", model, false, slug),
            None => self.rows("read", model, true, slug),
        };
        sees && self.rows(action, model, false, slug)
    }

    /// Overlays an input on a note; returns its problems as well.
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

    pub fn apply(&self, model: &mut Model, step: &Step) -> std::result::Result<(), Refusal> {
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
                let points = |(other, note): (&String, &Note)| other != slug && note.near.as_deref() == Some(slug);
                if model.live.contains_key(*slug) && model.live.iter().any(points) {
                    return Err(Refusal::from(["REFERENCED"]));
                }
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
        let note = model.draft.get_mut(slug).unwrap();
        if model.live.get(slug).is_none_or(|live| live.revision != note.revision) {
            note.published_by = self.user.clone();
            model.live.insert(slug.to_owned(), note.clone());
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

pub fn tell(model: &mut Model, verb: &str) {
    *model.told.entry(format!("note.{verb}")).or_default() += 1;
}
