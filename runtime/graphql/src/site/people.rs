//! `people`: the names behind the ids of those who work on entries.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::history::first;
use super::{text, wrong};
use base::error::{Code, Error, Problem, Result, Step};
use lifecycle::people::{self, Person};
use model::cut;
use store::access::{API_TOKEN_PREFIX, USER_PREFIX};
use store::{Store, id};

pub async fn list(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let found = match arguments.get("ids").and_then(Json::as_array) {
        Some(_) if text(arguments, "search").is_some() => {
            return Err(wrong("give either `ids` or `search`", &["search"]));
        }
        Some(ids) => {
            let accounts = ids.iter().enumerate().map(|(place, given)| account(given, place));
            people::named(store, &accounts.collect::<Result<Vec<_>>>()?).await?
        }
        None => people::search(store, text(arguments, "search"), first(store, arguments)?).await?,
    };
    Ok(found.iter().map(|Person { id, name }| json!({ "id": id, "name": name })).collect())
}

fn account(given: &Json, place: usize) -> Result<(&str, Uuid)> {
    let given = given.as_str().unwrap_or_default();
    let known = id::decode(given).filter(|(prefix, _)| [USER_PREFIX, API_TOKEN_PREFIX].contains(prefix));
    known.ok_or_else(|| {
        let message = format!("`{}` is not the id of a user or of an API token", cut(given));
        Error::from(Problem::new(Code::BadUserInput, message).at([Step::from("ids"), Step::from(place)]))
    })
}
