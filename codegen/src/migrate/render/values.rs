//! SQL of the steps that move values: rows are updated, filled and carried over; tables keep their shape.

use super::{STAGES, Statement, at, each, ignoring, plain, set_default};
use crate::catalog::names::{fit, quoted};
use crate::migrate::literal::quoted as text;
use crate::migrate::step::{Instead, Step};

/// Steps that change values in place.
pub fn values(step: &Step) -> (String, Vec<Statement>) {
    match step {
        Step::RewriteJson { table, column, changes, without, .. } => {
            let name = quoted(column);
            let mut value = name.clone();
            if !without.is_empty() {
                let kinds: Vec<_> = without.iter().map(text).collect();
                value = format!("cms.without({value}, array[{}])", kinds.join(", "));
            }
            if changes != "{}" {
                value = format!("cms.rewrite({value}, {})", text(changes));
            }
            let title = format!("rewrite the components in {table}.{column}");
            (title, each(|stage| format!("update {} set {name} = {value} where {name} is not null", at(stage, table))))
        }
        Step::MapEnum { table, column, many, renamed, removed, instead, .. } => {
            let title = format!("map the values of {table}.{column}");
            (title, each(|stage| map_enum(&at(stage, table), &quoted(column), *many, renamed, removed, instead)))
        }
        Step::Convert { table, column, sql_type, using, default, had_default, about, .. } => {
            let mut statements = Vec::new();
            for stage in STAGES {
                if *had_default {
                    statements.push(set_default(stage, table, column, None));
                }
                let using = using.replace("$col", &quoted(column));
                let table_name = at(stage, table);
                let sql =
                    format!("alter table {table_name} alter column {} type {sql_type} using {using}", quoted(column));
                statements.push(ignoring("changing-column-type", sql));
                if default.is_some() {
                    statements.push(set_default(stage, table, column, default.as_deref()));
                }
            }
            (format!("convert {table}.{column}: {about}"), statements)
        }
        Step::FillCurrency { table, column, currency_column, currency, .. } => {
            let (amount, code) = (quoted(column), quoted(currency_column));
            let title = format!("the currency of {table}.{column}");
            let set = text(currency);
            (title, each(|stage| format!("update {} set {code} = {set} where {amount} is not null", at(stage, table))))
        }
        Step::Backfill { table, values, .. } => {
            let sets: Vec<_> = values.iter().map(|(column, value)| format!("{} = {value}", quoted(column))).collect();
            let (sets, first) = (sets.join(", "), quoted(&values[0].0));
            let title = format!("fill {table}.{}", values[0].0);
            (title, each(|stage| format!("update {} set {sets} where {first} is null", at(stage, table))))
        }
        other => panic!("codegen bug: no SQL for {other:?}"),
    }
}

/// Steps that turn references into lists and the reverse.
pub fn links(step: &Step) -> (String, Vec<Statement>) {
    match step {
        Step::SetAside { table } => {
            let mut statements = Vec::new();
            for stage in STAGES {
                let (aside, table) = (aside(stage, table), at(stage, table));
                statements
                    .push(plain(format!("create temporary table {aside} on commit drop as select * from {table}")));
                statements.push(ignoring("ban-drop-table", format!("drop table {table}")));
            }
            (format!("keep the items of {table} aside, while its table is made anew"), statements)
        }
        Step::BringBack { from, table, columns, .. } => {
            let sources: Vec<_> = columns.iter().map(|(source, _)| quoted(source)).collect();
            let items: Vec<_> = columns.iter().map(|(_, item)| quoted(item)).collect();
            let (sources, items) = (sources.join(", "), items.join(", "));
            let statements = each(|stage| {
                format!(
                    "insert into {} (owner_id, {items}, position) select owner_id, {sources}, position from {} where num_nonnulls({sources}) = 1",
                    at(stage, table),
                    aside(stage, from)
                )
            });
            (format!("the items of {table} come back"), statements)
        }
        Step::FillList { table, owner, columns, .. } => {
            let mut statements = Vec::new();
            for stage in STAGES {
                for (source, item) in columns {
                    let (source, item) = (quoted(source), quoted(item));
                    statements.push(plain(format!(
                        "insert into {} (owner_id, {item}, position) select id, {source}, 0 from {} where {source} is not null",
                        at(stage, table),
                        at(stage, owner)
                    )));
                }
            }
            (format!("the references of {owner} become items of {table}"), statements)
        }
        Step::TakeFirst { list, owner, columns, several, .. } => {
            let sources: Vec<_> = columns.iter().map(|(source, _)| format!("item.{}", quoted(source))).collect();
            let targets: Vec<_> = columns.iter().map(|(_, target)| quoted(target)).collect();
            let (sources, targets) = (sources.join(", "), targets.join(", "));
            let known = if *several { format!(" and num_nonnulls({sources}) = 1") } else { String::new() };
            let statements = each(|stage| {
                format!(
                    "update {} as entry set ({targets}) = (select {sources} from {} as item where item.owner_id = entry.id{known} order by item.position limit 1)",
                    at(stage, owner),
                    at(stage, list)
                )
            });
            (format!("the first item of each list in {list} becomes the reference of {owner}"), statements)
        }
        other => panic!("codegen bug: no SQL for {other:?}"),
    }
}

fn map_enum(
    table: &str,
    column: &str,
    many: bool,
    renamed: &[(String, String)],
    removed: &[String],
    instead: &Instead,
) -> String {
    let list = |values: Vec<String>| values.into_iter().map(text).collect::<Vec<_>>().join(", ");
    let touched = list(renamed.iter().map(|(from, _)| from.clone()).chain(removed.iter().cloned()).collect());
    let gone = list(removed.to_vec());
    let mut arms: Vec<_> = renamed.iter().map(|(from, to)| format!("when {} then {}", text(from), text(to))).collect();
    if many {
        let value =
            if arms.is_empty() { "value".to_owned() } else { format!("case value {} else value end", arms.join(" ")) };
        let kept = if gone.is_empty() { String::new() } else { format!(" where value not in ({gone})") };
        return format!(
            "update {table} set {column} = array(select {value} from unnest({column}) with ordinality as item (value, place){kept} order by place) where {column} && array[{touched}]::text[]"
        );
    }
    if !gone.is_empty() {
        let value = match instead {
            Instead::Value(value) => value.as_str(),
            Instead::Null | Instead::Missing => "null",
        };
        arms.extend(removed.iter().map(|gone| format!("when {} then {value}", text(gone))));
    }
    format!("update {table} set {column} = case {column} {} end where {column} in ({touched})", arms.join(" "))
}

fn aside(stage: &str, table: &str) -> String {
    quoted(&fit(format!("aside_{stage}_{table}")))
}
