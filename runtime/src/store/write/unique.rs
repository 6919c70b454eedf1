//! Finds values that another entry has already, before the database would, so that every one is reported with its path.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::json;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::content::{ContentInfo, FieldInfo, RelationInfo, Shape};
use crate::error::{Code, Problem, Step};
use crate::id;
use crate::store::write::failure::{Failure, Result};
use crate::store::write::guard::readable;
use crate::store::write::pointers::titles;
use crate::store::write::row::{At, Faults, Item, Row};
use crate::store::write::table::{self, Column, cell};
use crate::store::{Connection, Stage, Store};

/// What no two rows may have the same of.
struct Rule {
    info: &'static ContentInfo,
    /// Indexes in `ContentInfo::fields`; the first is to blame.
    on: Vec<usize>,
    columns: Vec<Column>,
}

/// A value that must not be another row's.
struct Claim {
    root: usize,
    row: Uuid,
    claimed: bool,
    path: Vec<Step>,
    texts: Vec<String>,
}

/// The input that is to blame, a row and what is stored of it.
type Candidate<'a> = (usize, &'a Row, Option<&'a Row>);

/// Checks the unique fields that these entries change, all of them against `live` when they are to be published.
pub async fn check(
    connection: &mut Connection,
    store: &Store,
    stage: Stage,
    items: impl Iterator<Item = &Item>,
    faults: &mut Faults,
) -> Result<()> {
    let mut rows: BTreeMap<&'static str, (&'static ContentInfo, Vec<Candidate<'_>>)> = BTreeMap::new();
    let mut leaving: HashSet<Uuid> = HashSet::new();
    for item in items {
        let old = item.old.as_ref().map(|old| &old.row);
        rows.entry(item.info.table).or_insert((item.info, Vec::new())).1.push((item.root, &item.new, old));
        for (field, child) in table::children(item.info) {
            let before = old.map_or(&[][..], |old| old.children(field));
            for row in item.new.children(field) {
                let known = before.iter().find(|old| old.id == row.id);
                rows.entry(child.table).or_insert((child, Vec::new())).1.push((item.root, row, known));
            }
            let stays = |row: &&Row| item.new.children(field).iter().all(|new| new.id != row.id);
            leaving.extend(before.iter().filter(stays).map(|row| row.id));
        }
        if stage == Stage::Live {
            // Publishing replaces what is live of an entry, its children included.
            leaving.insert(item.new.id);
            leaving.extend(item.new.children.values().flatten().map(|row| row.id));
        }
    }
    for (info, rows) in rows.values() {
        for rule in rules(info) {
            let claims = claims(&rule, rows, stage, faults);
            if !claims.is_empty() {
                compare(connection, store, stage, &rule, &claims, &leaving, faults).await?;
            }
        }
    }
    Ok(())
}

/// Of the fields, and of the unique indexes of the type; what both say is asked once.
fn rules(info: &'static ContentInfo) -> Vec<Rule> {
    let of_fields = info.fields.iter().filter_map(|field| {
        let with = field.unique?;
        Some(std::iter::once(field.snake).chain(with.iter().copied()).collect::<Vec<_>>())
    });
    let mut known: HashSet<BTreeSet<usize>> = HashSet::new();
    let mut rules = Vec::new();
    for names in of_fields.chain(info.unique.iter().map(|on| on.to_vec())) {
        let place = |name: &str| info.fields.iter().position(|field| field.snake == name);
        let Some(on) = names.into_iter().map(place).collect::<Option<Vec<_>>>() else { continue };
        if known.insert(on.iter().copied().collect()) {
            let columns = on.iter().flat_map(|&index| table::field_columns(index, &info.fields[index])).collect();
            rules.push(Rule { info, on, columns });
        }
    }
    rules
}

impl Rule {
    fn fields(&self) -> impl Iterator<Item = &'static FieldInfo> {
        self.on.iter().map(|&index| &self.info.fields[index])
    }
}

/// Two rows of the batch with one value are a fault here already. Nulls are never equal.
fn claims(rule: &Rule, rows: &[Candidate<'_>], stage: Stage, faults: &mut Faults) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut first: HashMap<Vec<String>, Uuid> = HashMap::new();
    for (root, row, old) in rows {
        let text = |row: &Row| {
            let cells = rule.columns.iter().map(|column| {
                let shape = &rule.info.fields[column.field].shape;
                cell(shape, &row.values[column.field], column.part).map(std::borrow::Cow::into_owned)
            });
            cells.collect::<Option<Vec<_>>>()
        };
        let Some(texts) = text(row) else { continue };
        let blamed = rule.info.fields[rule.on[0]].name;
        let path = At::Key(&At::Steps(&row.path), blamed).steps();
        if *first.entry(texts.clone()).or_insert(row.id) != row.id {
            let message = format!("{} is given to two {}", shown(rule, &texts), rule.info.plural);
            faults.0.push((*root, Problem::new(Code::Conflict, message).at(path)));
        } else if stage == Stage::Live || old.and_then(&text).is_none_or(|old| old != texts) {
            let claimed = rule.on.iter().any(|index| row.claimed.contains(index));
            claims.push(Claim { root: *root, row: row.id, claimed, path, texts });
        }
    }
    claims
}

async fn compare(
    connection: &mut Connection,
    store: &Store,
    stage: Stage,
    rule: &Rule,
    claims: &[Claim],
    leaving: &HashSet<Uuid>,
    faults: &mut Faults,
) -> Result<()> {
    let conditions = rule
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| format!(r#"t."{}" = k.c{index}::{}"#, column.name, column.cast));
    let conditions = conditions.collect::<Vec<_>>().join(" and ");
    let arrays: String = (0..rule.columns.len()).map(|index| format!(", ${}::text[]", index + 2)).collect();
    let names: String = (0..rule.columns.len()).map(|index| format!(", c{index}")).collect();
    let sql = format!(
        r#"select k.n, t.id from unnest($1::bigint[]{arrays}) as k(n{names}) join {}."{}" t on {conditions} order by k.n"#,
        stage.schema(),
        rule.info.table
    );
    let numbers: Vec<i64> = (0..claims.len() as i64).collect();
    let mut query = sqlx::query_as(AssertSqlSafe(sql)).bind(numbers);
    for index in 0..rule.columns.len() {
        query = query.bind(claims.iter().map(|claim| claim.texts[index].clone()).collect::<Vec<_>>());
    }
    let found: Vec<(i64, Uuid)> = query.fetch_all(&mut *connection).await?;
    let place = |number: i64| usize::try_from(number).unwrap_or_default();
    let taken = found.into_iter().map(|(number, owner)| (&claims[place(number)], owner));
    let taken: Vec<_> = taken.filter(|(claim, owner)| *owner != claim.row && !leaving.contains(owner)).collect();
    if taken.iter().any(|(claim, _)| claim.claimed) {
        return Err(Failure::Taken);
    }
    // An entry that the actor may not read is not named, and neither is that which has a value that it may not read.
    let grant = store.access.reads(rule.info, stage);
    let is_readable = rule.columns.iter().all(|column| grant.has(rule.info, rule.info.fields[column.field].snake));
    let owners = taken.iter().filter(|_| is_readable).map(|(_, owner)| *owner).collect();
    let known = readable(connection, store, stage, rule.info, owners).await?;
    let titles = titles(connection, store, stage, rule.info, &known).await?;
    for (claim, owner) in taken {
        let place = if stage == Stage::Live { " that is live" } else { "" };
        let message = format!("{} belongs to another {}{place}", shown(rule, &claim.texts), rule.info.name);
        let problem = match known.contains(&owner) {
            false => Problem::new(Code::Conflict, message),
            true => {
                let (entry, title) = (id::encode(rule.info.table, owner), titles.get(&owner));
                let named = title.map(|title| format!(" “{title}”")).unwrap_or_default();
                Problem::new(Code::Conflict, format!("{message}: {entry}{named}"))
                    .details(json!({"entry": {"id": entry, "title": title}}))
            }
        };
        faults.0.push((claim.root, problem.at(claim.path.clone())));
    }
    Ok(())
}

fn shown(rule: &Rule, texts: &[String]) -> String {
    let fields: Vec<_> = rule.fields().collect();
    match (fields.as_slice(), texts) {
        ([FieldInfo { name, shape: Shape::One(RelationInfo { to: [target], .. }), .. }], [text]) => {
            let entry = text.parse().map_or_else(|_| text.clone(), |uuid| id::encode(target.table, uuid));
            format!("the {name} `{entry}`")
        }
        ([field], texts) => format!("the {} `{}`", field.name, texts.join(" ")),
        (fields, _) => {
            let names: Vec<_> = fields.iter().map(|field| field.name).collect();
            format!("this {} with the same {}", names[0], names[1..].join(", "))
        }
    }
}
