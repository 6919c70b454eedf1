//! Mail over SMTP, to a real mail server in a separate process.

use std::time::Duration;

use runtime::identity::settings::MailSettings;
use runtime::serde_json::{self, Value as Json, json};
use runtime::testing::Node;

use crate::client::{Site, settings};
use crate::node::NodeServer;

/// Far more than a mail needs on this machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A site that sends its mail to this server.
async fn site(server: &NodeServer, user: &str) -> Site {
    let mut settings = settings();
    let url = format!("smtp://{user}@{}", server.address);
    settings.mail = Some(MailSettings { url, from: "Müllers Laden <shop@shop.example>".into() });
    Site::of(|node| Node { settings, mailer: None, ..node }).await
}

/// The next line from the mail server.
fn next(server: &NodeServer) -> String {
    tokio::task::block_in_place(|| server.lines.recv_timeout(PATIENCE).expect("the mail server was asked"))
}

#[tokio::test(flavor = "multi_thread")]
async fn links_arrive_whole_and_work() {
    let server = NodeServer::start("smtp");
    let site = site(&server, "shop:pass%40word").await;
    site.user("ada@shop.example", "editor").await;
    let asked = site.post("/auth/password/reset-request", json!({ "email": "ada@shop.example" }), None).await;
    assert_eq!(asked.status, 202, "{}", asked.body);
    let line = next(&server);
    let mail: Json = serde_json::from_str(line.strip_prefix("mail ").expect("a mail")).expect("JSON");
    assert_eq!((&mail["user"], &mail["envelope"]), (&json!("shop"), &json!(["ada@shop.example"])));
    assert_eq!(mail["from"], json!({ "address": "shop@shop.example", "name": "Müllers Laden" }));
    assert_eq!(mail["to"], json!([{ "address": "ada@shop.example", "name": "Ada" }]));
    let (_, rest) = mail["text"].as_str().expect("a text").split_once("#token=").expect("a link");
    let token = rest.split_whitespace().next().expect("a token");
    let change = json!({ "token": token, "password": "quiet copper lantern harbour" });
    assert_eq!(site.post("/auth/password/reset", change, None).await.status, 204);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_refuses_tells_nobody_that_an_account_exists() {
    let server = NodeServer::start("smtp");
    let site = site(&server, "shop:wrong").await;
    site.user("ada@shop.example", "editor").await;
    let ask = async |email: &str| {
        let asked = site.post("/auth/password/reset-request", json!({ "email": email }), None).await;
        (asked.status, asked.body)
    };
    let known = ask("ada@shop.example").await;
    assert_eq!(next(&server), "refused shop");
    assert_eq!((known.0, &known), (202, &ask("nobody@shop.example").await));
    site.stop().await;
}
