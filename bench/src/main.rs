//! Benchmarks of the server, each beside a hand-written floor, in one run on one database.
//!
//! `cargo xtask bench` starts a private PostgreSQL and Redis and runs this program with their addresses. The measured servers are child
//! processes, so that their memory and CPU are counted separately: ours is the server of `shop`, the floors are this program again.

mod bed;
mod cases;
mod facts;
mod figures;
mod floor;
mod import;
mod load;
mod nodes;
mod pgbench;
mod process;
mod profile;
mod reads;
mod report;
mod seed;
mod writes;

use std::time::Instant;

use anyhow::{Context, Result, bail};

use bed::{Bed, Options};
use figures::Run;
use seed::Times;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str =
    "usage: bench run [--scale N] [--seconds S] [--rounds N] [--connections N,N] [--only NAME,NAME], or bench import";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if arguments == ["report"] {
        return report::write(&report::read()?);
    }
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is not set: run `cargo xtask bench`")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.as_slice() {
        ["serve", "floor"] => runtime.block_on(floor::serve(&url)),
        ["serve", "static"] => runtime.block_on(floor::serve_fixed()),
        ["import"] => runtime.block_on(import::run(&url)),
        ["profile"] => runtime.block_on(profile(&url)),
        ["nodes"] => runtime.block_on(nodes(&url)),
        ["run", options @ ..] => {
            let (scale, options) = options_of(options)?;
            runtime.block_on(run(&url, scale, options))
        }
        _ => bail!(USAGE),
    }
}

fn options_of(arguments: &[&str]) -> Result<(u32, Options)> {
    let (mut scale, mut options) = (1, Options::default());
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { bail!(USAGE) };
        let wrong = || format!("`{value}` is not a value of {name}");
        match *name {
            "--scale" => scale = value.parse().with_context(wrong)?,
            "--seconds" => options.seconds = value.parse().with_context(wrong)?,
            "--rounds" => options.rounds = value.parse().with_context(wrong)?,
            "--connections" => {
                let numbers: Result<Vec<usize>, _> = value.split(',').map(str::parse).collect();
                options.connections = numbers.with_context(wrong)?;
            }
            "--only" => options.only = value.split(',').map(str::to_owned).collect(),
            _ => bail!(USAGE),
        }
    }
    Ok((scale, options))
}

async fn run(url: &str, scale: u32, options: Options) -> Result<()> {
    let redis = std::env::var("BENCH_REDIS_URL").ok();
    let begin = Instant::now();
    let products = scale * seed::PRODUCTS;
    eprintln!("loading {products} products");
    let (pool, times) = seed::prepare(url, scale).await?;
    let mut run = Run { machine: facts::machine(&pool).await?, ..Run::default() };
    (run.seconds, run.rounds) = (options.seconds, options.rounds);
    if let Some(Times { rows, indexes, words }) = times {
        let times = [("seed rows s", rows), ("seed indexes s", indexes), ("seed searches s", words)];
        run.facts.extend(times.map(|(name, seconds)| (name.to_owned(), seconds)));
    }
    let is_whole = options.only.is_empty();
    let bed = Bed::start(pool.clone(), url, redis, options).await?;
    reads::run(&bed, &mut run).await?;
    pgbench::run(&bed, &mut run).await?;
    if is_whole {
        facts::run(&bed, &mut run).await?;
    }
    writes::run(&bed, &mut run).await?;
    drop(bed);
    if !is_whole {
        println!("{}", report::show(&run));
        return Ok(());
    }
    // It empties the tables, so it is the last.
    run.facts.insert("import /s".to_owned(), import::rate(&pool, url, products as usize).await?);
    run.facts.insert("whole run s".to_owned(), begin.elapsed().as_secs_f64());
    println!("{}", report::show(&run));
    report::keep(|results| _ = results.runs.insert(scale, run))
}

async fn nodes(url: &str) -> Result<()> {
    let (pool, _) = seed::prepare(url, 1).await?;
    let bed = Bed::start(pool, url, std::env::var("BENCH_REDIS_URL").ok(), Options::default()).await?;
    let nodes = nodes::run(&bed).await?;
    report::keep(|results| results.nodes = nodes)
}

async fn profile(url: &str) -> Result<()> {
    let (pool, _) = seed::prepare(url, 1).await?;
    let options = Options { seconds: profile::LENGTH, ..Options::default() };
    profile::run(&Bed::start(pool, url, std::env::var("BENCH_REDIS_URL").ok(), options).await?).await
}
