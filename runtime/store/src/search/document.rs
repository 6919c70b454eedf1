//! An entry's row of the search index. It is written in the transaction of the change, and made from the rows that are stored by then.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::hooks::{EventKind, Happened};
use crate::sql::quoted;
use crate::{Connection, Stage};
use base::error::Result;
use model::content::{ComponentInfo, ContentInfo, FieldInfo, RelationInfo, SchemaInfo, SearchInfo, SearchText, Shape};
use model::kind::Kind;

/// Entries of one statement.
const AT_ONCE: usize = 500;
/// Characters of one text.
const LONGEST: usize = 100_000;

/// When the rows of the index are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// In the transaction of the change.
    #[default]
    Now,
    /// By a job: a large import would take twice as long.
    Later,
}

/// Follows what has happened to entries.
pub(crate) async fn follow<'e>(
    connection: &mut Connection,
    events: impl Iterator<Item = &'e Happened>,
    when: When,
) -> Result<(), sqlx::Error> {
    let mut made: BTreeMap<(&str, Stage), (&'static ContentInfo, Vec<Uuid>)> = BTreeMap::new();
    let mut gone: BTreeMap<(&str, Stage), (&'static ContentInfo, Vec<Uuid>)> = BTreeMap::new();
    for event in events.filter(|event| event.info.search.is_some()) {
        let (into, stages): (_, &[Stage]) = match event.kind {
            EventKind::Created | EventKind::Updated => (&mut made, &[Stage::Draft]),
            EventKind::Published => (&mut made, &[Stage::Live]),
            EventKind::Unpublished => (&mut gone, &[Stage::Live]),
            EventKind::Deleted => (&mut gone, &[Stage::Draft, Stage::Live]),
        };
        for stage in stages {
            into.entry((event.info.table, *stage)).or_insert((event.info, Vec::new())).1.push(event.id);
        }
    }
    for ((table, stage), (_, ids)) in gone {
        let sql = format!("delete from search.{} where type = $1 and entry = any($2)", stage.schema());
        sqlx::query(AssertSqlSafe(sql)).bind(table).bind(ids).execute(&mut *connection).await?;
    }
    for ((table, stage), (info, ids)) in made {
        match when {
            When::Now => write(connection, info, stage, &ids).await?,
            When::Later => {
                let sql = "insert into search.stale (type, is_live, entries) values ($1, $2, $3)";
                let row = sqlx::query(sql).bind(table).bind(stage == Stage::Live).bind(ids);
                row.execute(&mut *connection).await?;
            }
        }
    }
    Ok(())
}

/// Entries whose rows are to be written by a job.
#[derive(Debug)]
pub struct Stale {
    pub table: String,
    pub is_live: bool,
    pub entries: Vec<Uuid>,
}

/// Takes what is to be written later. It belongs to the one who commits this transaction.
pub async fn take_stale(connection: &mut Connection) -> Result<Vec<Stale>, sqlx::Error> {
    let sql = "with taken as (delete from search.stale where id in
            (select id from search.stale order by id limit 100 for update skip locked) returning id, type, is_live, entries)
        select type, is_live, entries from taken order by id";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    let stale = |row: &sqlx::postgres::PgRow| {
        Ok(Stale { table: row.try_get(0)?, is_live: row.try_get(1)?, entries: row.try_get(2)? })
    };
    rows.iter().map(stale).collect()
}

/// Notes entries whose rows were written by no change of theirs, for a search engine, if there is one. Their events tell it of the others.
pub async fn tell_engine(
    connection: &mut Connection,
    info: &'static ContentInfo,
    stage: Stage,
    ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    let sql = "insert into search.unsent (type, is_live, entry, is_gone)
        select $1, $2, u.entry, false from unnest($3::uuid[]) u(entry) where exists (select from search.engine)";
    sqlx::query(sql).bind(info.table).bind(stage == Stage::Live).bind(ids).execute(connection).await?;
    Ok(())
}

/// Writes the rows of entries that the stage has.
pub async fn write(
    connection: &mut Connection,
    info: &'static ContentInfo,
    stage: Stage,
    ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    let Some(search) = info.search else { return Ok(()) };
    let sql = statement(info, search, stage);
    for ids in ids.chunks(AT_ONCE) {
        sqlx::query(AssertSqlSafe(sql.clone())).bind(ids).execute(&mut *connection).await?;
    }
    Ok(())
}

/// What the rows of a type are made from.
pub fn version(info: &'static ContentInfo) -> Option<String> {
    let search = info.search?;
    let hash = Sha256::digest(statement(info, search, Stage::Draft));
    Some(hash.iter().fold(String::new(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    }))
}

/// The end of what was under way when a text changed: a row that is written by a transaction from before may have the former text, and
/// cannot be found until it is committed.
pub async fn under_way(connection: &mut Connection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("select pg_snapshot_xmax(pg_current_snapshot())::text").fetch_one(connection).await
}

/// Whether all transactions from before have ended.
pub async fn has_ended(connection: &mut Connection, before: &str) -> Result<bool, sqlx::Error> {
    let sql = "select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8";
    sqlx::query_scalar(sql).bind(before).fetch_one(connection).await
}

/// The entries whose rows have texts of one of these, with the type of each.
pub async fn with_texts_of(
    connection: &mut Connection,
    schema: &'static SchemaInfo,
    stage: Stage,
    ids: &[Uuid],
) -> Result<Vec<(&'static ContentInfo, Vec<Uuid>)>, sqlx::Error> {
    let sql = format!(
        "select type, array_agg(entry order by entry) from search.{} where others && $1 group by type order by type",
        stage.schema()
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(ids).fetch_all(connection).await?;
    let mut found = Vec::new();
    for row in rows {
        let table: String = row.try_get(0)?;
        if let Some(info) = schema.types.iter().find(|info| info.table == table) {
            found.push((*info, row.try_get(1)?));
        }
    }
    Ok(found)
}

fn statement(info: &'static ContentInfo, search: &SearchInfo, stage: Stage) -> String {
    // Each text is made once, as a column of its own.
    let (mut texts, mut parts) = (Vec::new(), Vec::new());
    let mut of_weight: BTreeMap<char, Vec<String>> = BTreeMap::new();
    let (mut exact, mut others) = (Vec::new(), Vec::new());
    for (place, text) in search.texts.iter().enumerate() {
        let found = Found::of(info, text, stage);
        let path = text.path.join(".");
        if let Some(weight) = text.weight {
            texts.push(format!("left({}, {LONGEST}) as p{place}", found.joined(stage)));
            parts.push(format!("jsonb_build_array('{}', '{path}', p{place})", weight.letter()));
            of_weight.entry(weight.letter()).or_default().push(format!("p{place}"));
        }
        if text.exact {
            exact.push(format!("select '{path}=' || nullif(search.key(e.v), '') from ({}) e(v)", found.rows()));
        }
        others.extend(found.targets(stage));
    }
    others.sort_unstable();
    others.dedup();
    let list = |rows: Vec<String>, ty: &str| match rows.is_empty() {
        true => format!("'{{}}'::{ty}[]"),
        false => format!("array(select v from ({}) k(v) where v is not null order by v)", rows.join(" union ")),
    };
    let joined = |letters: &[char], by: &str| {
        let of: Vec<&str> = letters.iter().filter_map(|of| of_weight.get(of)).flatten().map(String::as_str).collect();
        if of.is_empty() { "null".to_owned() } else { format!("concat_ws({by}, {})", of.join(", ")) }
    };
    let weights: Vec<String> = ['A', 'B', 'C', 'D'].iter().map(|letter| joined(&[*letter], "E'\\n'")).collect();
    let (stage, table) = (stage.schema(), info.table);
    format!(
        r#"insert into search.{stage} as s (type, entry, document, exact, title, parts, others)
        select '{table}', x.id, search.texts('{language}', {weights}), x.exact, search.head({title}),
            jsonb_build_array({parts}), x.others
        from (
            select t.id, {exact} as exact, {others} as others{texts}
            from {stage}."{table}" t where t.id = any($1)
            order by t.id
        ) x
        on conflict (type, entry) do update
        set document = excluded.document, exact = excluded.exact, title = excluded.title, parts = excluded.parts,
            others = excluded.others
        where (s.document, s.title, s.parts, s.exact, s.others)
            is distinct from (excluded.document, excluded.title, excluded.parts, excluded.exact, excluded.others)"#,
        language = search.language,
        weights = weights.join(", "),
        title = joined(&['A', 'B'], "' '"),
        parts = parts.join(", "),
        exact = list(exact, "text"),
        others = list(others, "uuid"),
        texts = texts.iter().map(|text| format!(", {text}")).collect::<String>(),
    )
}

/// Where a text is found.
struct Found {
    /// An expression over the row `t`, or over the rows `o` of `from`.
    value: String,
    /// ` from live."brand" o where o.id = t."brand_id"`, with the order of the rows.
    from: Option<(String, &'static str)>,
    relation: Option<RelationInfo>,
}

impl Found {
    fn of(info: &'static ContentInfo, text: &SearchText, stage: Stage) -> Self {
        let bug = || format!("codegen bug: `{}` has no text `{}`", info.name, text.path.join("."));
        let field = |info: &'static ContentInfo, name: &str| {
            info.fields.iter().find(|field| field.snake == name).unwrap_or_else(|| panic!("{}", bug()))
        };
        let first = field(info, text.path[0]);
        let [_, second] = text.path else {
            return Self { value: value(first, "t"), from: None, relation: None };
        };
        let schema = stage.schema();
        let rows = |of: &ContentInfo| format!(r#"{schema}."{}" o"#, of.table);
        match first.shape {
            Shape::Children(child) => Self {
                value: value(field(child, second), "o"),
                from: Some((format!(" from {} where o.parent_id = t.id", rows(child)), " order by o.position")),
                relation: None,
            },
            Shape::One(to) => Self {
                value: value(field(to.to[0], second), "o"),
                from: Some((format!(" from {} where o.id = t.{}", rows(to.to[0]), quoted(to.columns[0])), "")),
                relation: Some(to),
            },
            Shape::Many(to) => {
                let join = format!(r#"{schema}."{}" j on j.{} = o.id"#, to.join, quoted(to.columns[0]));
                Self {
                    value: value(field(to.to[0], second), "o"),
                    from: Some((
                        format!(" from {} join {join} where j.owner_id = t.id", rows(to.to[0])),
                        " order by j.position",
                    )),
                    relation: Some(to),
                }
            }
            _ => panic!("{}", bug()),
        }
    }

    /// One text.
    fn joined(&self, stage: Stage) -> String {
        let value = &self.value;
        let Some((from, order)) = &self.from else { return value.clone() };
        match self.relation.filter(|to| !to.join.is_empty()) {
            // A lookup for each target, also while the tables have no statistics: a join would read all of them.
            Some(to) => {
                let (schema, target, column) = (stage.schema(), to.to[0].table, quoted(to.columns[0]));
                format!(
                    r#"(select string_agg((select {value} from {schema}."{target}" o where o.id = j.{column}), E'\n'{order})
                        from {schema}."{}" j where j.owner_id = t.id)"#,
                    to.join
                )
            }
            None => format!("(select string_agg({value}, E'\n'{order}){from})"),
        }
    }

    /// A query for the values.
    fn rows(&self) -> String {
        let from = self.from.as_ref().map_or("", |(from, _)| from);
        format!("select {}{from}", self.value)
    }

    /// A query for the ids of the entries that the texts belong to, also of those that the stage does not have.
    fn targets(&self, stage: Stage) -> Option<String> {
        let to = self.relation?;
        let column = quoted(to.columns[0]);
        Some(match to.join.is_empty() {
            true => format!("select t.{column}"),
            false => format!(r#"select j.{column} from {}."{}" j where j.owner_id = t.id"#, stage.schema(), to.join),
        })
    }
}

fn value(field: &FieldInfo, row: &str) -> String {
    let column = format!("{row}.{}", quoted(field.snake));
    match field.shape {
        Shape::Scalar(Kind::Markdown) => format!("search.plain({column})"),
        Shape::Scalar(_) => format!("{column}::text"),
        Shape::Component(of) => component(of, &column, 0),
        Shape::Components(of) => items(&[of], &column, 0),
        Shape::Blocks(blocks) => items(blocks.of, &column, 0),
        _ => "null::text".to_owned(),
    }
}

/// All texts of a component, which is the JSON of an expression.
fn component(of: &ComponentInfo, json: &str, depth: usize) -> String {
    let texts = of.fields.iter().filter_map(|field| match field.shape {
        Shape::Scalar(Kind::Markdown) => Some(format!("search.plain({json}->>'{}')", field.snake)),
        Shape::Scalar(Kind::String | Kind::Text) => Some(format!("{json}->>'{}'", field.snake)),
        Shape::Component(of) => Some(component(of, &format!("({json}->'{}')", field.snake), depth)),
        Shape::Components(of) => Some(items(&[of], &format!("({json}->'{}')", field.snake), depth)),
        _ => None,
    });
    let texts: Vec<String> = texts.collect();
    if texts.is_empty() { "null::text".to_owned() } else { format!("concat_ws(E'\\n', {})", texts.join(", ")) }
}

/// All texts of a list of components.
fn items(of: &[&ComponentInfo], json: &str, depth: usize) -> String {
    let item = format!("i{depth}");
    let element = format!("{item}.value");
    let texts: String =
        of.iter().map(|of| format!(" when '{}' then {}", of.tag, component(of, &element, depth + 1))).collect();
    format!(
        "(select string_agg(case {element}->>'_type'{texts} end, E'\\n' order by {item}.ordinality) \
        from jsonb_array_elements(case jsonb_typeof({json}) when 'array' then {json} end) with ordinality {item})"
    )
}
