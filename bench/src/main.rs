//! Benchmarks of the server, each beside a hand-written floor, in one run on one database.
//!
//! `cargo xtask bench read` and `import` start a private PostgreSQL and run this program with its address. The measured
//! servers are child processes, so that their memory and CPU are counted separately: ours is `typecase`, the floor of
//! reads is this program again.

mod cases;
mod floor;
mod import;
mod load;
mod process;
mod report;
mod seed;

use anyhow::{Context, Result, bail};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is not set: run `cargo xtask bench`")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.as_slice() {
        ["serve", "floor"] => runtime.block_on(floor::serve(&url)),
        ["read"] => runtime.block_on(read(&url, report::Options::default())),
        ["read", "--seconds", seconds] => {
            let seconds = seconds.parse().context("--seconds takes a whole number")?;
            runtime.block_on(read(&url, report::Options { seconds, ..report::Options::default() }))
        }
        ["import"] => runtime.block_on(import::run(&url)),
        _ => bail!("usage: bench read [--seconds N], or bench import"),
    }
}

async fn read(url: &str, options: report::Options) -> Result<()> {
    println!("loading 10,000 products, 100 categories, 200 tags, 5,000 posts");
    let pool = seed::prepare(url).await?;
    let floor = process::Server::floor(url)?;
    let ours = process::Server::ours(url)?;
    report::measure(&pool, &floor, &ours, &options).await
}
