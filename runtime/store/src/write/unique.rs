//! Finds duplicate values before the database does, so that each is reported with its path.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::json;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::id;
use crate::write::failure::{Failure, Result};
use crate::write::guard::readable;
use crate::write::pointers::titles;
use crate::write::row::{At, Faults, Item, Row};
use crate::write::table::{self, Column, cell};
use crate::{Connection, Scope, Stage};
use base::error::{Code, Problem, Step};
use model::content::{ContentInfo, FieldInfo, RelationInfo, Required, Shape};

/// Fields whose combined value is unique.
pub struct Rule {
    info: &'static ContentInfo,
    /// Indexes in `ContentInfo::fields`; problems are reported at the first.
    pub on: Vec<usize>,
    columns: Vec<Column>,
}

/// A value that a row takes and that no other row may have.
struct Claim {
    root: usize,
    row: Uuid,
    claimed: bool,
    path: Vec<Step>,
    texts: Vec<String>,
}

/// A row of the batch.
struct Candidate<'a> {
    /// Index of the input that gets the fault.
    root: usize,
    row: &'a Row,
    old: Option<&'a Row>,
    /// For a child that the input does not mention: its owner, the owner's field and its index there.
    child: Option<(&'a Row, &'static str, usize)>,
}

impl Candidate<'_> {
    fn path(&self, field: &str) -> Vec<Step> {
        match self.child {
            Some((owner, children, place)) if self.row.path.is_empty() => {
                At::Key(&At::Index(&At::Key(&At::Steps(&owner.path), children), place), field).steps()
            }
            _ => At::Key(&At::Steps(&self.row.path), field).steps(),
        }
    }
}

/// Rows whose stored values are ignored, because the same transaction changes or deletes them.
#[derive(Default)]
struct Leaving {
    rows: HashSet<Uuid>,
    /// Entries all of whose rows in `live` are replaced.
    owners: HashSet<Uuid>,
}

/// Checks the unique fields that these entries change, or all of them against `live` for entries to be published. Only the final state of
/// the batch counts: a value may move from one row to another.
pub async fn check(
    connection: &mut Connection,
    scope: Scope<'_>,
    items: impl Iterator<Item = &Item>,
    faults: &mut Faults,
) -> Result<()> {
    let mut rows: BTreeMap<&'static str, (&'static ContentInfo, Vec<Candidate<'_>>)> = BTreeMap::new();
    let mut leaving = Leaving::default();
    for item in items {
        let old = item.old.as_ref().map(|old| &old.row);
        let entry = Candidate { root: item.root, row: &item.new, old, child: None };
        rows.entry(item.info.table).or_insert((item.info, Vec::new())).1.push(entry);
        for (field, child) in table::children(item.info) {
            let before = old.map_or(&[][..], |old| old.children(field));
            for (place, row) in item.new.children(field).iter().enumerate() {
                let old = before.iter().find(|old| old.id == row.id);
                let child_of = Some((&item.new, item.info.fields[field].name, place));
                let candidate = Candidate { root: item.root, row, old, child: child_of };
                rows.entry(child.table).or_insert((child, Vec::new())).1.push(candidate);
            }
            leaving.rows.extend(before.iter().map(|row| row.id));
        }
        leaving.rows.insert(item.new.id);
        if scope.stage == Stage::Live {
            leaving.owners.insert(item.new.id);
        }
    }
    for (info, rows) in rows.values() {
        for rule in rules(info) {
            let claims = claims(&rule, rows, scope, faults);
            if !claims.is_empty() {
                compare(connection, scope, &rule, &claims, &leaving, faults).await?;
            }
        }
    }
    Ok(())
}

/// The unique fields and unique indexes of the type, without duplicates.
pub fn rules(info: &'static ContentInfo) -> Vec<Rule> {
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

    /// The row's values in the columns; `None` if one is null, since null equals nothing.
    fn texts(&self, row: &Row) -> Option<Vec<String>> {
        let cells = self.columns.iter().map(|column| {
            let shape = &self.info.fields[column.field].shape;
            cell(shape, &row.values[column.field], column.part).map(std::borrow::Cow::into_owned)
        });
        cells.collect()
    }
}

/// Reports two rows of the batch with the same value as a fault of the second.
fn claims(rule: &Rule, rows: &[Candidate<'_>], scope: Scope<'_>, faults: &mut Faults) -> Vec<Claim> {
    let mut first: HashSet<Vec<String>> = HashSet::new();
    let mut changed: Vec<(&Candidate<'_>, Vec<String>)> = Vec::new();
    for candidate in rows {
        let Some(texts) = rule.texts(candidate.row) else { continue };
        match scope.stage == Stage::Live || candidate.old.and_then(|old| rule.texts(old)).is_none_or(|old| old != texts)
        {
            true => changed.push((candidate, texts)),
            false => _ = first.insert(texts),
        }
    }
    let mut claims: Vec<Claim> = Vec::new();
    for (candidate, texts) in changed {
        let path = candidate.path(rule.info.fields[rule.on[0]].name);
        if !first.insert(texts.clone()) {
            let message = format!("{} is given to two {}", shown(rule, &texts), rule.info.plural);
            faults.0.push((candidate.root, Problem::new(Code::Conflict, message).at(path)));
        } else {
            let claimed = rule.on.iter().any(|index| candidate.row.claimed.contains(index));
            claims.push(Claim { root: candidate.root, row: candidate.row.id, claimed, path, texts });
        }
    }
    claims
}

async fn compare(
    connection: &mut Connection,
    scope: Scope<'_>,
    rule: &Rule,
    claims: &[Claim],
    leaving: &Leaving,
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
        r#"select k.n, t.id, {} from unnest($1::bigint[]{arrays}) as k(n{names}) join {} t on {conditions} order by k.n"#,
        if rule.info.owner.is_some() { "t.parent_id" } else { "t.id" },
        scope.table(rule.info.table)
    );
    let numbers: Vec<i64> = (0..claims.len() as i64).collect();
    let mut query = sqlx::query_as(AssertSqlSafe(sql)).bind(numbers);
    for index in 0..rule.columns.len() {
        query = query.bind(claims.iter().map(|claim| claim.texts[index].clone()).collect::<Vec<_>>());
    }
    let found: Vec<(i64, Uuid, Uuid)> = query.fetch_all(&mut *connection).await?;
    let place = |number: i64| usize::try_from(number).unwrap_or_default();
    let stays = |(_, row, owner): &(i64, Uuid, Uuid)| !leaving.rows.contains(row) && !leaving.owners.contains(owner);
    let taken = found.into_iter().filter(stays).map(|(number, row, _)| (&claims[place(number)], row));
    let taken: Vec<_> = taken.filter(|(claim, row)| *row != claim.row).collect();
    if taken.iter().any(|(claim, _)| claim.claimed) {
        return Err(Failure::Taken);
    }
    // Neither an entry nor a field's value that the actor may not read is revealed.
    let grant = scope.reads(rule.info);
    let is_readable = rule.columns.iter().all(|column| grant.has(rule.info, rule.info.fields[column.field].snake));
    let owners = taken.iter().filter(|_| is_readable).map(|(_, owner)| *owner).collect();
    let known = readable(connection, scope, rule.info, owners).await?;
    let titles = titles(connection, scope, rule.info, &known).await?;
    for (claim, owner) in taken {
        let place = if scope.stage == Stage::Live { " that is live" } else { "" };
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

/// Clears the `draft` values that one row of the batch gives up to another. The database checks uniqueness row by row, so the value would
/// still count as taken.
pub async fn free(
    connection: &mut Connection,
    info: &'static ContentInfo,
    rows: &[(&Row, Option<&Row>)],
) -> Result<()> {
    if rows.len() < 2 || rows.iter().all(|(_, old)| old.is_none()) {
        return Ok(());
    }
    for rule in rules(info) {
        let mut given: HashMap<Vec<String>, Uuid> = HashMap::new();
        for (_, old) in rows {
            if let Some((texts, old)) = old.and_then(|old| Some((rule.texts(old)?, old))) {
                given.insert(texts, old.id);
            }
        }
        let moved = rows.iter().filter_map(|(row, _)| {
            let owner = given.get(&rule.texts(row)?)?;
            (*owner != row.id).then_some(*owner)
        });
        let moved: Vec<Uuid> = moved.collect();
        if let Some(assignment) = rule.placeholder().filter(|_| !moved.is_empty()) {
            let sql = format!(
                r#"update draft."{}" as t set {assignment} from unnest($1::uuid[]) with ordinality as u(id, n) where t.id = u.id"#,
                info.table
            );
            sqlx::query(AssertSqlSafe(sql)).bind(moved).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

impl Rule {
    /// The assignment that clears a row's value until the new one is stored: null for an optional field, else a value that no entry has.
    /// `None` if all fields are required and only hold relations, choices or the like.
    fn placeholder(&self) -> Option<String> {
        let nullable = self.columns.iter().find(|column| self.info.fields[column.field].required != Required::Save);
        if let Some(column) = nullable {
            let all = self.columns.iter().filter(|other| other.field == column.field);
            let nulls: Vec<_> = all.map(|column| format!(r#""{}" = null"#, column.name)).collect();
            return Some(nulls.join(", "));
        }
        self.columns.iter().find_map(|column| {
            let free = match (&self.info.fields[column.field].shape, column.cast) {
                (Shape::Scalar(_), "text") => "'moving ' || t.id",
                (Shape::Scalar(_), "bigint" | "numeric") if column.part == 0 => "-2147483648 + u.n",
                (Shape::Scalar(_), "uuid") => "gen_random_uuid()",
                _ => return None,
            };
            Some(format!(r#""{}" = {free}"#, column.name))
        })
    }
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
