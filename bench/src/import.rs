//! The import benchmark: `typecase import` beside plain PostgreSQL, which inserts the same rows by `insert … select`.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor, PgPool};

use crate::process::{children_cpu, database_cpu, server};
use crate::seed;

const PRODUCTS: usize = 20_000;
const ROUNDS: usize = 3;

/// Shapes, by number of variants.
const SHAPES: &[(&str, usize)] =
    &[("plain: a brand, two categories and a tag", 0), ("variants: the same with three variants", 3)];

/// The tables of the imported products, each with the column that refers to the owning product.
const OWNED: &[(&str, &str)] = &[
    ("draft.product", "id"),
    ("draft.product_variant", "parent_id"),
    ("draft.product_categories", "owner_id"),
    ("draft.product_tags", "owner_id"),
    ("live.product", "id"),
    ("live.product_variant", "parent_id"),
    ("live.product_categories", "owner_id"),
    ("live.product_tags", "owner_id"),
];
/// The outbox, which announces changes: a floor that only stores products would not have it.
const EVENTS: &[(&str, &str)] = &[("cms.outbox", "entry")];
/// What the products refer to.
const TARGETS: &[&str] = &["brand", "category", "tag"];
/// Concurrent transactions, as many as the import uses.
const PARTS: i32 = 2;

struct Figures {
    seconds: f64,
    client_cpu: f64,
    database_cpu: f64,
}

pub async fn run(url: &str) -> Result<()> {
    let pool = seed::migrated(url, PARTS.unsigned_abs() + 1).await?;
    let folder = tempfile::tempdir().context("a folder for the records")?;
    let map = folder.path().join("map.yaml");
    std::fs::write(&map, include_str!("import.map.yaml"))?;
    println!("{PRODUCTS} products, imported and published; the middle of {ROUNDS} rounds");
    for &(about, variants) in SHAPES {
        let file = folder.path().join(format!("{variants}.ndjson"));
        write_records(&file, PRODUCTS, variants)?;
        let (mut ours, mut again, mut floor, mut with_events) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            empty(&pool).await?;
            ours.push(import(&pool, url, &map, &file).await?);
            again.push(import(&pool, url, &map, &file).await?);
            floor.push(same_rows(&pool, OWNED).await?);
            with_events.push(same_rows(&pool, &[OWNED, EVENTS].concat()).await?);
        }
        println!("\n{about}");
        println!("  {:<8} {:>11} {:>12} {:>12}", "", "products/s", "client ms", "database ms");
        let [floor, with_events, ours, again] = [floor, with_events, ours, again].map(middle);
        print_row("floor", &floor);
        print_row("+ events", &with_events);
        print_row("import", &ours);
        print_row("again", &again);
        println!("  ratio    {:>11.2}", floor.seconds / ours.seconds);
        println!("  + events {:>11.2}", with_events.seconds / ours.seconds);
    }
    Ok(())
}

/// Products a second of one import into an emptied database.
pub async fn rate(pool: &PgPool, url: &str, products: usize) -> Result<f64> {
    let folder = tempfile::tempdir().context("a folder for the records")?;
    let (map, file) = (folder.path().join("map.yaml"), folder.path().join("products.ndjson"));
    std::fs::write(&map, include_str!("import.map.yaml"))?;
    write_records(&file, products, 0)?;
    empty(pool).await?;
    Ok(products as f64 / import(pool, url, &map, &file).await?.seconds)
}

fn middle(mut rounds: Vec<Figures>) -> Figures {
    rounds.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    rounds.swap_remove(ROUNDS / 2)
}

fn print_row(name: &str, figures: &Figures) {
    let each = |seconds: f64| seconds * 1000.0 / PRODUCTS as f64;
    let rate = PRODUCTS as f64 / figures.seconds;
    println!("  {name:<8} {rate:>11.0} {:>12.3} {:>12.3}", each(figures.client_cpu), each(figures.database_cpu));
}

fn write_records(file: &Path, products: usize, variants: usize) -> Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(file)?);
    for number in 0..products {
        serde_json::to_writer(&mut out, &record(number, variants))?;
        out.write_all(b"\n")?;
    }
    out.flush().context("writing the records")
}

/// The same in every run; coprime factors spread the targets.
fn record(number: usize, variants: usize) -> Value {
    let price = |seed: usize| format!("{}.{:02}", 5 + seed * 7 % 900, seed * 13 % 100);
    let variant = |at: usize| json!({ "sku": format!("SKU-{number}-{at}"), "price": price(number + at), "stock": at });
    json!({
        "id": format!("p{number}"),
        "name": format!("Linen shirt number {number}"),
        "description": format!("<p>Shirt <b>{number}</b> of washed linen.</p><ul><li>soft</li><li>cool</li></ul>"),
        "price": price(number),
        "brand": format!("Brand {}", number * 11 % 200),
        "categories": [format!("Category {}", number * 3 % 50), format!("Category {}", 50 + number * 7 % 50)],
        "tags": [format!("Tag {}", number * 17 % 200)],
        "variants": (0..variants).map(variant).collect::<Vec<_>>(),
    })
}

async fn empty(pool: &PgPool) -> Result<()> {
    let targets = TARGETS.iter().flat_map(|target| ["draft", "live"].map(|stage| format!("{stage}.{target}")));
    let owned = OWNED.iter().chain(EVENTS).map(|(table, _)| (*table).to_owned());
    let tables: Vec<String> = owned.chain(targets).collect();
    pool.execute(AssertSqlSafe(format!("truncate {} cascade", tables.join(", ")))).await?;
    Ok(())
}

async fn import(pool: &PgPool, url: &str, map: &Path, file: &Path) -> Result<Figures> {
    let (client, database, begin) = (children_cpu(), database_cpu(pool).await?, Instant::now());
    let mut command = server()?;
    command.args(["import", "--type", "product", "--publish", "--map"]).arg(map).arg(file).env("DATABASE_URL", url);
    let status = tokio::task::spawn_blocking(move || command.stdout(Stdio::null()).stderr(Stdio::null()).status());
    ensure!(status.await??.success(), "`import` failed");
    let seconds = begin.elapsed().as_secs_f64();
    let database_cpu = database_cpu(pool).await? - database;
    Ok(Figures { seconds, client_cpu: children_cpu() - client, database_cpu })
}

/// Deletes the rows from the tables and inserts them again, in as many concurrent transactions as the import uses.
async fn same_rows(pool: &PgPool, tables: &[(&'static str, &'static str)]) -> Result<Figures> {
    pool.execute("drop schema if exists kept cascade; create schema kept").await?;
    for (table, _) in tables {
        let keep = format!("create table {} as table {table}", kept(table));
        pool.execute(AssertSqlSafe(keep)).await?;
    }
    let names: Vec<&str> = tables.iter().map(|(table, _)| *table).collect();
    pool.execute(AssertSqlSafe(format!("truncate {} cascade", names.join(", ")))).await?;
    let (database, begin) = (database_cpu(pool).await?, Instant::now());
    let parts: Vec<_> = (0..PARTS).map(|part| tokio::spawn(insert_part(pool.clone(), tables.to_vec(), part))).collect();
    for part in parts {
        part.await??;
    }
    let seconds = begin.elapsed().as_secs_f64();
    Ok(Figures { seconds, client_cpu: 0.0, database_cpu: database_cpu(pool).await? - database })
}

fn kept(table: &str) -> String {
    format!("kept.{}", table.replace('.', "_"))
}

async fn insert_part(pool: PgPool, tables: Vec<(&'static str, &'static str)>, part: i32) -> Result<()> {
    let mut transaction = pool.begin().await?;
    for (table, owner) in tables {
        let sql = format!(
            "insert into {table} overriding system value select * from {} where abs(hashtext({owner}::text)) % {PARTS} = {part}",
            kept(table)
        );
        transaction.execute(AssertSqlSafe(sql)).await?;
    }
    Ok(transaction.commit().await?)
}
