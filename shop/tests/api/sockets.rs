//! WebSockets of a real process: what a connection keeps once it has sent a long answer.

use futures_util::{SinkExt as _, StreamExt as _};
use runtime::serde_json::{self, Value as Json, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::client::Site;

const SOCKETS: usize = 40;

async fn open(site: &Site) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(&site.address).await.expect("the server accepts");
    let mut request = format!("ws://{}/graphql", site.address).into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().expect("a value"));
    let (mut socket, answer) = client_async(request, stream).await.expect("a WebSocket");
    assert_eq!(answer.headers()["sec-websocket-protocol"], "graphql-transport-ws");
    say(&mut socket, json!({ "type": "connection_init" })).await;
    assert_eq!(hear(&mut socket).await["type"], "connection_ack");
    socket
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: Json) {
    socket.send(Message::text(message.to_string())).await.expect("the server reads");
}

async fn hear(socket: &mut WebSocketStream<TcpStream>) -> Json {
    let message = socket.next().await.expect("a message").expect("a whole one");
    serde_json::from_str(message.to_text().expect("a text")).expect("JSON")
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_long_answer_leaves_nothing_behind() {
    let site = Site::empty().await;
    // Letters of two bytes, so that parts of a message end inside of one.
    let text = "xäö".repeat(20_000);
    let create = "mutation($text: String) { createProduct(publish: true, input: { name: \"A\", price: { amount: \"1\" }, description: $text }) { id } }";
    let made = site.ask_as_developer(create, json!({ "text": text })).await;
    assert!(made.get("errors").is_none(), "{made}");
    let copies: String = (0..20).map(|copy| format!(" c{copy}: description")).collect();
    let query = format!("{{ products(first: 1) {{ nodes {{ {copies} }} }} }}");
    let mut sockets = Vec::new();
    let mut before = 0;
    for number in 0..SOCKETS {
        let mut socket = open(&site).await;
        say(&mut socket, json!({ "type": "subscribe", "id": "1", "payload": { "query": query } })).await;
        let answer = hear(&mut socket).await;
        assert_eq!(answer["payload"]["data"]["products"]["nodes"][0]["c19"], text);
        assert_eq!(hear(&mut socket).await["type"], "complete");
        sockets.push(socket);
        if number == 4 {
            before = site.resident();
        }
    }
    let grown = site.resident().saturating_sub(before);
    // Their answers have 2 MB each.
    assert!(grown < 20_000_000, "{SOCKETS} connections keep {grown} bytes");
    drop(sockets);
    site.stop().await;
}
