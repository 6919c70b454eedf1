//! Random walks: a schema is changed at random over filled tables, again and again, and nothing may be lost unasked.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use runtime::migrate::Error;
use serde_json::{Map, Value};

use super::data::{self, Data};
use super::history::{History, compile};
use super::introspect::{compare, expected, introspect};
use super::model::{Component, Field, Kind, Model, SCALARS, Type, filterable};
use super::random::Random;

const STEPS: usize = 6;

/// What became of one field, by its name after; the owner is a type, `type.children` or a component.
#[derive(Clone, Debug)]
enum How {
    Same,
    /// The type is another one: values are there in another form.
    Retyped,
    /// Enum values by their new names; none for those that are gone.
    Mapped(BTreeMap<String, Option<String>>),
    ToList,
    ToOne,
    /// Nothing is known of it.
    Other,
}

/// The changes of one step.
#[derive(Debug, Default)]
struct Changes {
    about: Vec<String>,
    /// Owners after to owners before, where the names differ.
    owners: BTreeMap<String, String>,
    /// `(owner after, field after)` to the field before and what happened.
    fields: BTreeMap<(String, String), (String, How)>,
}

/// `TYPECASE_WALKS=200` walks further; `TYPECASE_SEED=7` walks that one alone.
#[tokio::test]
async fn nothing_is_lost_on_random_walks() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("TYPECASE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..number("TYPECASE_WALKS").unwrap_or(6) + 1,
    };
    let (mut applied, mut refused) = (0, 0);
    let mut walks = futures_util::stream::iter(seeds.map(walk)).buffer_unordered(4);
    while let Some((good, bad)) = walks.next().await {
        applied += good;
        refused += bad;
    }
    println!("{applied} changes applied, {refused} refused by the data");
    assert!(applied > 3 * refused, "most changes must apply, or the walk proves little");
}

async fn walk(seed: u64) -> (usize, usize) {
    let mut random = Random::new(seed);
    let mut model = Model::random(&mut random);
    let mut history = History::new().await;
    history.generate(&compile(&model.sources()), &[]).expect("an empty database has no hazards");
    history.migrate().await.expect("the first migration");
    let (mut applied, mut refused) = (0, 0);
    for step in 0..STEPS {
        data::fill(&history.db.pool, &history.catalog, &mut random).await;
        let before = (model.clone(), history.catalog.clone(), history.catalog_json.clone());
        let data_before = data::read(&history.db.pool, &history.catalog).await;
        let mut changes = Changes::default();
        for _ in 0..1 + random.below(3) {
            change(&mut model, &mut random, &mut changes);
        }
        let context = format!("seed {seed}, step {step}: {:?}", changes.about);
        if std::env::var("TYPECASE_SEED").is_ok() {
            println!("{context}");
        }
        let schema = compile(&model.sources());
        match history.generate_answering(&schema) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(refusals) => panic!("{context}: {refusals:?}"),
        }
        let sql = history.files.last().expect("a file").1.clone();
        keep(seed, step, &sql);
        match history.migrate().await {
            Ok(_) => {
                applied += 1;
                history.check().await.unwrap_or_else(|error| panic!("{context}: {error}"));
                compare(&introspect(&history.db.pool).await, &expected(&history.catalog), &context);
                let data_after = data::read(&history.db.pool, &history.catalog).await;
                let state = State { context: &context, sql: &sql, changes: &changes, old: &before.0, new: &model };
                state.verify(&data_before, &before.1, &data_after, &history.catalog);
                forget_hints(&mut model, &mut random);
            }
            Err(Error::Failed(failure)) => {
                refused += 1;
                assert!(
                    failure.code.starts_with("22") || failure.code.starts_with("235"),
                    "{context}: {failure}\n{sql}"
                );
                let same = data::read(&history.db.pool, &before.1).await == data_before;
                assert!(same, "{context}: it failed and changed data all the same: {failure}");
                history.files.pop();
                history.run("delete from cms.migration where finished_at is null").await;
                (model, history.catalog, history.catalog_json) = before;
            }
            Err(other) => panic!("{context}: {other}"),
        }
    }
    let found = introspect(&history.db.pool).await;
    let mut fresh = History::new().await;
    fresh.generate(&compile(&model.sources()), &[]).expect("an empty database has no hazards");
    fresh.migrate().await.expect("the first migration");
    compare(&found, &introspect(&fresh.db.pool).await, &format!("seed {seed}: through the steps and from nothing"));
    fresh.db.close().await;
    history.db.close().await;
    (applied, refused)
}

/// `TYPECASE_WALK_FILES=folder` keeps the files, for other checkers.
fn keep(seed: u64, step: usize, sql: &str) {
    if let Ok(folder) = std::env::var("TYPECASE_WALK_FILES") {
        std::fs::write(format!("{folder}/{seed:04}_{step}.sql"), sql).expect("the folder can be written");
    }
}

/// Hints stay in a schema for a while after their rename; they must not do it again.
fn forget_hints(model: &mut Model, random: &mut Random) {
    if random.one_in(2) {
        return;
    }
    for ty in &mut model.types {
        ty.was = None;
        ty.dropped.clear();
        ty.fields.iter_mut().for_each(forget_field);
    }
    for part in &mut model.components {
        part.was = None;
        part.dropped.clear();
        part.fields.iter_mut().for_each(forget_field);
    }
}

fn forget_field(field: &mut Field) {
    field.was = None;
    match &mut field.kind {
        Kind::Enum { values, .. } => values.iter_mut().for_each(|(_, was)| *was = None),
        Kind::Children { fields, dropped, .. } => {
            dropped.clear();
            fields.iter_mut().for_each(forget_field);
        }
        _ => {}
    }
}

fn change(model: &mut Model, random: &mut Random, changes: &mut Changes) {
    match random.below(20) {
        0 => add_type(model, random, changes),
        1 => drop_type(model, random, changes),
        2 => rename_type(model, random, changes),
        3..=5 => change_component(model, random, changes),
        _ => change_type(model, random, changes),
    }
}

fn add_type(model: &mut Model, random: &mut Random, changes: &mut Changes) {
    let mut ty = Type { name: model.fresh("type"), ..Type::default() };
    for _ in 0..3 {
        ty.fields.push(model.field(random, true));
    }
    changes.about.push(format!("add type {}", ty.name));
    model.types.push(ty);
}

fn drop_type(model: &mut Model, random: &mut Random, changes: &mut Changes) {
    let index = random.below(model.types.len());
    let name = model.types[index].name.clone();
    let used = model.types.iter().any(|ty| ty.name != name && ty.fields.iter().any(|field| points_at(field, &name)));
    if !used && model.types.len() > 2 && !changes.owners.contains_key(&name) {
        changes.about.push(format!("drop type {name}"));
        model.types.remove(index);
    }
}

fn points_at(field: &Field, name: &str) -> bool {
    match &field.kind {
        Kind::Relation { to, .. } => to.iter().any(|target| target == name),
        Kind::Children { fields, .. } => fields.iter().any(|field| points_at(field, name)),
        _ => false,
    }
}

fn rename_type(model: &mut Model, random: &mut Random, changes: &mut Changes) {
    let index = random.below(model.types.len());
    let (old, new) = (model.types[index].name.clone(), model.fresh("type"));
    if !changes.about.is_empty() {
        return;
    }
    changes.about.push(format!("rename type {old} to {new}"));
    changes.owners.insert(new.clone(), old.clone());
    for field in &model.types[index].fields {
        if let Kind::Children { .. } = field.kind {
            changes.owners.insert(format!("{new}.{}", field.name), format!("{old}.{}", field.name));
        }
    }
    model.types[index].name = new.clone();
    model.types[index].was = Some(old.clone());
    for ty in &mut model.types {
        ty.fields.iter_mut().for_each(|field| retarget(field, &old, &new));
    }
}

fn retarget(field: &mut Field, old: &str, new: &str) {
    match &mut field.kind {
        Kind::Relation { to, .. } => {
            to.iter_mut().filter(|target| *target == old).for_each(|target| *target = new.to_owned());
            to.sort();
        }
        Kind::Children { fields, .. } => fields.iter_mut().for_each(|field| retarget(field, old, new)),
        _ => {}
    }
}

fn change_type(model: &mut Model, random: &mut Random, changes: &mut Changes) {
    let index = random.below(model.types.len());
    let ty = model.types[index].clone();
    if model.types[index].fields.is_empty() || random.one_in(6) {
        let mut field = model.field(random, true);
        require_sometimes(&mut field, random);
        changes.about.push(format!("add {}.{} {:?}", ty.name, field.name, field.kind));
        model.types[index].fields.push(field);
        return;
    }
    let at = random.below(ty.fields.len());
    let mut field = ty.fields[at].clone();
    let mut dropped = ty.dropped.clone();
    let kept = change_field(model, &ty.name, &mut field, &mut dropped, random, changes);
    let ty = &mut model.types[index];
    ty.dropped = dropped;
    match kept {
        true => ty.fields[at] = field,
        false if ty.fields.len() > 1 => drop(ty.fields.remove(at)),
        false => {
            ty.dropped.clear();
            changes.about.push("not dropped after all".to_owned());
        }
    }
}

fn require_sometimes(field: &mut Field, random: &mut Random) {
    if let Kind::Scalar(name) = field.kind
        && random.one_in(3)
        && name != "slug"
    {
        field.required = true;
        field.default = match name {
            "integer" if random.one_in(2) => Some("5"),
            "boolean" => Some("false"),
            "money" => Some("1.50"),
            _ => None,
        };
    }
}

/// Changes the field; false when it is to be dropped.
fn change_field(
    model: &mut Model,
    owner: &str,
    field: &mut Field,
    dropped: &mut Vec<String>,
    random: &mut Random,
    changes: &mut Changes,
) -> bool {
    let old = field.name.clone();
    let key = (owner.to_owned(), old.clone());
    if changes.fields.contains_key(&key) || changes.about.iter().any(|about| about.contains(&old)) {
        return true;
    }
    let mut how = How::Same;
    let mut keep = true;
    match random.below(10) {
        0 => {
            keep = false;
            if random.one_in(2) {
                dropped.push(old.clone());
            }
            changes.about.push(format!("drop {owner}.{old}"));
        }
        1 | 2 => {
            field.name = model.fresh("field");
            field.was = Some(old.clone());
            changes.about.push(format!("rename {owner}.{old} to {}", field.name));
            if matches!(field.kind, Kind::Children { .. }) {
                changes.owners.insert(format!("{owner}.{}", field.name), format!("{owner}.{old}"));
            }
        }
        3 if matches!(field.kind, Kind::Scalar(_) | Kind::Enum { .. }) => {
            field.required = !field.required;
            field.default = None;
            changes.about.push(format!("{owner}.{old} required: {}", field.required));
        }
        4 if matches!(field.kind, Kind::Scalar("string" | "slug" | "integer" | "bigint" | "email")) => {
            field.unique = !field.unique;
            changes.about.push(format!("{owner}.{old} unique: {}", field.unique));
        }
        5 => {
            if let Kind::Scalar(name) = field.kind {
                field.filterable = !field.filterable && filterable(name);
                changes.about.push(format!("{owner}.{old} filterable: {}", field.filterable));
            }
        }
        _ => {
            let before = field.kind.clone();
            how = change_kind(model, owner, field, random, changes);
            if before != field.kind {
                changes.about.push(format!("{owner}.{old}: {before:?} to {:?}", field.kind));
            }
        }
    }
    if keep {
        changes.fields.insert((owner.to_owned(), field.name.clone()), (old, how));
    }
    keep
}

fn change_kind(model: &mut Model, owner: &str, field: &mut Field, random: &mut Random, changes: &mut Changes) -> How {
    let replace_scalar = |field: &mut Field, random: &mut Random| {
        let name = *random.pick(&SCALARS);
        field.kind = Kind::Scalar(name);
        field.default = None;
        field.unique &= ["string", "slug", "integer", "bigint", "email"].contains(&name);
        field.filterable &= filterable(name);
        How::Retyped
    };
    match &mut field.kind {
        Kind::Scalar(_) => replace_scalar(field, random),
        Kind::Enum { values, many } => match random.below(5) {
            0 => {
                values.push((model.fresh("value"), None));
                How::Same
            }
            1 => {
                let at = random.below(values.len());
                let (old, new) = (values[at].0.clone(), model.fresh("value"));
                values[at] = (new.clone(), Some(old.clone()));
                How::Mapped([(old, Some(new))].into())
            }
            2 if values.len() > 1 => {
                let gone = values.remove(random.below(values.len())).0;
                if field.required && !*many { How::Other } else { How::Mapped([(gone, None)].into()) }
            }
            3 => {
                *many = !*many;
                if *many {
                    field.required = false;
                }
                if *many { How::ToList } else { How::ToOne }
            }
            _ => {
                field.required &= !*many;
                replace_scalar(field, random)
            }
        },
        Kind::Relation { to, many, on_delete } => match random.below(3) {
            0 => {
                *many = !*many;
                if *many { How::ToList } else { How::ToOne }
            }
            1 => {
                *on_delete = *random.pick(&["restrict", "set_null", "cascade"]);
                How::Same
            }
            _ => {
                let target = random.pick(&model.types).name.clone();
                match to.iter().position(|name| *name == target) {
                    Some(at) if to.len() > 1 => {
                        to.remove(at);
                        How::Other
                    }
                    Some(_) => How::Same,
                    None => {
                        to.push(target);
                        to.sort();
                        How::Other
                    }
                }
            }
        },
        Kind::Component { many, .. } => match random.below(4) {
            0 => {
                field.kind = Kind::Blocks { of: model.components.iter().map(|part| part.name.clone()).collect() };
                How::Other
            }
            1 => {
                field.kind = Kind::Scalar("json");
                How::Other
            }
            _ => {
                *many = !*many;
                if *many { How::ToList } else { How::ToOne }
            }
        },
        Kind::Blocks { of } => {
            if of.len() > 1 {
                of.remove(random.below(of.len()));
            } else {
                *of = model.components.iter().map(|part| part.name.clone()).collect();
            }
            How::Other
        }
        Kind::Children { fields, dropped, .. } => {
            let owner = format!("{owner}.{}", field.name);
            if random.one_in(3) || fields.is_empty() {
                let mut new = model.field(random, false);
                require_sometimes(&mut new, random);
                changes.about.push(format!("add {owner}.{} {:?}", new.name, new.kind));
                fields.push(new);
            } else {
                let at = random.below(fields.len());
                let kept = change_field(model, &owner, &mut fields[at], dropped, random, changes);
                if !kept && fields.len() > 1 {
                    fields.remove(at);
                }
            }
            How::Same
        }
    }
}

fn change_component(model: &mut Model, random: &mut Random, changes: &mut Changes) {
    let index = random.below(model.components.len());
    let name = model.components[index].name.clone();
    if changes.about.iter().any(|about| about.contains(&name)) {
        return;
    }
    match random.below(5) {
        0 => {
            let new = model.fresh("part");
            changes.about.push(format!("rename component {name} to {new}"));
            changes.owners.insert(new.clone(), name.clone());
            model.components[index].was = Some(name.clone());
            model.components[index].name = new.clone();
            let fields = model.types.iter_mut().flat_map(|ty| &mut ty.fields);
            let parts = model.components.iter_mut().flat_map(|part: &mut Component| &mut part.fields);
            fields.chain(parts).for_each(|field| rename_component(field, &name, &new));
        }
        1 => {
            let mut field = model.scalar_field(random);
            require_sometimes(&mut field, random);
            changes.about.push(format!("add {name}.{} {:?}", field.name, field.kind));
            model.components[index].fields.push(field);
        }
        _ => {
            let at = random.below(model.components[index].fields.len());
            let mut field = model.components[index].fields[at].clone();
            let mut dropped = model.components[index].dropped.clone();
            let kept = change_field(model, &name, &mut field, &mut dropped, random, changes);
            field.unique = false;
            field.filterable = false;
            if matches!(field.kind, Kind::Blocks { .. }) || (matches!(field.kind, Kind::Component { .. }) && index == 0)
            {
                return;
            }
            let part = &mut model.components[index];
            if kept {
                part.fields[at] = field;
            } else if part.fields.len() > 1 {
                part.fields.remove(at);
                part.dropped = dropped;
            }
        }
    }
}

fn rename_component(field: &mut Field, old: &str, new: &str) {
    match &mut field.kind {
        Kind::Component { of, .. } if of == old => *of = new.to_owned(),
        Kind::Blocks { of } => of.iter_mut().filter(|of| *of == old).for_each(|of| *of = new.to_owned()),
        Kind::Children { fields, .. } => fields.iter_mut().for_each(|field| rename_component(field, old, new)),
        _ => {}
    }
}

struct State<'a> {
    context: &'a str,
    sql: &'a str,
    changes: &'a Changes,
    old: &'a Model,
    new: &'a Model,
}

impl State<'_> {
    fn verify(
        &self,
        before: &Data,
        catalog_before: &codegen::catalog::Catalog,
        after: &Data,
        catalog_after: &codegen::catalog::Catalog,
    ) {
        for ty in &self.new.types {
            let old_name = self.changes.owners.get(&ty.name).unwrap_or(&ty.name);
            let Some(old) = self.old.types.iter().find(|ty| ty.name == *old_name) else { continue };
            let tables = (old.name.as_str(), ty.name.as_str());
            self.table(tables, &ty.name, (&old.fields, &ty.fields), (before, after), (catalog_before, catalog_after));
        }
    }

    fn table(
        &self,
        tables: (&str, &str),
        owner: &str,
        fields: (&[Field], &[Field]),
        data: (&Data, &Data),
        catalogs: (&codegen::catalog::Catalog, &codegen::catalog::Catalog),
    ) {
        for stage in ["draft", "live"] {
            let rows = &data.0[&format!("{stage}.{}", tables.0)];
            let by_id: BTreeMap<_, _> =
                data.1[&format!("{stage}.{}", tables.1)].iter().map(|row| (row["id"].to_string(), row)).collect();
            assert_eq!(rows.len(), by_id.len(), "{}: rows of {stage}.{}\n{}", self.context, tables.1, self.sql);
            for field in fields.1 {
                let key = (owner.to_owned(), field.name.clone());
                let (old_name, how) = self.changes.fields.get(&key).cloned().unwrap_or((field.name.clone(), How::Same));
                let Some(old) = fields.0.iter().find(|field| field.name == old_name) else { continue };
                let Some(before) = catalogs.0.tables[tables.0].field(&old.name) else { continue };
                let Some(now) = catalogs.1.tables[tables.1].field(&field.name) else { continue };
                let (columns, new_columns) = (before.columns(), now.columns());
                for row in rows {
                    let new =
                        by_id.get(&row["id"].to_string()).unwrap_or_else(|| panic!("{}: a row is lost", self.context));
                    let link = |data: &Data,
                                catalog: &codegen::catalog::Catalog,
                                table: &str,
                                name: &str,
                                row: &Map<String, Value>,
                                columns: &[String]| {
                        if columns.is_empty() {
                            items(data, catalog, stage, table, name, &row["id"])
                        } else {
                            columns.iter().map(|column| row[column].clone()).filter(|value| !value.is_null()).collect()
                        }
                    };
                    if let (Kind::Relation { .. }, Kind::Relation { .. }) = (&old.kind, &field.kind) {
                        let was = link(data.0, catalogs.0, tables.0, &old.name, row, &columns);
                        let is = link(data.1, catalogs.1, tables.1, &field.name, new, &new_columns);
                        match how {
                            How::Same | How::ToList => {
                                assert_eq!(was, is, "{}: {owner}.{}\n{}", self.context, field.name, self.sql)
                            }
                            How::ToOne => assert_eq!(
                                was.first(),
                                is.first(),
                                "{}: {owner}.{}\n{}",
                                self.context,
                                field.name,
                                self.sql
                            ),
                            _ => {
                                let kept = is.iter().all(|item| was.contains(item));
                                assert!(kept, "{}: {owner}.{} {was:?} {is:?}", self.context, field.name);
                                let lost = self.sql.contains(&format!("M107={owner}.{}.", field.name))
                                    || self.sql.contains(&format!("M107={}.", subject(tables.1, &field.name)));
                                assert!(
                                    lost || was == is,
                                    "{}: {owner}.{} {was:?} {is:?}\n{}",
                                    self.context,
                                    field.name,
                                    self.sql
                                );
                            }
                        }
                        continue;
                    }
                    let (Some(column), Some(new_column)) = (columns.first(), new_columns.first()) else { continue };
                    let subject = subject(tables.1, &field.name);
                    self.value(&subject, &old.kind, field, &how, &row[column], &new[new_column]);
                    if let ([_, code], [_, new_code]) = (columns.as_slice(), new_columns.as_slice())
                        && !row[column].is_null()
                    {
                        assert_eq!(row[code], new[new_code], "{}: currency", self.context);
                    }
                }
                if let (Kind::Children { fields: old_rows, .. }, Kind::Children { fields: rows, .. }) =
                    (&old.kind, &field.kind)
                {
                    let (Some(from), Some(to)) =
                        (children(catalogs.0, tables.0, &old.name), children(catalogs.1, tables.1, &field.name))
                    else {
                        continue;
                    };
                    self.table((from, to), &format!("{owner}.{}", field.name), (old_rows, rows), data, catalogs);
                }
            }
        }
    }

    fn value(&self, subject: &str, old: &Kind, field: &Field, how: &How, was: &Value, is: &Value) {
        let context = || format!("{}: {subject} was {was} and is {is}\n{}", self.context, self.sql);
        let lost =
            self.sql.lines().any(|line| line.contains("-- hazard M10") && line.contains(&format!("={subject}.")));
        let component = |value: &Value| self.component(value);
        match how {
            _ if was.is_null() => {
                assert!(is.is_null() || field.required || is == &Value::Array(Vec::new()), "{}", context())
            }
            How::Same if matches!(old, Kind::Component { .. } | Kind::Blocks { .. }) => {
                if let Some(wanted) = component(was) {
                    assert_eq!(strip(is), strip(&wanted), "{}", context());
                }
            }
            How::Same => assert_eq!(was, is, "{}", context()),
            How::Mapped(names) => {
                let map = |value: &Value| match names.get(value.as_str().unwrap_or_default()) {
                    Some(Some(new)) => Value::from(new.as_str()),
                    Some(None) => Value::Null,
                    None => value.clone(),
                };
                let wanted = match was {
                    Value::Array(items) => items.iter().map(map).filter(|item| !item.is_null()).collect(),
                    one => map(one),
                };
                assert_eq!(&wanted, is, "{}", context());
            }
            How::ToList if matches!(old, Kind::Enum { .. }) => {
                assert_eq!(&Value::Array(vec![was.clone()]), is, "{}", context())
            }
            How::ToOne if matches!(old, Kind::Enum { .. }) => {
                assert_eq!(was.get(0).unwrap_or(&Value::Null), is, "{}", context());
            }
            How::ToList => assert_eq!(is.as_array().map(Vec::len), Some(1), "{}", context()),
            How::ToOne => assert_eq!(was.get(0).is_none(), is.is_null(), "{}", context()),
            How::Retyped if !lost => {
                assert!(!is.is_null(), "{}", context());
                if let (Value::String(a), Value::String(b)) = (was, is)
                    && matches!(
                        field.kind,
                        Kind::Scalar("string" | "text" | "markdown" | "slug" | "email" | "url" | "color")
                    )
                    && matches!(
                        old,
                        Kind::Scalar(
                            "string" | "text" | "markdown" | "slug" | "email" | "url" | "color" | "date" | "time"
                        )
                    )
                {
                    assert_eq!(a, b, "{}", context());
                }
                if let (Value::Number(a), Value::Number(b)) = (was, is)
                    && !matches!((old, &field.kind), (Kind::Scalar("money"), _) | (_, Kind::Scalar("money")))
                {
                    assert_eq!(a.as_f64(), b.as_f64(), "{}", context());
                }
            }
            How::Retyped | How::Other => {}
        }
    }

    /// A component as it must be after; none when a field of it changed in a way that is not followed here.
    fn component(&self, value: &Value) -> Option<Value> {
        if let Value::Array(items) = value {
            return items.iter().map(|item| self.component(item)).collect();
        }
        let Some(tag) = value.get("_type").and_then(Value::as_str) else { return Some(value.clone()) };
        let renamed = self.changes.owners.iter().find(|(_, before)| *before == tag).map(|(after, _)| after.as_str());
        let name = renamed.unwrap_or(tag);
        let part = self.new.components.iter().find(|part| part.name == name)?;
        let mut wanted = Map::new();
        wanted.insert("_type".into(), Value::from(name));
        for field in &part.fields {
            let changed = self
                .changes
                .fields
                .iter()
                .find(|((owner, after), _)| (owner == tag || owner == name) && *after == field.name);
            let (old, how) = changed.map_or((&field.name, &How::Same), |(_, (old, how))| (old, how));
            if !matches!(how, How::Same) || field.required {
                return None;
            }
            if let Some(value) = value.get(old) {
                let nested = matches!(field.kind, Kind::Component { .. });
                wanted.insert(field.name.clone(), if nested { self.component(value)? } else { value.clone() });
            }
        }
        Some(Value::Object(wanted))
    }
}

/// Absent is the same as null, and the order of keys does not matter.
fn strip(value: &Value) -> String {
    fn go(value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                let sorted: BTreeMap<_, _> = object.iter().filter(|(_, value)| !value.is_null()).collect();
                sorted.into_iter().map(|(key, value)| (key.clone(), go(value))).collect::<Map<_, _>>().into()
            }
            Value::Array(items) => items.iter().map(go).collect(),
            other => other.clone(),
        }
    }
    go(value).to_string()
}

fn subject(table: &str, field: &str) -> String {
    format!("{table}.{field}")
}

fn children<'a>(catalog: &'a codegen::catalog::Catalog, of: &str, field: &str) -> Option<&'a str> {
    let role = codegen::catalog::Role::Children { of: of.to_owned(), field: field.to_owned() };
    catalog.table_of(&role).map(|(name, _)| name)
}

/// The items of a list relation in their order.
fn items(
    data: &Data,
    catalog: &codegen::catalog::Catalog,
    stage: &str,
    of: &str,
    field: &str,
    id: &Value,
) -> Vec<Value> {
    let role = codegen::catalog::Role::List { of: of.to_owned(), field: field.to_owned() };
    let Some((table, _)) = catalog.table_of(&role) else { return Vec::new() };
    let mut rows: Vec<_> = data[&format!("{stage}.{table}")].iter().filter(|row| row["owner_id"] == *id).collect();
    rows.sort_by_key(|row| row["position"].as_i64());
    let item = |row: &&Map<String, Value>| {
        let columns =
            row.iter().filter(|(name, value)| name.ends_with("_id") && *name != "owner_id" && !value.is_null());
        columns.map(|(_, value)| value.clone()).next()
    };
    rows.iter().filter_map(item).collect()
}
