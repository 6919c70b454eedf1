//! Steps as SQL: the comment above each statement, the statement for both stages, and the Squawk exceptions.

mod values;

use serde::Serialize;

use super::literal::quoted as text;
use super::step::Step;
use crate::catalog::names::{fit, quoted};
use crate::catalog::{Catalog, Column, ForeignKey, Index, Key, Listing, Reach};

const STAGES: [&str; 2] = ["draft", "live"];

/// One statement, without its semicolon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    pub sql: String,
    /// A Squawk rule that the statement breaks on purpose.
    pub ignore: Option<&'static str>,
}

/// The title of a step, and its statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub title: String,
    pub statements: Vec<Statement>,
}

fn plain(sql: String) -> Statement {
    Statement { sql, ignore: None }
}

fn ignoring(rule: &'static str, sql: String) -> Statement {
    Statement { sql, ignore: Some(rule) }
}

/// The statement for each stage.
fn each(render: impl Fn(&str) -> String) -> Vec<Statement> {
    STAGES.iter().map(|stage| plain(render(stage))).collect()
}

fn each_ignoring(rule: &'static str, render: impl Fn(&str) -> String) -> Vec<Statement> {
    STAGES.iter().map(|stage| ignoring(rule, render(stage))).collect()
}

pub fn render(step: &Step, after: &Catalog) -> Rendered {
    let (title, statements) = match step {
        Step::Relabel { about, .. } => (format!("{about}: nothing changes in the database"), Vec::new()),
        Step::AddCollation { tag } => {
            (format!("texts in the order of `{tag}`"), vec![plain(format!("select sort.make({})", text(tag)))])
        }
        Step::DropListing { name } => {
            (format!("drop listing {name}"), vec![plain(format!("select listing.drop({})", text(name)))])
        }
        Step::EndCount { table } => (
            format!("stop counting the entries of {table}"),
            vec![plain(format!("select listing.uncount_entries({})", text(table)))],
        ),
        Step::BeginCount { table } => (
            format!("count the entries of {table}"),
            vec![plain(format!("select listing.count_entries({})", text(table)))],
        ),
        Step::CreateListing { table, owner, listing } => (
            format!("create listing {}: {table} in the orders of {owner}", listing.name),
            vec![plain(create_listing(table, owner, listing))],
        ),
        Step::EndDrafts { table } => {
            (format!("{table} has no drafts any more: nothing changes in the database"), Vec::new())
        }
        Step::CreateTable { table, .. } => {
            (format!("create table {table}"), each(|stage| create_table(stage, table, after)))
        }
        Step::RewriteJson { .. }
        | Step::MapEnum { .. }
        | Step::Convert { .. }
        | Step::FillCurrency { .. }
        | Step::Backfill { .. } => values::values(step),
        Step::SetAside { .. } | Step::FillList { .. } | Step::TakeFirst { .. } | Step::BringBack { .. } => {
            values::links(step)
        }
        Step::AddCheck { .. }
        | Step::AddForeignKey { .. }
        | Step::Require { .. }
        | Step::RequireMembers { .. }
        | Step::ProbeUnique { .. }
        | Step::ProbeLength { .. }
        | Step::CreateNewIndex { .. }
        | Step::CreateIndex { .. }
        | Step::ValidateConstraint { .. }
        | Step::SetNotNull { .. } => rules(step),
        _ => columns(step),
    };
    Rendered { title, statements }
}

/// Names and columns.
fn columns(step: &Step) -> (String, Vec<Statement>) {
    match step {
        Step::DropCheck { table, name } => (
            format!("drop constraint {name}"),
            each_ignoring("ban-drop-constraint", |stage| {
                format!("alter table {} drop constraint {}", at(stage, table), quoted(name))
            }),
        ),
        Step::DropForeignKey { table, name, reach } => (
            format!("drop constraint {name}"),
            reached(*reach)
                .iter()
                .map(|stage| {
                    let sql = format!("alter table {} drop constraint {}", at(stage, table), quoted(name));
                    ignoring("ban-drop-constraint", sql)
                })
                .collect(),
        ),
        Step::DropIndexNow { name } => (
            format!("drop index {name}: its name, or its column's type or values, are needed within this transaction"),
            each_ignoring("require-concurrent-index-deletion", |stage| {
                format!("drop index if exists {}", at(stage, name))
            }),
        ),
        Step::DropIndex { name } => (
            format!("drop index {name}"),
            each(|stage| format!("drop index concurrently if exists {}", at(stage, name))),
        ),
        Step::DropTable { table, .. } | Step::DropCarriedTable { table, .. } => {
            let drop = |stage: &str| ignoring("ban-drop-table", format!("drop table {}", at(stage, table)));
            (format!("drop table {table}"), vec![drop("live"), drop("draft")])
        }
        Step::DropColumns { table, columns, .. } | Step::DropCarriedColumns { table, columns, .. } => {
            let drops = columns.iter().flat_map(|column| {
                each_ignoring("ban-drop-column", move |stage| {
                    format!("alter table {} drop column {}", at(stage, table), quoted(column))
                })
            });
            let names: Vec<_> = columns.iter().map(|column| format!("{table}.{column}")).collect();
            (format!("drop column {}", names.join(", ")), drops.collect())
        }
        Step::RenameTable { from, to, .. } => (
            format!("rename table {from} to {to}"),
            each_ignoring("renaming-table", |stage| {
                format!("alter table {} rename to {}", at(stage, from), quoted(to))
            }),
        ),
        Step::RenameColumn { table, from, to, .. } => (
            format!("rename column {table}.{from} to {to}"),
            each_ignoring("renaming-column", |stage| {
                format!("alter table {} rename column {} to {}", at(stage, table), quoted(from), quoted(to))
            }),
        ),
        Step::RenameConstraint { table, from, to, reach, .. } => (
            format!("rename constraint {from} to {to}"),
            reached(reach.unwrap_or(Reach::Each))
                .iter()
                .map(|stage| {
                    let table = at(stage, table);
                    let sql = format!("alter table {table} rename constraint {} to {}", quoted(from), quoted(to));
                    ignoring("renaming-object", sql)
                })
                .collect(),
        ),
        Step::RenameIndex { from, to, live, .. } => {
            let rename = |stage: &&str| {
                // An index of trigrams may be missing.
                let sure = if *live { "if exists " } else { "" };
                ignoring("renaming-object", format!("alter index {sure}{} rename to {}", at(stage, from), quoted(to)))
            };
            (format!("rename index {from} to {to}"), indexed(*live).iter().map(rename).collect())
        }
        Step::AddColumn { table, column, fill, .. } => add_column(table, column, fill.as_deref()),
        Step::DropNotNull { table, column, .. } => (
            format!("{table}.{column} may be null"),
            each_ignoring("ban-drop-not-null", |stage| {
                format!("alter table {} alter column {} drop not null", at(stage, table), quoted(column))
            }),
        ),
        Step::SetDefault { table, column, default } => (
            format!("default of {table}.{column}"),
            STAGES.iter().map(|stage| set_default(stage, table, column, default.as_deref())).collect(),
        ),
        other => panic!("codegen bug: no SQL for {other:?}"),
    }
}

/// Constraints and indexes.
fn rules(step: &Step) -> (String, Vec<Statement>) {
    match step {
        Step::AddCheck { table, check, filled, doubtful, .. } => {
            let valid = if *filled { " not valid" } else { "" };
            let (name, sql) = (quoted(&check.name), check.sql());
            let mut statements = Vec::new();
            if *filled && *doubtful {
                let (rule, expression) = (text(&check.name), text(&sql));
                statements =
                    each(|stage| format!("select cms.assert_holds('{}', {rule}, {expression})", at(stage, table)));
            }
            statements.extend(each(|stage| {
                format!("alter table {} add constraint {name} check ({sql}){valid}", at(stage, table))
            }));
            (format!("add constraint {}", check.name), statements)
        }
        Step::AddForeignKey { table, key, filled } => {
            let keys = reached(key.reach).iter().map(|stage| plain(foreign_key(stage, table, key, *filled)));
            (format!("add constraint {}", key.name), keys.collect())
        }
        Step::Require { table, column, .. } => {
            let (name, column_name) = (present(table, column), quoted(column));
            let mut statements = each(|stage| format!("select cms.assert_present('{}', '{column}')", at(stage, table)));
            statements.extend(each(|stage| {
                format!(
                    "alter table {} add constraint {name} check ({column_name} is not null) not valid",
                    at(stage, table)
                )
            }));
            (format!("{table}.{column} is required"), statements)
        }
        Step::RequireMembers { table, column, needs, .. } => {
            let (name, needs) = (text(column), text(needs));
            let title = format!("components in {table}.{column} have what is required");
            (title, each(|stage| format!("select cms.assert_members('{}', {name}, {needs})", at(stage, table))))
        }
        Step::ProbeUnique { table, columns } => {
            let names: Vec<_> = columns.iter().map(text).collect();
            let names = names.join(", ");
            let probes = each(|stage| format!("select cms.assert_unique('{}', array[{names}])", at(stage, table)));
            (format!("no two rows of {table} have the same {}", columns.join(" and ")), probes)
        }
        Step::ProbeLength { table, columns } => {
            let names = columns.iter().map(text).collect::<Vec<_>>().join(", ");
            let probes = each(|stage| format!("select cms.assert_short('{}', array[{names}])", at(stage, table)));
            (format!("the {} of each row of {table} fits into an index", columns.join(" and ")), probes)
        }
        Step::CreateNewIndex { table, index } => {
            (format!("create index {}", index.name), create_indexes(table, index, ""))
        }
        Step::CreateIndex { table, index, .. } => {
            let concurrently = " concurrently if not exists";
            (format!("create index {}", index.name), create_indexes(table, index, concurrently))
        }
        Step::ValidateConstraint { table, name, reach } => {
            let name_sql = quoted(name);
            let validate =
                |stage: &&str| plain(format!("alter table {} validate constraint {name_sql}", at(stage, table)));
            (format!("validate constraint {name}"), reached(*reach).iter().map(validate).collect())
        }
        Step::SetNotNull { table, column } => {
            let name = present(table, column);
            let mut statements = Vec::new();
            for stage in STAGES {
                let (table, column) = (at(stage, table), quoted(column));
                statements.push(plain(format!("alter table {table} validate constraint {name}")));
                statements.push(plain(format!("alter table {table} alter column {column} set not null")));
                let drop = format!("alter table {table} drop constraint {name}");
                statements.push(ignoring("ban-drop-constraint", drop));
            }
            (format!("{table}.{column} is never null"), statements)
        }
        other => panic!("codegen bug: no SQL for {other:?}"),
    }
}

fn create_table(stage: &str, name: &str, after: &Catalog) -> String {
    let table = &after.tables[name];
    let mut lines: Vec<String> = table.columns.iter().map(|column| format!("  {}", column_sql(column))).collect();
    if table.has_key() {
        let key: Vec<_> = table.primary_key.iter().map(|column| quoted(column)).collect();
        let constraint = quoted(&crate::catalog::names::primary_key(name));
        lines.push(format!("  constraint {constraint} primary key ({})", key.join(", ")));
    }
    for check in &table.checks {
        lines.push(format!("  constraint {} check ({})", quoted(&check.name), check.sql()));
    }
    format!("create table {} (\n{}\n)", at(stage, name), lines.join(",\n"))
}

fn column_sql(column: &Column) -> String {
    let not_null = if column.not_null { " not null" } else { "" };
    let default = column.default.as_ref().map(|default| format!(" default {default}")).unwrap_or_default();
    format!("{} {}{not_null}{default}", quoted(&column.name), column.sql_type)
}

fn add_column(table: &str, column: &Column, fill: Option<&str>) -> (String, Vec<Statement>) {
    let title = format!("add column {table}.{}", column.name);
    let mut statements = Vec::new();
    for stage in STAGES {
        let filled = Column { default: fill.map(str::to_owned).or_else(|| column.default.clone()), ..column.clone() };
        statements.push(plain(format!("alter table {} add column {}", at(stage, table), column_sql(&filled))));
        if fill.is_some() {
            // Existing rows get the value without a rewrite; new rows must provide their own.
            statements.push(set_default(stage, table, &column.name, column.default.as_deref()));
        }
    }
    (title, statements)
}

fn set_default(stage: &str, table: &str, column: &str, default: Option<&str>) -> Statement {
    let (table, column) = (at(stage, table), quoted(column));
    match default {
        Some(default) => plain(format!("alter table {table} alter column {column} set default {default}")),
        None => ignoring("ban-drop-default", format!("alter table {table} alter column {column} drop default")),
    }
}

fn foreign_key(stage: &str, table: &str, key: &ForeignKey, filled: bool) -> String {
    let target = if key.reach == Reach::LiveToDraft { "draft" } else { stage };
    let valid = if filled { " not valid" } else { "" };
    format!(
        "alter table {} add constraint {} foreign key ({}) references {} (id) on delete {}{valid}",
        at(stage, table),
        quoted(&key.name),
        quoted(&key.column),
        at(target, &key.table),
        key.on_delete.sql()
    )
}

fn create_listing(table: &str, owner: &str, listing: &Listing) -> String {
    let quoted: Vec<_> = listing.columns.iter().map(text).collect();
    let order = |keys: &Vec<Key>| text(keys.iter().map(Key::sql).collect::<Vec<_>>().join(", "));
    let orders: Vec<_> = listing.orders.iter().map(order).collect();
    format!(
        "select listing.make(\n  {}, of => {}, target => {}, owner => {},\n  columns => array[{}],\n  orders => array[\n    {}\n  ])",
        text(&listing.name),
        text(table),
        text(&listing.target),
        text(owner),
        quoted.join(", "),
        orders.join(",\n    ")
    )
}

fn create_indexes(table: &str, index: &Index, how: &str) -> Vec<Statement> {
    if index.trigrams {
        let (of, name, column) = (text(table), text(&index.name), text(&index.on[0].column));
        return vec![plain(format!("select listing.index_trigrams({of}, {name}, {column})"))];
    }
    indexed(index.live).iter().map(|stage| plain(create_index(stage, table, index, how))).collect()
}

fn create_index(stage: &str, table: &str, index: &Index, how: &str) -> String {
    let unique = if index.unique { "unique " } else { "" };
    let method = if index.gin { "using gin " } else { "" };
    let keys: Vec<_> = index.on.iter().map(Key::sql).collect();
    format!("create {unique}index{how} {} on {} {method}({})", quoted(&index.name), at(stage, table), keys.join(", "))
}

/// The stages that an index is in.
fn indexed(live: bool) -> &'static [&'static str] {
    if live { &["live"] } else { &STAGES }
}

fn reached(reach: Reach) -> &'static [&'static str] {
    match reach {
        Reach::Draft => &["draft"],
        Reach::LiveToDraft => &["live"],
        Reach::Each => &STAGES,
    }
}

fn at(stage: &str, table: &str) -> String {
    format!("{stage}.{}", quoted(table))
}

/// The constraint that stands in for NOT NULL until the rows are known to satisfy it.
fn present(table: &str, column: &str) -> String {
    quoted(&fit(format!("{table}_{column}_present")))
}
