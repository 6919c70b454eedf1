//! Writes: single updates beside a bare one by hand, updates that publish, and reads among which 1 of 20 requests is a write.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::bed::Bed;
use crate::cases::Case;
use crate::figures::{Load, Row, Run, target};
use crate::load::{self, Cycle, Source};

/// Entries that a connection writes in turn, which no other writes.
const OWN: usize = 8;
/// One of so many requests is a write.
const EVERY: usize = 20;
/// What the reads among writes ask. The first is asked as often as both others.
const READS: [&str; 4] = ["one", "category", "one", "prices"];

const SAVE: &str = "mutation Save($id: ID!, $revision: Int!, $summary: String!) { updateProduct(id: $id, revision: $revision, input: { summary: $summary }) { id revision } }";
const PUBLISH: &str = "mutation Publish($id: ID!, $revision: Int!, $summary: String!) { updateProduct(id: $id, revision: $revision, input: { summary: $summary }, publish: true) { id revision } }";

pub async fn run(bed: &Bed, run: &mut Run) -> Result<()> {
    for connections in bed.options.connections.clone() {
        if bed.options.wants("update") {
            for of in [target::OFF, target::FLOOR] {
                run.rows.push(edits(bed, "update", of, connections).await?);
            }
        }
        if bed.options.wants("publish") {
            run.rows.push(edits(bed, "publish", target::OFF, connections).await?);
        }
    }
    if bed.options.wants("mixed") {
        for of in [target::OFF, target::MEMORY, target::STRICT, target::FLOOR] {
            for (case, every) in [("reads", usize::MAX), ("mixed", EVERY)] {
                run.rows.extend(mixed(bed, case, of, every).await?);
            }
        }
    }
    tell(run);
    Ok(())
}

/// Writes the same entries again and again, each connection its own.
pub struct Editor {
    /// Ids with their revisions.
    entries: Vec<(String, i64)>,
    next: usize,
    path: &'static str,
    /// In turn, so that some writes publish.
    queries: &'static [&'static str],
    token: String,
    request: Vec<u8>,
}

impl Source for Editor {
    fn next(&mut self) -> &[u8] {
        let (id, revision) = &self.entries[self.next % self.entries.len()];
        let summary = self.summary();
        let variables = json!({ "id": id, "revision": revision, "summary": summary });
        let body = json!({ "query": self.queries[self.next % self.queries.len()], "variables": variables });
        self.request = load::request(self.path, Some(&self.token), &body.to_string());
        &self.request
    }

    fn got(&mut self, body: &[u8]) -> Result<()> {
        let place = self.next % self.entries.len();
        let text = std::str::from_utf8(body)?;
        let Some((_, after)) = text.split_once("\"revision\":") else { bail!("a write failed: {text}") };
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        self.entries[place].1 = digits.parse().with_context(|| format!("no revision in {text}"))?;
        self.next += 1;
        Ok(())
    }
}

impl Editor {
    /// The entry that is written next.
    pub fn current(&self) -> &str {
        &self.entries[self.next % self.entries.len()].0
    }

    pub fn summary(&self) -> String {
        format!("Of oiled oak, revision {}", self.entries[self.next % self.entries.len()].1)
    }
}

/// Reads, and now and then a write.
struct Mixed {
    reads: Cycle,
    editor: Editor,
    every: usize,
    number: usize,
}

impl Source for Mixed {
    fn next(&mut self) -> &[u8] {
        self.number += 1;
        if self.number.is_multiple_of(self.every) { self.editor.next() } else { self.reads.next() }
    }

    fn got(&mut self, body: &[u8]) -> Result<()> {
        if self.number.is_multiple_of(self.every) { self.editor.got(body) } else { Ok(()) }
    }
}

/// The entries of each connection, with the revisions that they have now.
pub async fn entries(pool: &PgPool, connections: usize) -> Result<Vec<Vec<(String, i64)>>> {
    let sql = "select id, revision from draft.product order by md5(slug) limit $1";
    let most = i64::try_from(connections * OWN)?;
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(sql).bind(most).fetch_all(pool).await?;
    let named: Vec<_> = rows.into_iter().map(|(id, revision)| (runtime::id::encode("product", id), revision)).collect();
    Ok(named.chunks(OWN).map(<[_]>::to_vec).collect())
}

pub fn editor(bed: &Bed, of: &str, queries: &'static [&'static str], entries: Vec<(String, i64)>) -> Editor {
    let path = if of == target::FLOOR { "/update" } else { "/graphql" };
    Editor { entries, next: 0, path, queries, token: bed.token.clone(), request: Vec::new() }
}

pub const SAVING: &[&str] = &[SAVE];
pub const PUBLISHING: &[&str] = &[PUBLISH];

async fn edits(bed: &Bed, case: &str, of: &str, connections: usize) -> Result<Row> {
    let queries: &'static [&'static str] = if case == "publish" { PUBLISHING } else { SAVING };
    let server = bed.server(of).context("the server of writes")?;
    let mut rows = Vec::new();
    for _ in 0..bed.options.rounds {
        let entries = entries(&bed.pool, connections).await?;
        let source = |number: usize| editor(bed, of, queries, entries[number].clone());
        rows.push(bed.measure(server, (Load::Closed, connections as f64), source).await?);
    }
    Ok(Row { case: case.to_owned(), target: of.to_owned(), ..Row::middle(&rows) })
}

async fn mixed(bed: &Bed, case: &str, of: &str, every: usize) -> Result<Option<Row>> {
    let Some(server) = bed.server(of) else { return Ok(None) };
    let connections = 16;
    let requests = reads(bed, of).await?;
    let mut rows = Vec::new();
    for _ in 0..bed.options.rounds {
        let entries = entries(&bed.pool, connections).await?;
        let source = |number: usize| Mixed {
            reads: Cycle::new(&requests, number),
            editor: editor(bed, of, &[SAVE, PUBLISH], entries[number].clone()),
            every,
            // Otherwise all connections would write at once.
            number: number * 3,
        };
        rows.push(bed.measure(server, (Load::Closed, connections as f64), source).await?);
    }
    Ok(Some(Row { case: case.to_owned(), target: of.to_owned(), ..Row::middle(&rows) }))
}

pub async fn reads(bed: &Bed, of: &str) -> Result<Arc<Vec<Vec<u8>>>> {
    let mut all = Vec::new();
    for name in READS {
        let case = Case::named(name).context("a case of the mix")?;
        let path = if of == target::FLOOR { format!("/typed/{name}") } else { "/graphql".to_owned() };
        all.push((path, case.bodies(&bed.pool, &bed.off.address).await?));
    }
    let turn =
        |number: usize| all.iter().map(move |(path, bodies)| load::request(path, None, &bodies[number % bodies.len()]));
    Ok(Arc::new((0..400).flat_map(turn).collect()))
}

fn tell(run: &Run) {
    for row in run.rows.iter().filter(|row| ["update", "publish", "reads", "mixed"].contains(&row.case.as_str())) {
        eprintln!("{:<8} {:<8} c={:<3} {:.0}/s p99 {:.2} ms", row.case, row.target, row.amount, row.rate, row.p99);
    }
}
