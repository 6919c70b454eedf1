//! `typecase jobs`: jobs that are waiting, running or failed.

use clap::Subcommand;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use ::jobs::{Filter, Listed, PREFIX, Scheduled, State};
use base::error::{Code, Error, Result};
use base::say;
use store::{Database, id};

const HEADER: &str = "id\tkind\tstate\tdue\tattempts\terror";
const PERIODIC: &str = "-\tkind\tstate\tnext run\trhythm";

#[derive(Subcommand)]
pub enum Task {
    /// List jobs, in the order in which they are due, and the next run of the periodic ones
    List {
        /// waiting, running or parked
        #[arg(long)]
        state: Option<State>,
        #[arg(long)]
        kind: Option<String>,
        /// The most jobs to list
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Print one JSON object per line, with the payload
        #[arg(long)]
        json: bool,
    },
    /// Enqueue parked jobs again, with all their attempts
    Retry {
        /// As `list` shows it: job_...
        #[arg(required_unless_present = "parked")]
        id: Option<String>,
        /// Retry all parked jobs
        #[arg(long, conflicts_with = "id")]
        parked: bool,
        /// Only jobs of this kind
        #[arg(long, requires = "parked")]
        kind: Option<String>,
    },
    /// Delete a job; a running one is abandoned
    Cancel {
        /// As `list` shows it: job_...
        id: String,
    },
}

pub async fn run(database: &Database, task: Task) -> Result<()> {
    match task {
        Task::List { state, kind, limit, json } => {
            // Periodic jobs are in the queue only while they are due.
            let periodic = match state {
                None if !json => ::jobs::schedules(database, kind.as_deref()).await?,
                _ => Vec::new(),
            };
            let listed = ::jobs::list(database, &Filter { state, kind, most: limit }).await?;
            if json {
                listed.iter().for_each(|job| say!("{}", as_json(job)));
                return Ok(());
            }
            // On stderr, since the output has a line for each job.
            eprintln!("{}", if listed.is_empty() { "no jobs" } else { HEADER });
            listed.iter().for_each(|job| say!("{}", as_line(job)));
            if !periodic.is_empty() {
                eprintln!("\n{PERIODIC}");
                periodic
                    .iter()
                    .for_each(|Scheduled { kind, due, rhythm }| say!("-\t{kind}\tperiodic\t{due}\t{rhythm}"));
            }
        }
        Task::Retry { id: Some(text), .. } => {
            if !::jobs::retry(database, uuid(&text)?).await? {
                return Err(missing(&text, "parked job"));
            }
            say!("{text} waits again");
        }
        Task::Retry { kind, .. } => {
            let retried = ::jobs::retry_all(database, kind.as_deref()).await?;
            say!("{retried} parked jobs wait again");
        }
        Task::Cancel { id: text } => {
            if !::jobs::cancel(database, uuid(&text)?).await? {
                return Err(missing(&text, "job"));
            }
            say!("{text} is cancelled");
        }
    }
    Ok(())
}

fn as_line(job: &Listed) -> String {
    let error = job.error.as_deref().unwrap_or("-").replace(['\n', '\t'], " ");
    let id = id::encode(PREFIX, job.id);
    format!("{id}\t{}\t{}\t{}\t{}\t{error}", job.kind, job.state.as_str(), job.due, job.attempts)
}

fn as_json(job: &Listed) -> Json {
    let payload: Json = serde_json::from_str(&job.payload).unwrap_or_default();
    json!({
        "id": id::encode(PREFIX, job.id), "kind": job.kind, "state": job.state.as_str(), "due": job.due.to_string(),
        "attempts": job.attempts, "priority": job.priority, "key": job.key, "error": job.error, "payload": payload,
    })
}

fn uuid(text: &str) -> Result<Uuid> {
    let uuid = id::decode_as(PREFIX, text);
    uuid.ok_or_else(|| Error::new(Code::BadRequest, format!("`{text}` is not an id like job_...")))
}

fn missing(text: &str, what: &str) -> Error {
    Error::new(Code::NotFound, format!("the {what} `{text}` does not exist"))
}
