//! A real OpenID Connect provider in a separate process (`shop/tests/oidc`), and a browser that visits it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use runtime::identity::provider_settings::ProviderSettings;
use runtime::serde_json::{Value as Json, json};

use crate::client::{Answer, send};
use crate::node::NodeServer;

pub struct Provider {
    pub address: SocketAddr,
    _server: NodeServer,
}

impl Provider {
    pub fn start() -> Self {
        let server = NodeServer::start("oidc");
        Self { address: server.address, _server: server }
    }

    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn settings(&self) -> ProviderSettings {
        ProviderSettings {
            name: "local".into(),
            issuer: self.issuer(),
            client_id: "shop".into(),
            client_secret: Some("a-secret-of-the-tests-only".into()),
            scopes: ["openid", "email", "profile", "groups"].map(str::to_owned).to_vec(),
            role: Some("viewer".into()),
            mapping: None,
            link: true,
        }
    }

    /// Sets what the provider reports about a person.
    pub async fn account(&self, subject: &str, claims: Json) {
        let mut account = claims;
        account["sub"] = json!(subject);
        assert_eq!(send(self.address, "POST", "/test/account", &[], &account).await.status, 200);
    }

    pub async fn rotate_keys(&self) {
        assert_eq!(send(self.address, "POST", "/test/rotate", &[], &Json::Null).await.status, 200);
    }

    /// How often its metadata have been fetched.
    pub async fn asked(&self) -> String {
        send(self.address, "GET", "/test/asked", &[], &Json::Null).await.body
    }

    /// Signs in as a subject at the address to which the site redirected the browser. Returns the address to which the
    /// provider redirects back.
    pub async fn visit(&self, url: &str, subject: &str) -> String {
        let mut cookies = BTreeMap::new();
        let mut path = format!("{}&login_hint={subject}", path_of(url));
        for _ in 0..8 {
            let jar: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let host = self.address.to_string();
            let headers = [("cookie", jar.join("; ")), ("x-forwarded-host", host)];
            let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
            let answer = send(self.address, "GET", &path, &headers, &Json::Null).await;
            keep(&mut cookies, &answer);
            let location =
                answer.header("location").unwrap_or_else(|| panic!("no redirect: {}", answer.body)).to_owned();
            if location.starts_with("https://shop.example/") {
                return path_of(&location).to_owned();
            }
            path = path_of(&location).to_owned();
        }
        panic!("the provider does not come to an end");
    }
}

fn keep(cookies: &mut BTreeMap<String, String>, answer: &Answer) {
    for (name, value) in answer.cookies().into_iter().filter_map(|cookie| cookie.split_once('=')) {
        cookies.insert(name.to_owned(), value.to_owned());
    }
}

/// Path and query of an address.
pub fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |start| &rest[start..])
}
