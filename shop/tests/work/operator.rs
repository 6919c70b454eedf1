//! The real server and its commands: its periodic work, `typecase jobs`, and a database from before there were jobs.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use runtime::hooks::HookSet;
use runtime::jobs;
use runtime::serde_json::{self, Value as Json};

use crate::jobs::say;
use crate::site::{Site, eventually};

const TOKEN: &str = "a-token-for-tests-only";

fn prepared(site: &Site) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command
        .env("DATABASE_URL", site.db.url())
        .env("TYPECASE_DEV_TOKEN", TOKEN)
        .env("TYPECASE_ENV", "development")
        .env_remove("TYPECASE_ADDRESS")
        .env_remove("PORT")
        .env("RUST_LOG", "error");
    command
}

fn command(site: &Site, arguments: &[&str]) -> Output {
    prepared(site).args(arguments).output().expect("the server's program runs")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// The output of a command whose pipe is closed before it prints anything.
fn unread(site: &Site, arguments: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    prepared(site).args(arguments).stdout(writer).output().expect("the server's program runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_leaves_ends_nothing_with_a_panic() {
    let site = Site::new().await;
    jobs::enqueue(&site.store, &say("a")).await.expect("a job");
    site.create(&HookSet::default(), "Tag").await;
    for arguments in [&["doctor"][..], &["schema"], &["jobs", "list"], &["migrate", "--status"], &["keys", "list"]] {
        let output = unread(&site, arguments);
        assert!(!said(&output).contains("panicked"), "{arguments:?}: {}", said(&output));
        assert_ne!(output.status.code(), Some(101), "{arguments:?}");
    }
    let export = unread(&site, &["export", "--type", "tag"]);
    assert_eq!((export.status.code(), said(&export).as_str()), (Some(1), ""));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_there_is_named_once_and_without_its_password() {
    let site = Site::new().await;
    for arguments in [&["jobs", "list"][..], &["migrate"]] {
        let mut command = prepared(&site);
        command.env("DATABASE_URL", "postgres://site:hidden@127.0.0.1:1/shop");
        let output = command.args(arguments).output().expect("the server's program runs");
        let expected = "error: the database does not answer: 127.0.0.1:1: Connection refused (os error 111)\n";
        assert_eq!((said(&output).as_str(), output.status.success()), (expected, false), "{arguments:?}");
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_listed_retried_and_cancelled_by_command() {
    let site = Site::new().await;
    jobs::enqueue(&site.store, &say("a")).await.expect("a job");
    jobs::enqueue(&site.store, &say("b")).await.expect("a job");
    site.run(
        "update cms.job set state = 'parked', error = 'away', attempts = 12, payload = '{\"words\": \"parked\"}'
        where id = (select id from cms.job order by id limit 1)",
    )
    .await;
    let parked = text(&command(&site, &["jobs", "list", "--state", "parked", "--kind", "say"]));
    let columns: Vec<&str> = parked.trim_end().split('\t').collect();
    assert!(columns[0].starts_with("job_"), "{parked}");
    assert_eq!((columns[1], columns[2], columns[4], columns[5]), ("say", "parked", "12", "away"));
    let none = command(&site, &["jobs", "list", "--kind", "other"]);
    assert_eq!((text(&none).as_str(), said(&none).as_str()), ("", "no jobs\n"));
    assert!(said(&command(&site, &["jobs", "list"])).starts_with("id\tkind\tstate\tdue\tattempts\terror\n"));
    let listed = text(&command(&site, &["jobs", "list", "--json"]));
    let listed: Vec<Json> = listed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(listed.len(), 2);
    let shown = listed.iter().find(|job| job["state"] == "parked").expect("it is there");
    assert_eq!((shown["payload"]["words"].as_str(), shown["id"].as_str()), (Some("parked"), Some(columns[0])));

    assert_eq!(text(&command(&site, &["jobs", "retry", columns[0]])), format!("{} waits again\n", columns[0]));
    assert!(!command(&site, &["jobs", "retry", columns[0]]).status.success());
    assert_eq!(site.number("select count(*) from cms.job where state = 'waiting' and attempts = 0").await, 2);
    site.run("update cms.job set state = 'parked'").await;
    assert_eq!(text(&command(&site, &["jobs", "retry", "--parked"])), "2 parked jobs wait again\n");
    assert_eq!(text(&command(&site, &["jobs", "cancel", columns[0]])), format!("{} is cancelled\n", columns[0]));
    assert_eq!(site.number("select count(*) from cms.job").await, 1);
    for wrong in [&["jobs", "cancel", "product_x"][..], &["jobs", "list", "--state", "done"], &["jobs", "retry"]] {
        assert!(!command(&site, wrong).status.success(), "{wrong:?}");
    }
    site.stop().await;
}

/// A server that runs until it is dropped.
struct Server(std::process::Child, Arc<Mutex<Vec<String>>>);

impl Server {
    fn start(site: &Site) -> Self {
        let mut command = prepared(site);
        command.args(["serve", "--port", "0"]).env("RUST_LOG", "info").stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its log is read")).lines();
        assert!(lines.any(|line| line.expect("its log is text").contains("serving GraphQL")));
        let log = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| kept.lock().expect("a log").push(line)));
        Self(child, log)
    }

    fn logged(&self, words: &str) -> Vec<String> {
        self.1.lock().expect("a log").iter().filter(|line| line.contains(words)).cloned().collect()
    }

    fn terminate(mut self) -> Option<i32> {
        let told = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().expect("kill runs");
        assert!(told.success());
        self.0.wait().expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_deletes_what_has_expired_and_prunes_events_periodically() {
    let site = Site::new().await;
    site.create(&HookSet::default(), "Old").await;
    site.run("update cms.outbox set at = now() - interval '8 days'").await;
    site.create(&HookSet::default(), "Young").await;
    site.run("insert into cms.used_state values ('a', now() - interval '1 minute'), ('b', now() + interval '1 hour')")
        .await;
    let servers = [Server::start(&site), Server::start(&site)];
    eventually("all are scheduled", async || site.number("select count(*) from cms.schedule").await == 3).await;
    let soon = "select max(extract(epoch from due - now()))::bigint from cms.schedule";
    assert!(site.number(soon).await <= 60, "the first time is a minute after the first start");
    let listed = command(&site, &["jobs", "list"]);
    let lines = text(&listed);
    let periodic: Vec<Vec<&str>> = lines.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(periodic.len(), 3, "{lines}");
    assert!(
        periodic
            .iter()
            .all(|line| line.len() == 5 && line[2] == "periodic" && ["every 3600s", "every 86400s"].contains(&line[4])),
        "{lines}"
    );
    assert!(said(&listed).contains("next run") && text(&command(&site, &["jobs", "list", "--json"])).is_empty());
    site.run("update cms.schedule set due = now()").await;
    jobs::tell(&site.store).await.expect("they are told");
    eventually("it is deleted", async || site.number("select count(*) from cms.used_state").await == 1).await;
    eventually("it is pruned", async || site.number("select count(*) from cms.outbox").await == 2).await;
    eventually("the jobs are done", async || site.number("select count(*) from cms.job").await == 0).await;
    assert!(site.number(soon).await > 3500);
    for server in servers {
        assert_eq!(server.terminate(), Some(0));
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_from_before_gets_the_tables_beside_its_content() {
    let site = Site::new().await;
    assert!(command(&site, &["demo"]).status.success());
    let tags = site.number("select count(*) from draft.tag").await;
    assert!(tags > 0);
    // A database from before there were events and jobs.
    site.run("drop table cms.outbox, cms.outbox_head, cms.consumer, cms.job, cms.schedule, cms.webhook_delivery, cms.webhook").await;
    site.run("drop table cms.kept_value, cms.bin, cms.scheduled_change, cms.redirect").await;
    site.run("drop table cms.revision cascade").await;
    site.run("drop function cms.with_lost_references").await;
    site.run("drop schema search cascade").await;
    site.run("drop schema listing cascade").await;
    site.run("drop table cms.release_item, cms.release, cms.preview_link").await;
    site.run("drop table cms.entry_lock, cms.comment, cms.review, cms.review_step").await;
    site.run("delete from cms.migration where name >= 'system/0003' and name < 'system/9'").await;
    let behind = prepared(&site).args(["serve", "--port", "0"]).output().expect("the program runs");
    assert!(!behind.status.success(), "a server does not serve a database that is behind");
    assert!(command(&site, &["migrate"]).status.success());
    assert_eq!(site.number("select count(*) from draft.tag").await, tags);
    site.create(&HookSet::default(), "After").await;
    assert_eq!(site.number("select count(*) from cms.outbox").await, 2);
    assert_eq!(site.number("select position from cms.outbox_head").await, 0);
    assert_eq!(Server::start(&site).terminate(), Some(0));
    site.stop().await;
}

/// It was removed from the site or renamed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_the_site_has_no_more_is_told_of_when_events_are_kept_for_it() {
    let site = Site::new().await;
    site.run("insert into cms.consumer (name, position) values ('gone', 0)").await;
    site.create(&HookSet::default(), "Old").await;
    site.run("update cms.outbox set at = now() - interval '8 days'").await;
    let server = Server::start(&site);
    eventually("all are scheduled", async || site.number("select count(*) from cms.schedule").await == 3).await;
    site.run("update cms.schedule set due = now()").await;
    jobs::tell(&site.store).await.expect("it is told");
    eventually("it is told", async || !server.logged("`delete from cms.consumer where name = 'gone'`").is_empty())
        .await;
    assert_eq!(site.number("select count(*) from cms.outbox").await, 2);
    assert_eq!(server.terminate(), Some(0));
    site.stop().await;
}
