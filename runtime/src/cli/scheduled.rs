//! `typecase scheduled`: what is to be published and unpublished, and what failed.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use base::error::{Code, Error, Result};
use base::say;
use lifecycle::operator::{self, Failed, Listed};
use store::Store;

const HEADER: &str = "id\taction\tstate\tat\tsubject\tproblem";

#[derive(Subcommand)]
pub enum Task {
    /// List scheduled changes and releases by their time
    List {
        #[arg(long)]
        state: Option<State>,
        /// The most to list
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Print one JSON object per line, with all problems
        #[arg(long)]
        json: bool,
    },
    /// Make failed changes and releases at once, with the rights of those who scheduled them
    Retry {
        /// As `list` shows it: schedule_... or release_...
        #[arg(required_unless_present = "failed")]
        id: Option<String>,
        /// Retry all that failed
        #[arg(long, conflicts_with = "id")]
        failed: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum State {
    Pending,
    Done,
    Failed,
    Cancelled,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

pub async fn run(store: &Store, task: Task) -> Result<()> {
    match task {
        Task::List { state, limit, json } => {
            let listed = operator::list(store, state.map(State::as_str), limit).await?;
            if json {
                listed.iter().for_each(|one| say!("{}", as_json(one)));
                return Ok(());
            }
            // On stderr, since the output has a line for each.
            eprintln!("{}", if listed.is_empty() { "nothing is scheduled" } else { HEADER });
            listed.iter().for_each(|one| say!("{}", as_line(one)));
        }
        Task::Retry { id: Some(text), .. } => {
            let wrong =
                || Error::new(Code::BadRequest, format!("`{text}` is not an id like schedule_... or release_..."));
            let failed = Failed::named(&text).ok_or_else(wrong)?;
            if operator::retry(store, Some(failed)).await? == 0 {
                return Err(Error::new(Code::NotFound, format!("`{text}` does not exist or has not failed")));
            }
            say!("{text} is tried again");
        }
        Task::Retry { .. } => match operator::retry(store, None).await? {
            1 => say!("1 is tried again"),
            retried => say!("{retried} are tried again"),
        },
    }
    Ok(())
}

fn as_line(one: &Listed) -> String {
    let problem = one.problems[0]["message"].as_str().unwrap_or("-").replace(['\n', '\t'], " ");
    let subject = one.subject.replace(['\n', '\t'], " ");
    format!("{}\t{}\t{}\t{}\t{subject}\t{problem}", one.id, one.action, one.state, one.at)
}

fn as_json(one: &Listed) -> String {
    json!({
        "id": one.id, "action": one.action, "state": one.state, "at": one.at, "subject": one.subject, "problems": one.problems,
    })
    .to_string()
}
