//! The actual content of a database, and the content that its catalog describes.

use std::collections::BTreeMap;

use codegen::catalog::{Catalog, Index, Reach, Sort, names};
use sqlx::{AssertSqlSafe, PgPool, Row};

/// All objects in `draft` and `live` by name, each with its definition as PostgreSQL prints it.
pub async fn introspect(pool: &PgPool) -> BTreeMap<String, String> {
    let queries = [
        "select format('column %s.%s.%s', n.nspname, c.relname, a.attname) as name,
            format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
            || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as definition
         from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
         left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
         where n.nspname in ('draft', 'live') and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped",
        "select format('constraint %s.%s.%s', n.nspname, c.relname, o.conname) as name,
            pg_get_constraintdef(o.oid) || case when o.convalidated then '' else ' (not validated)' end as definition
         from pg_constraint o join pg_class c on c.oid = o.conrelid join pg_namespace n on n.oid = c.relnamespace
         where n.nspname in ('draft', 'live') and o.contype <> 'n'",
        "select format('index %s.%s', n.nspname, c.relname) as name,
            pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' (invalid)' end as definition
         from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
         where n.nspname in ('draft', 'live')",
    ];
    let mut found = BTreeMap::new();
    for query in queries {
        for row in sqlx::query(AssertSqlSafe(query)).fetch_all(pool).await.expect("the catalog of PostgreSQL") {
            found.insert(row.get("name"), row.get("definition"));
        }
    }
    found
}

/// The names that the catalog expects, with the known part of their definitions.
pub fn expected(catalog: &Catalog) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for stage in ["draft", "live"] {
        for (name, table) in &catalog.tables {
            for column in &table.columns {
                let not_null = if column.not_null { " not null" } else { "" };
                let ty = if column.sql_type == "timestamptz" { "timestamp with time zone" } else { &column.sql_type };
                let ty = if ty == "time" { "time without time zone" } else { ty };
                let default = match &column.default {
                    Some(default) => format!(" default {default}::{ty}"),
                    None => String::new(),
                };
                all.insert(format!("column {stage}.{name}.{}", column.name), format!("{ty}{not_null}{default}"));
            }
            if table.has_key() {
                let key = names::primary_key(name);
                all.insert(format!("constraint {stage}.{name}.{key}"), String::new());
                all.insert(format!("index {stage}.{key}"), String::new());
            }
            for check in &table.checks {
                all.insert(format!("constraint {stage}.{name}.{}", check.name), String::new());
            }
            for key in &table.foreign_keys {
                let here = match key.reach {
                    Reach::Draft => stage == "draft",
                    Reach::LiveToDraft => stage == "live",
                    Reach::Each => true,
                };
                if here {
                    let to = if key.reach == Reach::LiveToDraft { "draft" } else { stage };
                    let column = names::quoted(&key.column);
                    let target = names::quoted(&key.table);
                    let delete = key.on_delete.sql().to_uppercase();
                    let definition = format!("FOREIGN KEY ({column}) REFERENCES {to}.{target}(id) ON DELETE {delete}");
                    all.insert(format!("constraint {stage}.{name}.{}", key.name), definition);
                }
            }
            for index in table.indexes.iter().filter(|index| stage == "live" || !index.live) {
                all.insert(format!("index {stage}.{}", index.name), sorted(stage, name, index));
            }
        }
    }
    all
}

/// Panics if a listing or a count is not that of the rows in `live`, or if there is one too many.
pub async fn compare_listings(pool: &PgPool, catalog: &Catalog, context: &str) {
    let there = "select relname::text from pg_class where relnamespace = 'listing'::regnamespace and relkind = 'r'";
    let there: Vec<String> = sqlx::query_scalar(there).fetch_all(pool).await.expect("the tables");
    let mut wanted = vec!["count".to_owned()];
    for (name, table) in &catalog.tables {
        let quoted = names::quoted(name);
        let mut checks = Vec::new();
        if table.counted {
            checks.push((
                format!("select coalesce(sum(n), 0) from listing.count where list = '{name}'"),
                format!("select count(*) from live.{quoted}"),
            ));
        }
        for listing in &table.listings {
            wanted.push(listing.name.clone());
            let columns: Vec<_> = listing.columns.iter().map(|column| names::quoted(column)).collect();
            let (columns, own) = (columns.join(", "), names::quoted(&listing.name));
            let owner = names::quoted(table.role.owner().expect("a list has an owner"));
            let target = names::quoted(&listing.target);
            checks.push((
                format!("select target_id, owner_id, {columns} from listing.{own}"),
                format!(
                    "select j.{target}, j.owner_id, {columns} from live.{quoted} j join live.{owner} p on p.id = j.owner_id \
                     where j.{target} is not null"
                ),
            ));
            checks.push((
                format!(
                    "select target_id, sum(n) from listing.count where list = '{}' group by 1 having sum(n) <> 0",
                    listing.name
                ),
                format!("select target_id, count(*) from listing.{own} group by 1"),
            ));
        }
        for (is, ought) in checks {
            let sql =
                format!("select count(*) from (({is} except all {ought}) union all ({ought} except all {is})) wrong");
            let wrong: i64 = sqlx::query_scalar(AssertSqlSafe(sql.clone()))
                .fetch_one(pool)
                .await
                .unwrap_or_else(|error| panic!("{context}: {sql}: {error}"));
            assert_eq!(wrong, 0, "{context}: {sql}");
        }
    }
    let sort = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sort(there), sort(wanted), "{context}");
}

/// The index of an order, as PostgreSQL prints it; empty for other indexes.
fn sorted(stage: &str, table: &str, index: &Index) -> String {
    let [key, id] = index.on.as_slice() else { return String::new() };
    let column = names::quoted(&key.column);
    let first = match &key.sort {
        Sort::Text(tag) => format!("sort.key({column}) COLLATE sort.{}", names::collation(tag)),
        Sort::Values(values) => {
            let values: Vec<_> = values.iter().map(|value| format!("'{value}'::text")).collect();
            format!("array_position(ARRAY[{}], {column})", values.join(", "))
        }
        Sort::Plain | Sort::Bytes => return String::new(),
    };
    let (name, table) = (names::quoted(&index.name), names::quoted(table));
    format!("CREATE INDEX {name} ON {stage}.{table} USING btree ({first}, {})", id.column)
}

/// Panics with the first differences. An empty expected definition matches any, except invalid or not validated ones.
pub fn compare(found: &BTreeMap<String, String>, expected: &BTreeMap<String, String>, context: &str) {
    let agrees = |found: &String, expected: &String| {
        let doubtful = found.ends_with("(invalid)") || found.ends_with("(not validated)");
        (expected.is_empty() && !doubtful) || found == expected
    };
    let names: std::collections::BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let wrong: Vec<_> = names
        .into_iter()
        .filter(|name| !matches!((found.get(*name), expected.get(*name)), (Some(a), Some(b)) if agrees(a, b)))
        .map(|name| format!("{name}\n    found {:?}\n    wanted {:?}", found.get(name), expected.get(name)))
        .collect();
    assert!(wrong.is_empty(), "{context}\nthe database is not what its catalog says:\n{}", wrong.join("\n"));
}
