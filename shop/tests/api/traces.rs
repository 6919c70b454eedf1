//! Traces of a real server, as a collector receives them: their parents, their attributes, no values in them, and no effect on requests if
//! the collector does not respond.

use std::time::{Duration, Instant};

use runtime::serde_json::{Value as Json, json};
use sqlx::Executor;
use tokio::net::TcpListener;

use crate::client::{Site, TOKEN, command, migrated, send_to};
use crate::collector::{Collector, Span, hex, names};
use crate::fault_proxy::{Fault, FaultProxy};
use crate::redis_server::Certificates;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const SECRET: &str = "ada-hidden-value";
/// For sending the remaining spans when a server stops, plus slack for a busy machine.
const STOPPED: Duration = Duration::from_secs(8);

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Samples none of the traces that begin here.
const NONE: (&str, &str) = ("OTEL_TRACES_SAMPLER_ARG", "0");

fn root(spans: &[Span]) -> &Span {
    spans.iter().find(|span| span.kind == 2).unwrap_or_else(|| panic!("{:?}", names(spans)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_part_of_the_trace_that_it_names_and_tells_no_value() {
    let collector = Collector::start().await;
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=of%20the%20collector");
    let variables = [(ENDPOINT, &*collector.endpoint), NONE, headers, ("OTEL_SERVICE_NAME", "the shop")];
    let site = Site::with(migrated().await, &variables).await;
    let query = "query Find($name: String) { tags(filter: { name: { eq: $name } }) { nodes { name } } }";
    let body = json!({ "query": query, "variables": { "name": SECRET } });
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let authorization = format!("Bearer {TOKEN}");
    let cookie = format!("__Host-typecase={SECRET}; typecase={SECRET}");
    let sampled = [("traceparent", &*parent), ("tracestate", "vendor=1"), ("x-request-id", SECRET)];
    let as_developer = [&sampled[..], &[("authorization", &*authorization), ("cookie", &*cookie)]].concat();
    assert_eq!(site.post(&body, &as_developer).await.status, 200);

    let spans = collector.trace("POST /graphql", Some(TRACE)).await;
    let request = root(&spans);
    assert_eq!((hex(&request.parent_span_id).as_str(), request.flags), (PARENT, 0x301));
    assert_eq!(request.trace_state, "vendor=1");
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/graphql"),
        ("url.path", "/graphql"),
        ("http.response.status_code", "200"),
        ("graphql.operation.name", "Find"),
        ("graphql.operation.type", "query"),
        ("typecase.actor", "developer"),
    ] {
        assert_eq!(request.attribute(key).as_deref(), Some(value), "{key}: {request:?}");
    }
    assert_eq!(request.attribute("graphql.document.hash").map(|hash| hash.len()), Some(64));
    assert!(!request.has_failed() && request.attribute("error.type").is_none(), "{request:?}");
    let below: Vec<_> = spans.iter().filter(|span| span.kind != 2).collect();
    for span in &below {
        assert_eq!((&span.parent_span_id, span.flags), (&request.span_id, 0x101), "{span:?}");
        assert!(span.start_time_unix_nano >= request.start_time_unix_nano, "{span:?}");
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?}");
    }
    let statement = below.iter().find(|span| span.name == "select live.tag").unwrap_or_else(|| panic!("{spans:?}"));
    assert_eq!(statement.attribute("db.system.name").as_deref(), Some("postgresql"));
    assert_eq!(statement.attribute("db.query.summary").as_deref(), Some("select live.tag"));
    let waited = below.iter().find(|span| span.name == "wait for a connection").expect("the first makes one");
    assert_eq!(waited.attribute("db.client.connection.pool.name").as_deref(), Some("reads"));
    assert_eq!(collector.resource("service.name").as_deref(), Some("the shop"));
    assert_eq!(collector.header("x-key").as_deref(), Some("of the collector"));
    assert_eq!(collector.header("content-type").as_deref(), Some("application/x-protobuf"));

    // Paths, methods, cookies and the errors in them.
    let path = format!("/feeds/{SECRET}?key={SECRET}");
    assert_eq!(site.send("SECRET", &path, &sampled, SECRET).await.status, 404);
    let wrong = [&sampled[..], &[("authorization", "Bearer ada-hidden-token")]].concat();
    assert_eq!(site.post(&body, &wrong).await.status, 401);
    let with_cookie = [&sampled[..], &[("cookie", &*cookie)]].concat();
    site.post(&body, &with_cookie).await;
    let broken = json!({ "query": format!("{{ tags(filter: {{ name: {{ eq: \"{SECRET}\" }} }}) {{ nothing }} }}") });
    assert_eq!(site.post(&broken, &sampled).await.status, 400);
    // Not traced: a request whose parent is not sampled, one without a parent, and health checks.
    let unsampled = format!("00-{}-{PARENT}-00", TRACE.replace('4', "5"));
    assert_eq!(site.post(&body, &[("traceparent", &unsampled)]).await.status, 200);
    assert_eq!(site.post(&body, &[]).await.status, 200);
    assert_eq!(site.send("GET", "/ready", &sampled, "").await.status, 200);
    let begun = Instant::now();
    assert_eq!(site.terminate().await, Some(0));
    assert!(begun.elapsed() < STOPPED, "{:?}", begun.elapsed());

    let spans = collector.spans();
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE), "{spans:?}");
    let requests: Vec<_> = spans.iter().filter(|span| span.kind == 2).collect();
    assert_eq!(requests.len(), 5, "{:?}", names(&spans));
    assert!(requests.iter().any(|span| span.name == "HTTP" && span.attribute("url.path").is_none()), "{requests:?}");
    let has_codes =
        |codes: &str| requests.iter().any(|span| span.attribute("typecase.codes").as_deref() == Some(codes));
    assert!(has_codes("UNAUTHENTICATED") && has_codes("GRAPHQL_VALIDATION_FAILED"), "{requests:?}");
    for secret in [SECRET, TOKEN, "ada-hidden", "SECRET", "feeds"] {
        assert!(!collector.has_bytes(secret), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_here_is_a_trace_of_its_own_and_its_id_is_in_the_log() {
    let collector = Collector::start().await;
    let variables =
        [(ENDPOINT, &*collector.endpoint), ("TYPECASE_LOG", "json"), ("TYPECASE_PUBLIC_STATEMENT_TIMEOUT", "200ms")];
    let db = migrated().await;
    let sql = "insert into cms.job (id, kind, payload, due, attempts, state)
        values (gen_random_uuid(), 'typecase.delete_expired', '{}', now(), 0, 'waiting')";
    db.pool.execute(sql).await.expect("a job");
    let site = Site::with(db, &variables).await;
    let tag = json!({ "input": { "name": "North" } });
    let created = "mutation Create($input: TagCreateInput!) { createTag(input: $input) { id } }";
    let answer = site.ask_as_developer(created, tag).await;
    assert!(answer["data"]["createTag"]["id"].is_string(), "{answer}");
    let spans = collector.trace("POST /graphql", None).await;
    let request = root(&spans);
    assert_eq!((request.parent_span_id.len(), request.flags), (0, 0x101), "{request:?}");
    assert_eq!(request.attribute("graphql.operation.type").as_deref(), Some("mutation"));
    assert!(names(&spans).contains(&"commit"), "{:?}", names(&spans));
    let line = site.logged("answered").into_iter().find(|line| line.contains("Create")).expect("its line");
    let line: Json = runtime::serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["trace"].as_str(), Some(&*hex(&request.trace_id)), "{line}");

    // A statement that times out is reported with its code and without its text.
    let mut locked = site.db.pool.begin().await.expect("a transaction");
    locked.execute("lock table live.tag").await.expect("a lock");
    let answer = site.ask("query Late { tags { nodes { id } } }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "TIMEOUT", "{answer}");
    locked.rollback().await.expect("the lock goes");
    let job = collector.trace("job typecase.delete_expired", None).await;
    let attempt = job.iter().find(|span| span.kind == 5).expect("a job");
    assert_eq!(attempt.attribute("typecase.job.attempt").as_deref(), Some("1"));
    assert!(!attempt.has_failed() && attempt.parent_span_id.is_empty(), "{attempt:?}");
    assert!(job.iter().any(|span| span.kind == 3 && span.parent_span_id == attempt.span_id), "{:?}", names(&job));
    assert_eq!(site.terminate().await, Some(0));
    let spans = collector.spans();
    let late = |span: &&Span| span.attribute("graphql.operation.name").as_deref() == Some("Late");
    let late = spans.iter().find(late).expect("its span");
    assert_eq!((late.has_failed(), late.attribute("error.type").as_deref()), (true, Some("TIMEOUT")), "{late:?}");
    let given_up = |span: &&Span| span.parent_span_id == late.span_id && span.has_failed();
    let given_up = spans.iter().find(given_up).expect("its statement");
    assert_eq!(
        (given_up.name.as_str(), given_up.attribute("error.type").as_deref()),
        ("select live.tag", Some("57014"))
    );
    assert!(!collector.has_bytes("North") && !collector.has_bytes("canceling"));
    assert_eq!(collector.resource("service.name").as_deref(), Some(generated::SCHEMA.site.name));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_with_tls_that_was_away_gets_what_has_waited() {
    let certificates = Certificates::new();
    let collector = Collector::start().await;
    let proxy = FaultProxy::before(collector.behind_tls(&certificates).await).await;
    let endpoint = format!("https://{}", proxy.address);
    let authority = certificates.file("authority.pem");
    let variables = [(ENDPOINT, &*endpoint), NONE, ("SSL_CERT_FILE", authority.to_str().expect("text"))];
    let site = Site::with(migrated().await, &variables).await;
    let query = json!({ "query": "{ tags { totalCount } }" });
    let parent = format!("00-{TRACE}-{PARENT}-01");
    proxy.set(Fault::Down);
    assert_eq!(site.post(&query, &[("traceparent", &parent)]).await.status, 200);
    let told = async |text: &str| {
        let begun = Instant::now();
        while site.logged(text).is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{text}: {:?}", site.logged(""));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    told("traces cannot be exported").await;
    proxy.set(Fault::None);
    collector.trace("POST /graphql", Some(TRACE)).await;
    told("traces are exported again").await;
    assert_eq!(site.logged("traces cannot be exported").len(), 1);
    assert_eq!(site.terminate().await, Some(0));
}

/// The time of the fastest of some requests: a general delay would affect all of them.
async fn quickest(site: &Site) -> Duration {
    let mut quickest = Duration::MAX;
    for _ in 0..40 {
        let begun = Instant::now();
        site.ask("{ tags { totalCount } }").await;
        quickest = quickest.min(begun.elapsed());
    }
    quickest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_hangs_or_is_away_is_nobodys_trouble() {
    let hangs = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let away = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().expect("its address"));
    let (hanging, absent) = (address(&hangs), address(&away));
    drop(away);
    let untraced = Site::empty().await;
    let usual = quickest(&untraced).await;
    untraced.stop().await;
    for endpoint in [&hanging, &absent] {
        let metrics = ("TYPECASE_METRICS_ADDRESS", "127.0.0.1:0");
        let site = Site::with(migrated().await, &[(ENDPOINT, endpoint), metrics]).await;
        // More spans than may wait.
        let fields: String = (0..20).map(|number| format!("f{number}: tags {{ nodes {{ id }} }} ")).collect();
        let batch = Json::Array(vec![json!({ "query": format!("{{ {fields} }}") }); 10]);
        for _ in 0..15 {
            assert_eq!(site.post(&batch, &[]).await.status, 200);
        }
        let took = quickest(&site).await;
        assert!(took < usual * 3 + Duration::from_millis(20), "{took:?} where it is {usual:?} without traces");
        let scraped = send_to(&site.metrics_address(), "GET", "/metrics", &[], "").await.body;
        let dropped = "typecase_trace_spans_total{outcome=\"dropped\"} ";
        let dropped = scraped.lines().find_map(|line| line.strip_prefix(dropped)?.parse::<u64>().ok());
        assert!(dropped > Some(100), "{scraped}");
        let begun = Instant::now();
        site.signal("-TERM");
        if endpoint == &absent {
            assert_eq!(site.logged("traces cannot be exported").len(), 1, "{:?}", site.logged("traces"));
        }
        assert_eq!(site.terminate().await, Some(0));
        assert!(begun.elapsed() < STOPPED, "{:?}", begun.elapsed());
    }
    drop(hangs);
}

#[tokio::test]
async fn without_an_address_nothing_is_traced_and_the_doctor_tells_where_traces_go() {
    let db = migrated().await;
    let told = |variables: &[(&str, &str)]| {
        let output = crate::client::command_with(&db, variables, &["doctor"]).stdout;
        String::from_utf8(output).expect("text")
    };
    assert!(told(&[(ENDPOINT, "http://collector:4318")]).contains("http://collector:4318/v1/traces"));
    assert!(!told(&[]).contains(" traces:"));
    assert!(command(&db, &["demo"]).status.success());
    let site = Site::with(db, &[("TYPECASE_METRICS_ADDRESS", "127.0.0.1:0")]).await;
    site.ask("{ tags { totalCount } }").await;
    assert!(!send_to(&site.metrics_address(), "GET", "/metrics", &[], "").await.body.contains("trace_spans"));
    assert!(site.logged("traces").is_empty());
    site.stop().await;
}
