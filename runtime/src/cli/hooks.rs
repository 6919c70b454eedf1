//! `typecase webhooks`: webhooks and their deliveries.

use clap::Subcommand;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use ::webhooks::{DELIVERY_PREFIX, Delivery, PREFIX, Part, State};
use base::error::{Code, Error, Result};
use base::say;
use model::timestamp::Timestamp;
use store::access::Actor;
use store::{Store, id};

const HEADER: &str = "id\tname\tstate\twaiting\tdead\toldest waiting";
const DELIVERIES: &str = "id\twebhook\tevent\tstate\tattempts\tcreated\tstatus\tlatency\terror";

#[derive(Subcommand)]
pub enum Task {
    /// List webhooks, with the number of deliveries that wait or are dead
    List,
    /// List deliveries, newest first
    Deliveries {
        /// Only of this webhook: webhook_...
        #[arg(long)]
        webhook: Option<String>,
        /// waiting, delivering, delivered or dead
        #[arg(long)]
        state: Option<State>,
        /// The most deliveries to list
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Print one JSON object per line, with the answer
        #[arg(long)]
        json: bool,
    },
    /// Deliver again: one delivery, or all dead ones of a webhook
    Replay {
        /// A delivery, as `deliveries` shows it: webhook_delivery_...
        #[arg(required_unless_present = "webhook")]
        id: Option<String>,
        /// All dead deliveries of this webhook: webhook_...
        #[arg(long, conflicts_with = "id", requires = "since")]
        webhook: Option<String>,
        /// Created at or after this time: 2026-05-01T10:00:00Z
        #[arg(long, requires = "webhook")]
        since: Option<String>,
    },
    /// Send nothing to a webhook any more; what waits is kept
    Disable {
        /// webhook_...
        id: String,
    },
    /// Send to a webhook again, beginning with what waits
    Enable {
        /// webhook_...
        id: String,
    },
}

pub async fn run(store: &Store, task: Task) -> Result<()> {
    match task {
        Task::List => {
            let listed = ::webhooks::backlog(store).await?;
            // Beside the output, which has a line for each webhook.
            eprintln!("{}", if listed.is_empty() { "no webhooks" } else { HEADER });
            for webhook in listed {
                let state = if webhook.enabled { "enabled" } else { "disabled" };
                let id = id::encode(PREFIX, webhook.webhook);
                let (waiting, dead) = (webhook.waiting, webhook.dead);
                say!("{id}\t{}\t{state}\t{waiting}\t{dead}\t{:.0} s", plain(&webhook.name), webhook.seconds);
            }
        }
        Task::Deliveries { webhook, state, limit, json } => {
            let webhook = webhook.map(|text| uuid(PREFIX, &text)).transpose()?;
            let part = Part { webhook, state, after: None, most: limit as usize };
            let listed = ::webhooks::deliveries(store, &part).await?;
            if json {
                listed.iter().for_each(|delivery| say!("{}", as_json(delivery)));
                return Ok(());
            }
            eprintln!("{}", if listed.is_empty() { "no deliveries" } else { DELIVERIES });
            listed.iter().for_each(|delivery| say!("{}", as_line(delivery)));
        }
        Task::Replay { id: Some(text), .. } => {
            ::webhooks::replay(store, uuid(DELIVERY_PREFIX, &text)?).await?;
            say!("{text} waits again");
        }
        Task::Replay { webhook, since, .. } => {
            let webhook = uuid(PREFIX, &webhook.unwrap_or_default())?;
            let since = since.unwrap_or_default();
            let moment: Option<Timestamp> = since.parse().ok();
            let moment = moment.ok_or_else(|| wrong(format!("`{since}` is not a time like 2026-05-01T10:00:00Z")))?;
            let replayed = ::webhooks::replay_since(store, webhook, moment).await?;
            say!("{replayed} deliveries wait again");
        }
        Task::Disable { id } => switch(store, &id, false).await?,
        Task::Enable { id } => switch(store, &id, true).await?,
    }
    Ok(())
}

async fn switch(store: &Store, text: &str, enabled: bool) -> Result<()> {
    let id = uuid(PREFIX, text)?;
    let word = if enabled { "enabled" } else { "disabled" };
    if ::webhooks::switch(store, &Actor::system(), id, enabled).await? {
        say!("{text} is {word}");
    } else if ::webhooks::find_webhook(store, id).await?.is_some() {
        say!("{text} was {word} already");
    } else {
        return Err(Error::new(Code::NotFound, format!("the webhook `{text}` does not exist")));
    }
    Ok(())
}

fn as_line(delivery: &Delivery) -> String {
    let Delivery { event, state, attempts, created_at, .. } = delivery;
    let (id, webhook) = (id::encode(DELIVERY_PREFIX, delivery.id), id::encode(PREFIX, delivery.webhook));
    let status = delivery.status.map_or("-".to_owned(), |status| status.to_string());
    let latency = delivery.latency.map_or("-".to_owned(), |latency| format!("{latency} ms"));
    let error = plain(delivery.error.as_deref().unwrap_or("-"));
    format!("{id}\t{webhook}\t{event}\t{}\t{attempts}\t{created_at}\t{status}\t{latency}\t{error}", state.as_str())
}

fn as_json(delivery: &Delivery) -> Json {
    let entry = delivery.entry.zip(delivery.table.as_deref()).map(|(entry, table)| id::encode(table, entry));
    let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    json!({
        "id": id::encode(DELIVERY_PREFIX, delivery.id), "webhook": id::encode(PREFIX, delivery.webhook),
        "event": delivery.event, "entry": entry, "revision": delivery.revision, "state": delivery.state.as_str(),
        "attempts": delivery.attempts, "created_at": delivery.created_at.to_string(), "due": moment(delivery.due),
        "finished_at": moment(delivery.finished_at), "status": delivery.status, "latency": delivery.latency,
        "answer": delivery.answer, "error": delivery.error,
    })
}

/// On one line.
fn plain(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}

fn uuid(prefix: &str, text: &str) -> Result<Uuid> {
    id::decode_as(prefix, text).ok_or_else(|| wrong(format!("`{text}` is not an id like {prefix}_...")))
}

fn wrong(message: String) -> Error {
    Error::new(Code::BadRequest, message)
}
