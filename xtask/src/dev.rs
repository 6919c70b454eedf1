//! `cargo xtask dev`: runs a database, the generator, the server and a demo, and updates them when a file is saved.

pub mod database;
mod site;
mod watch;

use std::net::TcpListener;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use database::Database;
use site::{Outcome, Site};
use watch::Watch;

use crate::git::Git;
use crate::interrupt;
use crate::postgres::{Lock, Postgres};
use crate::progress::{say, since};
use crate::project::Project;

const FIRST_PORT: u16 = 4000;

#[derive(clap::Args)]
pub struct Args {
    /// Serve on this port [default: 4000, or the next free one]
    #[arg(long)]
    port: Option<u16>,
    /// Delete the database of this branch first, and start with a new one and the demo
    #[arg(long)]
    reset: bool,
    /// Leave a new database empty
    #[arg(long)]
    no_demo: bool,
}

pub fn run(project: &Project, args: Args) -> anyhow::Result<ExitCode> {
    interrupt::listen()?;
    std::fs::create_dir_all(project.private())?;
    let Some(_only) = Lock::take(&project.private().join("dev.lock"))? else {
        bail!("`cargo xtask dev` is already running in this checkout");
    };
    let start = Instant::now();
    if args.reset {
        Postgres::delete_kept(project)?;
        say("Reset", "creating the development database of this branch anew");
    }
    let mut site = Site {
        project,
        binary: site::binary(project)?,
        database: Database::open(project)?,
        token: kept(project, "token", 20)?,
        secret: kept(project, "secret", 32)?,
        port: port(args.port)?,
        demo: !args.no_demo,
        demo_fits: true,
        listener: None,
        server: None,
        stopped: None,
    };
    let mut watch = Watch::new(project, Git::of(project).and_then(|git| git.head_file()));
    let mut outcome = site.update(&mut watch)?;
    let mut greeted = outcome == Outcome::Ready;
    if greeted {
        greet(&site, start);
    }
    while !interrupt::requested() {
        site.server_has_ended()?;
        let changed = watch.changed();
        if changed.is_empty() && outcome != Outcome::Overtaken {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        }
        let start = Instant::now();
        if let Some(path) = changed.first() {
            let others = if changed.len() > 1 { format!(" and {} more", changed.len() - 1) } else { String::new() };
            say("Changed", format!("{}{others}", path.display()));
        }
        outcome = site.update(&mut watch)?;
        match outcome {
            Outcome::Ready if !greeted => {
                greet(&site, start);
                greeted = true;
            }
            Outcome::Ready => say("Ready", format!("http://127.0.0.1:{}/graphql {}", site.port, since(start))),
            Outcome::Same => say("Ready", "nothing to do"),
            Outcome::Failed | Outcome::Overtaken => {}
        }
    }
    say("Stopping", "the server and its database");
    Ok(ExitCode::SUCCESS)
}

/// A development secret, created once: the token with all permissions, and the key that seals signing keys. It stays
/// the same across runs, so that clients and sessions keep working.
fn kept(project: &Project, name: &str, bytes: usize) -> anyhow::Result<String> {
    let path = project.private().join(name);
    if let Ok(secret) = std::fs::read_to_string(&path) {
        return Ok(secret);
    }
    let secret = crate::random::hex(bytes)?;
    crate::project::write_secret(&path, &secret)?;
    Ok(secret)
}

fn port(wanted: Option<u16>) -> anyhow::Result<u16> {
    if let Some(port) = wanted {
        TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("port {port} is in use"))?;
        return Ok(port);
    }
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (FIRST_PORT..FIRST_PORT + 100).find(free).context("no free port from 4000 to 4099: give one with --port")
}

fn greet(site: &Site, start: Instant) {
    let address = format!("http://127.0.0.1:{}", site.port);
    say("Ready", since(start));
    eprintln!();
    eprintln!("    GraphiQL   {address}/graphiql");
    eprintln!("    GraphQL    {address}/graphql");
    eprintln!("    Token      {}  (for drafts and mutations: Authorization: Bearer <token>)", site.token);
    eprintln!("    Try        add a field to schema/product.yaml and save: it is in the API a moment later");
    eprintln!();
    eprintln!("    Ctrl-C stops the server and its database.");
    eprintln!();
}
