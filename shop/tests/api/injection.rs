//! Hostile texts in every place where the API takes a value: each is treated as a value and nothing else. The places are found by
//! introspection, so that a new field or argument is covered at once.

use std::collections::BTreeMap;
use std::time::Duration;

use runtime::serde_json::{self, Value as Json, json};
use sqlx::{AssertSqlSafe, PgPool, Row};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Site, TOKEN};
use crate::hostile::{signs, texts};
use crate::sdl::{Place, Types};

/// Unlike the hostile texts, and nowhere in the content.
const BENIGN: &str = "kolibri";
/// Codes of errors about the value.
const REFUSALS: &[&str] = &[
    "BAD_USER_INPUT",
    "INVALID_VALUE",
    "INVALID_CURSOR",
    "NOT_FOUND",
    "CONFLICT",
    "REVISION_MISMATCH",
    "REFERENCED",
    "REFUSED",
    "LIMIT_EXCEEDED",
];
/// Filters by equality or substring: a text that is nowhere in the content finds nothing.
const EXACT: &[&str] = &["eq)", "in)", "contains)", "startsWith)", "endsWith)"];
/// No request takes longer, so none waits for an injected statement, such as one that sleeps.
const PATIENCE: Duration = Duration::from_secs(8);
const ENTRY_TYPES: &[(&str, &str)] = &[
    ("Author", "authors"),
    ("Brand", "brands"),
    ("Category", "categories"),
    ("Media", "mediaItems"),
    ("Post", "posts"),
    ("Product", "products"),
    ("Service", "services"),
    ("Tag", "tags"),
];

/// One persistent connection for thousands of requests.
struct Client(TcpStream);

impl Client {
    async fn new(site: &Site) -> Self {
        let stream = TcpStream::connect(&site.address).await.expect("the server accepts");
        stream.set_nodelay(true).expect("it is there");
        Self(stream)
    }

    async fn ask(&mut self, document: &str, variables: &Json) -> (u16, String) {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nauthorization: Bearer {TOKEN}\r\n\
             accept: application/graphql-response+json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.write_all(request.as_bytes()).await.expect("the server reads");
        tokio::time::timeout(PATIENCE, self.answer()).await.unwrap_or_else(|_| panic!("no answer to {body}"))
    }

    async fn answer(&mut self) -> (u16, String) {
        let mut bytes = Vec::with_capacity(4096);
        loop {
            assert_ne!(self.0.read_buf(&mut bytes).await.expect("the server answers"), 0, "it has hung up");
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
            let length: usize = length.unwrap_or_else(|| panic!("no length: {head}"));
            if bytes.len() == end + 4 + length {
                let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
                return (status, String::from_utf8_lossy(&bytes[end + 4..]).into_owned());
            }
        }
    }
}

/// What is wrong with a response to an arbitrary value.
fn wrong(status: u16, body: &str) -> Option<String> {
    let json: Json = serde_json::from_str(body).ok()?;
    let errors = json["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let codes: Vec<_> = errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap_or("none")).collect();
    if let Some(code) = codes.iter().find(|code| !REFUSALS.contains(code)) {
        return Some(format!("the code {code}"));
    }
    let expected = if json.get("data").is_some() { 200 } else { 400 };
    if status != expected || status == 400 && errors.is_empty() {
        return Some(format!("the status {status} and {} errors", errors.len()));
    }
    let signs = signs(body);
    (!signs.is_empty()).then(|| format!("signs of a statement: {signs:?}"))
}

/// The number of rows of every table.
async fn rows(pool: &PgPool) -> BTreeMap<String, i64> {
    let tables =
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('draft', 'live', 'cms')";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(pool).await.expect("tables");
    let counts: Vec<_> = tables.iter().map(|table| format!("select '{table}', count(*) from {table}")).collect();
    let counted = sqlx::query(AssertSqlSafe(counts.join(" union all "))).fetch_all(pool).await.expect("counts");
    counted.into_iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn tried(place: &Place) -> Vec<String> {
    let mut texts = texts();
    if place.is_known {
        return vec![texts.swap_remove(2)];
    }
    // Other fields are not text: a few values show that they are parsed as their type.
    if !matches!(place.scalar.as_str(), "String" | "ID" | "JSON") {
        texts.truncate(2);
    }
    texts
}

fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}

#[tokio::test]
async fn hostile_texts_are_values_wherever_something_is_read() {
    let site = Site::with_demo().await;
    let mut client = Client::new(&site).await;
    let (_, types) = client.ask(Types::query(), &json!({})).await;
    let places = Types::of(&serde_json::from_str(&types).expect("JSON")).places("Query");
    assert!(places.len() > 500, "{}: introspection shows more", places.len());
    let before = rows(&site.db.pool).await;
    let mut failures = Vec::new();
    for place in &places {
        let (_, benign) = client.ask(&place.document, &place.variables(BENIGN, None)).await;
        if let Some(wrong) = wrong(if benign.contains("\"data\"") { 200 } else { 400 }, &benign) {
            failures.push(format!("{}: {wrong}: {} {}", place.name, place.document, shortened(&benign)));
        }
        let is_exact = EXACT.iter().any(|end| place.name.ends_with(end)) && !benign.contains("\"errors\"");
        for text in tried(place) {
            let (status, body) = client.ask(&place.document, &place.variables(&text, None)).await;
            let answer = shortened(&body);
            if let Some(wrong) = wrong(status, &body) {
                failures.push(format!("{}: {wrong}: {:?}: {answer}", place.name, shortened(&text)));
            } else if is_exact && without_cost(&body) != without_cost(&benign) && !body.contains("\"errors\"") {
                failures.push(format!("{}: {:?} finds something: {answer}", place.name, shortened(&text)));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {} places:\n{}", failures.len(), places.len(), failures.join("\n"));
    assert_eq!(rows(&site.db.pool).await, before, "reads change nothing");
    site.stop().await;
}

fn without_cost(body: &str) -> Json {
    let json: Json = serde_json::from_str(body).expect("JSON");
    json["data"].clone()
}

/// The entries that mutations use: a draft of each type, with its revision.
struct Entries(BTreeMap<String, (String, i64)>);

impl Entries {
    async fn of(client: &mut Client) -> Self {
        let mut entries = BTreeMap::new();
        for (of, plural) in ENTRY_TYPES {
            let query = format!("{{ {plural}(stage: DRAFT, first: 1) {{ nodes {{ id revision }} }} }}");
            let (_, body) = client.ask(&query, &json!({})).await;
            let body: Json = serde_json::from_str(&body).expect("JSON");
            let node = &body["data"][plural]["nodes"][0];
            let id = node["id"].as_str().unwrap_or_else(|| panic!("no {of}: {body}")).to_owned();
            entries.insert((*of).to_owned(), (id, node["revision"].as_i64().expect("a revision")));
        }
        Self(entries)
    }

    fn get(&self, place: &Place) -> Option<(&str, i64)> {
        let (id, revision) = self.0.get(place.entry.as_deref()?)?;
        Some((id, *revision))
    }

    /// The response may contain a newer revision.
    fn learn(&mut self, place: &Place, data: &Json) {
        let Some((id, revision)) = place.entry.as_deref().and_then(|of| self.0.get_mut(of)) else { return };
        for entry in data.as_object().into_iter().flat_map(|fields| fields.values()) {
            let entry = if entry.is_array() { &entry[0] } else { entry };
            if entry["id"] == **id {
                *revision = entry["revision"].as_i64().expect("a revision");
            }
        }
    }
}

fn holds(json: &Json, text: &str) -> bool {
    match json {
        Json::String(found) => found == text,
        Json::Array(items) => items.iter().any(|item| holds(item, text)),
        Json::Object(fields) => fields.values().any(|field| holds(field, text)),
        _ => false,
    }
}

#[tokio::test]
async fn hostile_texts_are_kept_as_they_are_or_refused_wherever_something_is_written() {
    let site = Site::with_demo().await;
    let mut client = Client::new(&site).await;
    let (_, types) = client.ask(Types::query(), &json!({})).await;
    let places = Types::of(&serde_json::from_str(&types).expect("JSON")).places("Mutation");
    assert!(places.len() > 300, "{}: introspection shows more", places.len());
    let tables = rows(&site.db.pool).await;
    let mut entries = Entries::of(&mut client).await;
    let (mut failures, mut told) = (Vec::new(), 0);
    for place in places.iter().filter(|place| !place.name.starts_with("delete")) {
        for text in tried(place) {
            let variables = place.variables(&text, entries.get(place));
            let (status, body) = client.ask(&place.document, &variables).await;
            let answer = shortened(&body);
            if let Some(wrong) = wrong(status, &body) {
                failures.push(format!("{}: {wrong}: {variables}: {answer}", place.name));
                continue;
            }
            let json: Json = serde_json::from_str(&body).expect("JSON");
            entries.learn(place, &json["data"]);
            if json.get("errors").is_some() {
                continue;
            }
            if text.contains('\0') && !matches!(place.scalar.as_str(), "ID") {
                failures.push(format!("{}: a zero byte is taken: {answer}", place.name));
            }
            if place.is_told {
                told += 1;
                if !holds(&json["data"], &text) {
                    failures.push(format!("{}: {:?} comes back otherwise: {answer}", place.name, shortened(&text)));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {} places:\n{}", failures.len(), places.len(), failures.join("\n"));
    assert!(told > 300, "{told}: more is stored and told");
    let after = rows(&site.db.pool).await;
    assert!(tables.keys().eq(after.keys()), "no table has gone");
    assert!(tables.iter().all(|(table, rows)| after[table] >= *rows || table.contains('_')), "{tables:?} {after:?}");
    site.stop().await;
}
