//! The tables of a schema, in the form that a site's migrations create.

use std::fmt::Write;

use runtime::content::{ContentInfo, OnDelete, RelationInfo, Required, SchemaInfo, Shape};

/// Both stages: tables first, then the foreign keys of `draft`, since types may point at each other.
pub fn create(schema: &SchemaInfo) -> String {
    let mut sql = String::from("create schema draft;\ncreate schema live;\ncreate schema cms;\n");
    let mut keys = String::new();
    for info in schema.types {
        for stage in ["draft", "live"] {
            table(info, stage, &mut sql, &mut keys);
            for field in info.fields {
                if let Shape::Children(child) = field.shape {
                    table(child, stage, &mut sql, &mut keys);
                }
            }
        }
    }
    sql + &keys
}

fn table(info: &ContentInfo, stage: &str, sql: &mut String, keys: &mut String) {
    let (table, draft) = (info.table, stage == "draft");
    let mut columns = vec![match (info.owner, draft) {
        (None, false) => format!("id uuid primary key references draft.{table} on delete cascade"),
        _ => "id uuid primary key".into(),
    }];
    match info.owner {
        None => columns.push(
            "revision bigint not null, created_at timestamptz not null, updated_at timestamptz not null, published_at timestamptz, first_published_at timestamptz, created_by uuid, updated_by uuid, published_by uuid".into(),
        ),
        Some(owner) => {
            let references = if draft { format!(" references draft.{} on delete cascade", owner.table) } else { String::new() };
            columns.push(format!("parent_id uuid not null{references}, position bigint not null"));
        }
    }
    let mut after = String::new();
    for field in info.fields {
        let null = if field.required == Required::Save { " not null" } else { "" };
        let name = field.snake;
        let mut unique = vec![name.to_owned()];
        match field.shape {
            Shape::Scalar(kind) => {
                for column in kind.columns() {
                    columns.push(format!("{name}{} {}{null}", column.suffix, column.cast));
                }
            }
            Shape::Enum(choice) => {
                columns.push(format!("{name} text{null} check ({name} in ({}))", list(choice.values)))
            }
            Shape::Enums(choice) => columns.push(format!(
                "{name} text[] not null default '{{}}' check ({name} <@ array[{}])",
                list(choice.values)
            )),
            Shape::Component(_) => columns.push(format!("{name} jsonb{null}")),
            Shape::Components(_) | Shape::Blocks(_) => columns.push(format!("{name} jsonb not null default '[]'")),
            Shape::One(to) => {
                unique.clear();
                for (column, target) in one(name, &to) {
                    columns.push(format!("{column} uuid"));
                    writeln!(after, "create index on {stage}.{table} ({column});").unwrap();
                    if draft {
                        key(keys, table, &column, target, on_delete(to.on_delete));
                    }
                    unique.push(column);
                }
            }
            Shape::Many(to) => join(info, &to, stage, keys),
            Shape::Children(_) => {}
        }
        if let Some(with) = field.unique {
            unique.extend(with.iter().map(|other| {
                let relation = info.fields.iter().any(|f| f.snake == *other && matches!(f.shape, Shape::One(_)));
                if relation { format!("{other}_id") } else { (*other).to_owned() }
            }));
            let name = format!("{table}_{}_key", unique.join("_"));
            writeln!(after, "create unique index {name} on {stage}.{table} ({});", unique.join(", ")).unwrap();
        }
    }
    for on in info.unique {
        let name = format!("{table}_{}_key", on.join("_"));
        writeln!(after, "create unique index {name} on {stage}.{table} ({});", on.join(", ")).unwrap();
    }
    writeln!(sql, "create table {stage}.{table} (\n    {}\n);\n{after}", columns.join(",\n    ")).unwrap();
    if info.owner.is_some() {
        writeln!(sql, "create index on {stage}.{table} (parent_id, position);").unwrap();
    }
}

fn join(info: &ContentInfo, to: &RelationInfo, stage: &str, keys: &mut String) {
    let (join, owner) = (to.join, info.table);
    let targets = many(to);
    let columns: String = targets.iter().map(|(column, _)| format!(", {column} uuid")).collect();
    let references =
        if stage == "draft" { format!(" references draft.{owner} on delete cascade") } else { String::new() };
    // The owner's table is created later, so this comes with the foreign keys.
    writeln!(
        keys,
        "create table {stage}.{join} (owner_id uuid not null{references}{columns}, position bigint not null);"
    )
    .unwrap();
    for (column, target) in targets {
        writeln!(keys, "create unique index on {stage}.{join} (owner_id, {column});").unwrap();
        writeln!(keys, "create index on {stage}.{join} ({column}, owner_id);").unwrap();
        if stage == "draft" {
            let action = if to.on_delete == OnDelete::Restrict { "restrict" } else { "cascade" };
            key(keys, join, &column, target, action);
        }
    }
}

fn key(keys: &mut String, table: &str, column: &str, target: &ContentInfo, action: &str) {
    writeln!(
        keys,
        "alter table draft.{table} add constraint {table}_{column}_fkey foreign key ({column}) references draft.{} on delete {action};",
        target.table
    )
    .unwrap();
}

fn one(name: &str, to: &RelationInfo) -> Vec<(String, &'static ContentInfo)> {
    match to.to {
        [target] => vec![(format!("{name}_id"), *target)],
        several => several.iter().map(|target| (format!("{name}_{}_id", target.table), *target)).collect(),
    }
}

fn many(to: &RelationInfo) -> Vec<(String, &'static ContentInfo)> {
    match to.to {
        [target] => vec![("target_id".into(), *target)],
        several => several.iter().map(|target| (format!("{}_id", target.table), *target)).collect(),
    }
}

fn on_delete(action: OnDelete) -> &'static str {
    match action {
        OnDelete::Restrict => "restrict",
        OnDelete::SetNull => "set null",
        OnDelete::Cascade => "cascade",
    }
}

fn list(values: &[(&str, &str)]) -> String {
    values.iter().map(|(stored, _)| format!("'{stored}'")).collect::<Vec<_>>().join(", ")
}
