//! The engine over HTTP, by its official client: what is asked, sent and made, with bounds on time.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use opensearch::auth::Credentials;
use opensearch::http::request::JsonBody;
use opensearch::http::response::Response;
use opensearch::http::transport::{SingleNodeConnectionPool, TransportBuilder};
use opensearch::indices::{IndicesCreateParts, IndicesDeleteParts, IndicesGetAliasParts, IndicesRefreshParts};
use opensearch::{BulkParts, MsearchParts, OpenSearch, SearchParts};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::settings::Settings;
use base::error::{Code, Error, Result};

/// For what nobody waits for.
const TIME: Duration = Duration::from_secs(30);
/// Characters of an answer in an error.
const HEAD: usize = 300;
/// What an answer to questions has of each.
const OF_ANSWER: [&str; 6] = [
    "responses.status",
    "responses.error.type",
    "responses.timed_out",
    "responses._shards.failed",
    "responses.hits.hits._id",
    "responses.hits.hits._score",
];

pub struct Client(OpenSearch);

#[derive(Debug, Deserialize)]
struct Responses {
    responses: Vec<One>,
}

#[derive(Debug, Deserialize)]
struct One {
    status: u16,
    #[serde(default)]
    error: Json,
    #[serde(default)]
    timed_out: bool,
    #[serde(default, rename = "_shards")]
    shards: Shards,
    #[serde(default)]
    hits: Hits,
}

#[derive(Debug, Default, Deserialize)]
struct Shards {
    #[serde(default)]
    failed: u64,
}

#[derive(Debug, Default, Deserialize)]
struct Hits {
    #[serde(default)]
    hits: Vec<Hit>,
}

#[derive(Debug, Deserialize)]
pub struct Hit {
    #[serde(rename = "_id")]
    pub id: String,
    #[serde(rename = "_score")]
    pub score: Option<f32>,
}

/// What became of changes that were sent.
#[derive(Debug, Default, PartialEq)]
pub struct Sent {
    /// Indexes that are not there.
    pub missing: BTreeSet<String>,
    /// Documents that the engine refuses, with its reason for one.
    pub refused: usize,
    pub reason: Option<String>,
}

impl Client {
    pub fn new(settings: &Settings) -> Result<Self> {
        // The client's TLS takes the provider of the process; another part may have chosen it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder =
            TransportBuilder::new(SingleNodeConnectionPool::new(settings.url.clone())).disable_proxy().timeout(TIME);
        if let Some((user, password)) = &settings.user {
            builder = builder.auth(Credentials::Basic(user.clone(), password.clone()));
        }
        Ok(Self(OpenSearch::new(builder.build().map_err(away)?)))
    }

    /// The hits of each search; an error if one of them has no whole answer. `lines`: a header and a body for each.
    pub async fn ask(&self, lines: Vec<Json>, patience: Duration) -> Result<Vec<Vec<Hit>>> {
        let lines = lines.into_iter().map(JsonBody::new).collect();
        let sent = self.0.msearch(MsearchParts::None).filter_path(&OF_ANSWER).body(lines).request_timeout(patience);
        // The client's own bound begins when it has a connection.
        let answer = match tokio::time::timeout(patience, async { told(sent.send().await).await }).await {
            Ok(answer) => answer?,
            Err(_) => return Err(Error::new(Code::Unavailable, format!("no answer in {} ms", patience.as_millis()))),
        };
        let answer: Responses = serde_json::from_str(&answer).map_err(away)?;
        let whole = |one: One| match one.status {
            200 if !one.timed_out && one.shards.failed == 0 => Ok(one.hits.hits),
            status => Err(away(format!("a search was answered by {status} {}", one.error))),
        };
        answer.responses.into_iter().map(whole).collect()
    }

    /// Sends changes, each a line or two.
    pub async fn send(&self, lines: Vec<String>) -> Result<Sent> {
        let parts = ["errors", "items.*.status", "items.*.error.type", "items.*.error.reason", "items.*._index"];
        let sent = self.0.bulk(BulkParts::None).filter_path(&parts).body(lines).send().await;
        let answer: Json = serde_json::from_str(&told(sent).await?).map_err(away)?;
        let mut sent = Sent::default();
        if answer["errors"] == Json::Bool(false) {
            return Ok(sent);
        }
        let Some(items) = answer["items"].as_array() else { return Err(away("changes were answered by no list")) };
        for item in items.iter().filter_map(|item| item.as_object()?.values().next()) {
            let (status, error) = (item["status"].as_u64().unwrap_or_default(), &item["error"]);
            match status {
                200..=299 => {}
                // It has a newer version.
                409 => {}
                404 if error.is_null() => {}
                404 => _ = sent.missing.insert(item["_index"].as_str().unwrap_or_default().to_owned()),
                400 => {
                    sent.refused += 1;
                    sent.reason = Some(head(&error.to_string()));
                }
                _ => return Err(away(format!("a change was answered by {status} {error}"))),
            }
        }
        Ok(sent)
    }

    /// Its name and version.
    pub async fn version(&self) -> Result<String> {
        let answer: Json = serde_json::from_str(&told(self.0.info().send().await).await?).map_err(away)?;
        let (name, number) = (&answer["version"]["distribution"], &answer["version"]["number"]);
        let number = number.as_str().ok_or_else(|| away("it is no search engine"))?;
        Ok(format!("{} {}", name.as_str().unwrap_or("elasticsearch"), head(number)))
    }

    /// Makes an index, under a name of its own for those who write to it. One that is there already is the same.
    pub async fn make(&self, index: &str, mut body: Json) -> Result<()> {
        body["aliases"] = json!({ written(index): {} });
        let made = self.0.indices().create(IndicesCreateParts::Index(index)).body(body).send().await;
        match told(made).await {
            Err(error) if error.to_string().contains("resource_already_exists") => Ok(()),
            made => made.map(drop),
        }
    }

    /// Makes what was sent visible.
    pub async fn refresh(&self, index: &str) -> Result<()> {
        told(self.0.indices().refresh(IndicesRefreshParts::Index(&[index])).send().await).await.map(drop)
    }

    /// Lets the alias mean this index and no other, at once.
    pub async fn lead(&self, alias: &str, index: &str, others: &[String]) -> Result<()> {
        let remove = |other: &String| json!({"remove": {"index": other, "alias": alias}});
        let mut actions: Vec<Json> = others.iter().map(remove).collect();
        actions.push(json!({"add": {"index": index, "alias": alias}}));
        told(self.0.indices().update_aliases().body(json!({ "actions": actions })).send().await).await.map(drop)
    }

    /// The indexes whose names match, each with its aliases.
    pub async fn indexes(&self, pattern: &str) -> Result<Vec<(String, Vec<String>)>> {
        let answer = told(self.0.indices().get_alias(IndicesGetAliasParts::Index(&[pattern])).send().await).await;
        let answer: Json = match answer {
            Ok(answer) => serde_json::from_str(&answer).map_err(away)?,
            Err(error) if error.to_string().contains("index_not_found") => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let of = |(index, about): (&String, &Json)| {
            let aliases = about["aliases"].as_object().into_iter().flatten().map(|(alias, _)| alias.clone());
            (index.clone(), aliases.collect())
        };
        Ok(answer.as_object().into_iter().flatten().map(of).collect())
    }

    /// Removes indexes, each by its whole name.
    pub async fn remove(&self, indexes: &[&str]) -> Result<()> {
        told(self.0.indices().delete(IndicesDeleteParts::Index(indexes)).send().await).await.map(drop)
    }

    /// Ids and hashes of documents behind an id, in their order.
    pub async fn page(&self, alias: &str, after: &str, most: usize) -> Result<Vec<(String, String)>> {
        let body = json!({"size": most, "sort": [{"id": "asc"}], "search_after": [after], "_source": ["hash"], "query": {"match_all": {}}});
        let answer = told(self.0.search(SearchParts::Index(&[alias])).body(body).send().await).await?;
        let answer: Json = serde_json::from_str(&answer).map_err(away)?;
        let Some(hits) = answer["hits"]["hits"].as_array() else {
            return Err(away("a search was answered by no list"));
        };
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        Ok(hits.iter().map(|hit| (text(&hit["_id"]), text(&hit["_source"]["hash"]))).collect())
    }
}

/// The name under which an index is written to: a change for an index that is gone must not make one.
pub fn written(index: &str) -> String {
    format!("{index}-in")
}

async fn told(sent: std::result::Result<Response, opensearch::Error>) -> Result<String> {
    let response = sent.map_err(away)?;
    let status = response.status_code();
    let text = response.text().await.map_err(away)?;
    if status.is_success() { Ok(text) } else { Err(away(format!("{status}: {}", head(&text)))) }
}

fn head(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(HEAD).collect()
}

/// The engine's fault, with its causes; addresses in it have no password.
fn away(error: impl fmt::Display) -> Error {
    Error::new(Code::Unavailable, format!("the search engine: {error:#}"))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}
