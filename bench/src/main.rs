//! Benchmarks of the server, each beside a hand-written floor, in one run on one database.
//!
//! `cargo xtask bench` starts a private PostgreSQL and Redis and runs this program with their addresses. The measured servers are child
//! processes, so that their memory and CPU are counted separately: ours is the server of `shop`, the floors are this program again.

mod bed;
mod cases;
mod figures;
mod floor;
mod import;
mod load;
mod process;
mod reads;
mod seed;

use anyhow::{Context, Result, bail};

use bed::{Bed, Options};
use figures::Run;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: bench run [--scale N] [--seconds S] [--rounds N] [--connections N,N] [--only NAME,NAME], or bench import";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is not set: run `cargo xtask bench`")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.as_slice() {
        ["serve", "floor"] => runtime.block_on(floor::serve(&url)),
        ["serve", "static"] => runtime.block_on(floor::serve_fixed()),
        ["import"] => runtime.block_on(import::run(&url)),
        ["run", options @ ..] => {
            let (scale, options) = options_of(options)?;
            runtime.block_on(run(&url, scale, options))
        }
        _ => bail!(USAGE),
    }
}

fn options_of(arguments: &[&str]) -> Result<(u32, Options)> {
    let mut scale = 1;
    let mut options = Options { seconds: 1.0, rounds: 3, connections: vec![1, 16, 64], only: Vec::new() };
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { bail!(USAGE) };
        let wrong = || format!("`{value}` is no value of {name}");
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
    eprintln!("loading {} products", scale * seed::PRODUCTS);
    let (pool, times) = seed::prepare(url, scale).await?;
    if let Some(times) = &times {
        eprintln!("  rows {:.1} s, words {:.1} s, indexes {:.1} s", times.rows, times.words, times.indexes);
    }
    let bed = Bed::start(pool, url, redis, options).await?;
    let mut run = Run::default();
    reads::run(&bed, &mut run).await?;
    Ok(())
}
