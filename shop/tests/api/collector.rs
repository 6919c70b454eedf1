//! A collector of traces: receives what a server exports, and decodes it with OpenTelemetry's definitions (`trace.proto`, 1.x).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use prost::Message;
use runtime::axum::body::Bytes;
use runtime::axum::extract::State;
use runtime::axum::http::{HeaderMap, StatusCode};
use runtime::axum::routing::post;
use runtime::axum::{self, Router};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use crate::redis_server::Certificates;

const PATIENCE: Duration = Duration::from_secs(20);

pub struct Collector {
    pub endpoint: String,
    received: Arc<Mutex<Vec<Received>>>,
    serving: JoinHandle<()>,
}

struct Received {
    headers: HeaderMap,
    bytes: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Span {
    #[prost(bytes = "vec", tag = "1")]
    pub trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    pub trace_state: String,
    #[prost(bytes = "vec", tag = "4")]
    pub parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    pub name: String,
    #[prost(int32, tag = "6")]
    pub kind: i32,
    #[prost(fixed64, tag = "7")]
    pub start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    pub end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    pub flags: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 3, 5")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Value {
    #[prost(string, tag = "1")]
    String(String),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(message, tag = "5")]
    Array(ArrayValue),
}

#[derive(Clone, PartialEq, Message)]
struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    values: Vec<AnyValue>,
}

impl Collector {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let routes = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&received));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        Self { endpoint, received, serving }
    }

    /// An address of the collector with TLS.
    pub async fn behind_tls(&self, certificates: &Certificates) -> SocketAddr {
        let chain = CertificateDer::pem_file_iter(certificates.file("node.pem")).expect("a file");
        let chain = chain.collect::<Result<Vec<_>, _>>().expect("certificates");
        let key = PrivateKeyDer::from_pem_file(certificates.file("node.key")).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a certificate and its key");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let upstream = self.endpoint.replace("http://", "");
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
                tokio::spawn(async move {
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let mut server = TcpStream::connect(upstream).await.expect("the collector");
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        address
    }

    /// All spans received so far.
    pub fn spans(&self) -> Vec<Span> {
        let requests = self.received.lock().expect("no test has failed with it");
        let scopes = requests.iter().flat_map(|one| read(&one.bytes).resource_spans).flat_map(|one| one.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// The spans of the trace, once its root has arrived, and so all its descendants.
    pub async fn trace(&self, name: &str, trace: Option<&str>) -> Vec<Span> {
        let begun = Instant::now();
        loop {
            let spans = self.spans();
            let is_it = |span: &&Span| span.name == name && trace.is_none_or(|trace| hex(&span.trace_id) == trace);
            if let Some(root) = spans.iter().find(is_it) {
                let of_trace = |span: &&Span| span.trace_id == root.trace_id;
                return spans.iter().filter(of_trace).cloned().collect();
            }
            assert!(begun.elapsed() < PATIENCE, "{name} does not come: {:?}", names(&spans));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A resource attribute of the server.
    pub fn resource(&self, key: &str) -> Option<String> {
        let requests = self.received.lock().expect("no test has failed with it");
        let request = read(&requests.first()?.bytes);
        text(&request.resource_spans[0].resource.as_ref()?.attributes, key)
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let requests = self.received.lock().expect("no test has failed with it");
        Some(requests.first()?.headers.get(name)?.to_str().ok()?.to_owned())
    }

    /// Whether the received bytes contain this text.
    pub fn has_bytes(&self, text: &str) -> bool {
        let requests = self.received.lock().expect("no test has failed with it");
        requests.iter().any(|one| one.bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Span {
    /// As text, even for a number or a list.
    pub fn attribute(&self, key: &str) -> Option<String> {
        text(&self.attributes, key)
    }

    pub fn has_failed(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.code == 2)
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn names(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

async fn take(State(received): State<Arc<Mutex<Vec<Received>>>>, headers: HeaderMap, bytes: Bytes) -> StatusCode {
    received.lock().expect("no test has failed with it").push(Received { headers, bytes });
    StatusCode::OK
}

fn read(bytes: &Bytes) -> Request {
    Request::decode(bytes.clone()).expect("protocol buffers")
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    fn of(value: &AnyValue) -> String {
        match &value.value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Int(number)) => number.to_string(),
            Some(Value::Array(array)) => array.values.iter().map(of).collect::<Vec<_>>().join(","),
            None => String::new(),
        }
    }
    of(attributes.iter().find(|pair| pair.key == key)?.value.as_ref()?).into()
}
