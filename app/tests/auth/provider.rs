//! A real OpenID Connect provider in a process of its own (`app/tests/oidc`), and a browser that goes to it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use runtime::identity::provider_settings::ProviderSettings;
use runtime::serde_json::{Value as Json, json};

use crate::client::{Answer, send};

pub struct Provider {
    pub address: SocketAddr,
    process: Child,
}

impl Provider {
    pub fn start() -> Self {
        let mut command = Command::new("node");
        command.arg(installed().join("server.mjs")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("node cannot be started ({error}): {NEEDED}"));
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let address = lines
            .find_map(|line| line.ok()?.strip_prefix("listening ").map(|address| address.parse().expect("an address")))
            .unwrap_or_else(|| panic!("the provider did not start: {NEEDED}"));
        // It must not fill its output and stop.
        std::thread::spawn(move || lines.for_each(drop));
        Self { address, process }
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

    /// What the provider tells of somebody from now on.
    pub async fn account(&self, subject: &str, claims: Json) {
        let mut account = claims;
        account["sub"] = json!(subject);
        assert_eq!(send(self.address, "POST", "/test/account", &[], &account).await.status, 200);
    }

    pub async fn rotate_keys(&self) {
        assert_eq!(send(self.address, "POST", "/test/rotate", &[], &Json::Null).await.status, 200);
    }

    /// How often its metadata have been asked for.
    pub async fn asked(&self) -> String {
        send(self.address, "GET", "/test/asked", &[], &Json::Null).await.body
    }

    /// Signs in as a subject at the address to which the site has sent the browser: the address to which the provider
    /// sends it back.
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

impl Drop for Provider {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
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

const NEEDED: &str = "the tests of sign-in with others need Node 20 or newer with npm, and once its registry; \
    install it from https://nodejs.org, or see the end of `npm ci` above";

/// The folder with the provider's packages, which are fetched once for each lock file.
fn installed() -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oidc-provider");
    let copy = |name: &str, to: &Path| {
        std::fs::copy(source.join(name), to.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    };
    let lock = |folder: &Path| std::fs::read(folder.join("package-lock.json")).unwrap_or_default();
    let is_done = folder.join("done").exists() && lock(&folder) == lock(&source);
    if !is_done {
        // What is there is of an older lock file, or was interrupted.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder in target");
        copy("package.json", &folder);
        copy("package-lock.json", &folder);
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder).stdin(Stdio::null());
        let status = npm.status().unwrap_or_else(|error| panic!("npm cannot be started ({error}): {NEEDED}"));
        assert!(status.success(), "`npm ci` failed in {}: {NEEDED}", folder.display());
        std::fs::write(folder.join("done"), "").expect("a file in target");
    }
    copy("server.mjs", &folder);
    folder
}
