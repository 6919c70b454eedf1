//! Several servers on one database: what they do together, how old what they show is, and what a connection pooler costs.

mod pooler;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::bed::{self, Bed};
use crate::cases::Case;
use crate::figures::{Nodes, target};
use crate::load::{self, Cycle, Source, Wire};
use crate::process::Server;
use crate::writes;

/// Of the client, to all servers together.
const CONNECTIONS: usize = 32;
const NUMBERS: [usize; 3] = [1, 2, 4];
/// Publications after which another server is asked.
const PUBLICATIONS: usize = 100;
/// No server may show what was before for longer.
const LONGEST: Duration = Duration::from_secs(3);

pub async fn run(bed: &Bed) -> Result<Vec<Nodes>> {
    let requests = writes::reads(bed, target::OFF).await?;
    let mut all = Vec::new();
    let mut modes = vec![("cached", Vec::new()), ("planned", vec![("TYPECASE_CACHE", "0".to_owned())])];
    modes.extend(bed.redis.as_ref().map(|redis| ("strict", bed::strict(redis).to_vec())));
    for (what, settings) in modes {
        for number in NUMBERS {
            let mut servers = Vec::new();
            for _ in 0..number {
                servers.push(Server::ours(&bed.url, &settings).await?);
            }
            let rate = together(bed, &servers, &requests).await?;
            let (what, servers_number) = (what.to_owned(), number);
            let mut nodes = Nodes { what, servers: servers_number, rate, ..Nodes::default() };
            if let (true, [writer, reader, ..]) =
                (settings.iter().all(|(name, _)| *name != "TYPECASE_CACHE"), &servers[..])
            {
                let times = staleness(bed, writer, reader).await?;
                nodes.staleness_p50 = times.get(times.len() / 2).copied();
                nodes.staleness_most = times.last().copied();
            }
            eprintln!("{} servers, {}: {:.0}/s {:?}", number, nodes.what, nodes.rate, nodes.staleness_most);
            all.push(nodes);
        }
    }
    if let Some(pooler) = pooler::PgBouncer::start(&bed.url).await? {
        let server = Server::ours(&pooler.url, &[("TYPECASE_CACHE", "0".to_owned())]).await?;
        let rate = together(bed, &[server], &requests).await?;
        let what = "planned, PgBouncer in transaction mode".to_owned();
        all.push(Nodes { what, servers: 1, rate, ..Nodes::default() });
    }
    Ok(all)
}

/// The rate of all servers under one load.
async fn together(bed: &Bed, servers: &[Server], requests: &Arc<Vec<Vec<u8>>>) -> Result<f64> {
    let time = Duration::from_secs_f64(bed.options.seconds);
    let mut rates = Vec::new();
    for _ in 0..bed.options.rounds {
        let loads: Vec<_> = servers
            .iter()
            .map(|server| {
                let (address, requests) = (server.address.clone(), Arc::clone(requests));
                let each = CONNECTIONS / servers.len();
                tokio::spawn(async move {
                    load::closed::run(&address, each, time, |number| Cycle::new(&requests, number)).await
                })
            })
            .collect();
        let mut rate = 0.0;
        for load in loads {
            rate += load.await??.rate();
        }
        rates.push(rate);
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates[rates.len() / 2])
}

/// Milliseconds after an answered publication until the other server shows it, sorted.
async fn staleness(bed: &Bed, writer: &Server, reader: &Server) -> Result<Vec<f64>> {
    let entries = writes::entries(&bed.pool, 1).await?.pop().context("no products")?;
    let mut editor = writes::editor(bed, target::OFF, writes::PUBLISHING, entries);
    let (mut writes, mut reads) = (Wire::connect(&writer.address).await?, Wire::connect(&reader.address).await?);
    let query = Case::named("one").context("the case `one`")?.query();
    let mut times = Vec::new();
    for _ in 0..PUBLICATIONS {
        let id = editor.current().to_owned();
        let key = runtime::id::decode_as("product", &id);
        let slug: String =
            sqlx::query_scalar("select slug from draft.product where id = $1").bind(key).fetch_one(&bed.pool).await?;
        let question = json!({ "query": query, "variables": { "slug": slug } }).to_string();
        let question = load::request("/graphql", None, &question);
        // So that the reader has something to show that is old by then.
        reads.ask(&question).await?;
        let saved = writes.ask(editor.next()).await?;
        let summary = editor.summary();
        editor.got(saved)?;
        let published = Instant::now();
        // The last question that was answered with what was before.
        let mut stale = Duration::ZERO;
        loop {
            let asked = published.elapsed();
            if contains(reads.ask(&question).await?, summary.as_bytes()) {
                break;
            }
            stale = asked;
            ensure!(stale < LONGEST, "a server shows what was before for too long");
        }
        times.push(stale.as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}
