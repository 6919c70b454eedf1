//! Jobs: enqueued with a write, deduplicated by key, delayed, retried, parked, drained.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use generated::content::{TAG, Tag};
use runtime::background::Work as Tasks;
use runtime::hooks::HookSet;
use runtime::hooks::Transcript;
use runtime::jobs::{self, Filter, Jobs, State};
use runtime::prelude::*;
use runtime::store::{Ear, write};
use tokio::sync::Semaphore;

use crate::site::{Site, eventually, note};

/// A job that records its words.
#[derive(Serialize, Deserialize)]
pub struct Say {
    pub words: String,
    pub key: Option<String>,
}

impl Job for Say {
    const KIND: &'static str = "say";

    fn key(&self) -> Option<String> {
        self.key.clone()
    }
}

pub struct Saying;

impl Work<Say> for Saying {
    async fn work(&self, cx: &mut Cx<'_>, job: Say) -> Result<()> {
        note(cx.connection, "say", &job.words, None).await
    }
}

pub fn say(words: &str) -> Say {
    Say { words: words.to_owned(), key: None }
}

pub fn tasks(change: impl FnOnce(&mut Jobs)) -> Tasks {
    let mut jobs = Jobs::default();
    change(&mut jobs);
    Tasks { jobs, ..Tasks::default() }
}

fn sayings() -> Tasks {
    tasks(|jobs| jobs.add(Saying))
}

/// Enqueues in the transaction of the save, and refuses some.
struct TagHooks;

impl Hooks<Tag> for TagHooks {
    async fn after_save(&self, cx: &mut Cx<'_>, _: Option<&Tag>, new: &Tag) -> Result<()> {
        cx.enqueue(&say(&new.name)).await?;
        if new.name == "Refused" { Err(refuse("not this one", [])) } else { Ok(()) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_there_with_the_write_that_gave_cause_to_it_and_never_without() {
    let site = Site::new().await;
    let mut hooks = HookSet::default();
    hooks.add(TagHooks);
    let input = |name: &str| runtime::serde_json::Map::from_iter([("name".to_owned(), name.into())]);
    let refused = input("Refused");
    let refused = write::create(&site.store, &hooks, &TAG, &refused, false);
    assert!(refused.await.is_err());
    site.create(&hooks, "Kept").await;
    assert_eq!(site.number("select count(*) from cms.job").await, 1);
    let node = site.node(sayings());
    eventually("it is said", async || site.done("say").await == ["Kept"]).await;
    assert_eq!(site.number("select count(*) from cms.job").await, 0);
    node.stop().await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_waits_is_the_same_job_as_another_with_its_key() {
    let site = Site::new().await;
    for _ in 0..3 {
        jobs::enqueue(&site.store, &Say { words: "once".into(), key: Some("a".into()) }).await.expect("a job");
    }
    jobs::enqueue(&site.store, &Say { words: "other".into(), key: Some("b".into()) }).await.expect("a job");
    assert_eq!(site.number("select count(*) from cms.job").await, 2);
    // One at a time, since two may end in another order than they begin.
    let node = site.node(Tasks { most: 1, ..sayings() });
    eventually("both are said", async || site.done("say").await.len() == 2).await;
    jobs::enqueue(&site.store, &Say { words: "again".into(), key: Some("a".into()) }).await.expect("a job");
    jobs::tell(&site.store).await.expect("it is told");
    eventually("it is another one", async || site.done("say").await.len() == 3).await;
    assert_eq!(site.done("say").await, ["once", "other", "again"]);
    node.stop().await;
    site.stop().await;
}

/// Changes that a running job with a key has not seen are handled by another one with it, afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_being_done_is_not_the_same_job() {
    let site = Site::new().await;
    let gate = Gate::default();
    let node = site.node(tasks(|jobs| jobs.add(gate.clone())));
    let keyed = || Wait { words: "keyed".into() };
    jobs::enqueue(&site.store, &keyed()).await.expect("a job");
    jobs::tell(&site.store).await.expect("it is told");
    gate.begun(1).await;
    jobs::enqueue(&site.store, &keyed()).await.expect("a job");
    assert_eq!(site.number("select count(*) from cms.job").await, 2);
    gate.open.add_permits(2);
    jobs::tell(&site.store).await.expect("it is told");
    eventually("both are done", async || site.done("wait").await.len() == 2).await;
    node.stop().await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn later_is_not_before_its_moment_and_the_rest_is_in_order() {
    let site = Site::new().await;
    let mut transaction = site.store.writes.begin().await.expect("a transaction");
    let mut transcript = Transcript::new(&site.store);
    let hooks = HookSet::default();
    let mut cx = transcript.cx(&site.store, &hooks, &mut transaction);
    cx.enqueue(&say("third")).after(Duration::from_millis(700)).await.expect("a job");
    cx.enqueue(&say("tomorrow")).after(Duration::from_secs(86_400)).await.expect("a job");
    let past = Timestamp::from_microsecond(1_700_000_000_000_000).expect("a moment");
    cx.enqueue(&say("second")).await.expect("a job");
    cx.enqueue(&say("first")).at(past).await.expect("a job");
    transaction.commit().await.expect("it is committed");
    // One at a time, since two may end in another order than they begin.
    let node = site.node(Tasks { most: 1, ..sayings() });
    eventually("three are said", async || site.done("say").await.len() == 3).await;
    assert_eq!(site.done("say").await, ["first", "second", "third"]);
    let backlog = jobs::backlog(&site.store).await.expect("the backlog");
    assert_eq!((backlog[0].kind.as_str(), backlog[0].due, backlog[0].later), ("say", 0, 1));
    node.stop().await;
    site.stop().await;
}

#[derive(Serialize, Deserialize)]
struct Try {
    panics: bool,
}

impl Job for Try {
    const KIND: &'static str = "try";
    const ATTEMPTS: u32 = 2;
}

/// Fails until this many attempts have been made.
struct Trying {
    tried: Arc<AtomicU32>,
    well_after: u32,
}

impl Work<Try> for Trying {
    async fn work(&self, cx: &mut Cx<'_>, job: Try) -> Result<()> {
        note(cx.connection, "try", "tried", None).await?;
        let before = self.tried.fetch_add(1, Ordering::Relaxed);
        assert!(!job.panics || before >= self.well_after, "it panics");
        if before < self.well_after { Err(refuse("not yet", [])) } else { Ok(()) }
    }
}

/// Makes failed jobs due now, since their pauses are long.
async fn hurry(site: &Site) {
    site.run("update cms.job set due = now() where state = 'waiting'").await;
    jobs::tell(&site.store).await.expect("it is told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_is_tried_again_then_parked_and_retried_by_hand() {
    for panics in [false, true] {
        let site = Site::new().await;
        let tried = Arc::<AtomicU32>::default();
        let trying = Trying { tried: Arc::clone(&tried), well_after: 2 };
        let node = site.node(tasks(|jobs| jobs.add(trying)));
        let id = jobs::enqueue(&site.store, &Try { panics }).await.expect("a job");
        jobs::tell(&site.store).await.expect("it is told");
        eventually("it has failed and waits", async || {
            site.number("select count(*) from cms.job where state = 'waiting' and attempts = 1 and due > now()").await
                == 1
        })
        .await;
        assert_eq!(jobs::backlog(&site.store).await.expect("the backlog")[0].failing, 1);
        hurry(&site).await;
        eventually("it is parked", async || {
            site.number("select count(*) from cms.job where state = 'parked'").await == 1
        })
        .await;
        let parked = jobs::list(&site.store, &Filter { state: Some(State::Parked), kind: None, most: 10 }).await;
        let parked = parked.expect("a list").remove(0);
        assert_eq!((parked.id, parked.attempts), (id, 2));
        let said = if panics { "panic: it panics" } else { "not yet" };
        assert_eq!(parked.error.as_deref(), Some(said));
        assert!(site.done("try").await.is_empty(), "nothing of an attempt that failed is kept");
        assert!(jobs::retry(&site.store, id).await.expect("it waits again"));
        assert!(!jobs::retry(&site.store, id).await.expect("it is not parked"));
        eventually("it is done", async || site.number("select count(*) from cms.job").await == 0).await;
        assert_eq!((site.done("try").await.len(), tried.load(Ordering::Relaxed)), (1, 3));
        node.stop().await;
        site.stop().await;
    }
}

/// A payload of another version is an error of that job alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_an_error_and_keeps_nobody() {
    let site = Site::new().await;
    site.run("insert into cms.job (id, kind, payload) values (gen_random_uuid(), 'say', '{\"text\": 1}')").await;
    jobs::enqueue(&site.store, &say("well")).await.expect("a job");
    let node = site.node(Tasks { most: 1, ..sayings() });
    eventually("the other is said", async || site.done("say").await == ["well"]).await;
    let failed = jobs::list(&site.store, &Filter { most: 10, ..Filter::default() }).await.expect("a list").remove(0);
    assert!(failed.error.is_some_and(|error| error.contains("missing field `words`")));
    node.stop().await;
    site.stop().await;
}

#[derive(Serialize, Deserialize)]
pub struct Wait {
    pub words: String,
}

impl Job for Wait {
    const KIND: &'static str = "wait";

    fn key(&self) -> Option<String> {
        Some(self.words.clone())
    }
}

/// Lets a job finish when the test says so.
#[derive(Clone)]
pub struct Gate {
    begun: Arc<Semaphore>,
    pub open: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { begun: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) }
    }
}

impl Gate {
    /// Waits until this many more have begun.
    pub async fn begun(&self, count: u32) {
        self.begun.acquire_many(count).await.expect("it is open").forget();
    }

    async fn pass(&self) {
        self.begun.add_permits(1);
        self.open.acquire().await.expect("it is open").forget();
    }
}

impl Work<Wait> for Gate {
    async fn work(&self, cx: &mut Cx<'_>, job: Wait) -> Result<()> {
        note(cx.connection, "wait", &job.words, None).await?;
        self.pass().await;
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
pub struct Mail {}

impl Job for Mail {
    const KIND: &'static str = "mail";
}

impl OutsideWork<Mail> for Gate {
    async fn work(&self, store: &Store, attempt: &Attempt, _: Mail) -> Result<()> {
        self.pass().await;
        let mut transaction = store.writes.begin().await?;
        note(&mut transaction, "mail", &format!("attempt {} of {}", attempt.number, attempt.of), None).await?;
        Ok(transaction.commit().await?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_ends_what_it_has_begun_and_begins_nothing() {
    let site = Site::new().await;
    let (inside, outside) = (Gate::default(), Gate::default());
    let node = site.node(tasks(|jobs| {
        jobs.add(inside.clone());
        jobs.add_outside(outside.clone());
    }));
    for words in ["one", "two"] {
        jobs::enqueue(&site.store, &Wait { words: words.into() }).await.expect("a job");
        if words == "one" {
            jobs::enqueue(&site.store, &Mail {}).await.expect("a job");
        }
        jobs::tell(&site.store).await.expect("it is told");
    }
    inside.begun(1).await;
    outside.begun(1).await;
    let stopping = tokio::spawn(node.stop());
    inside.open.add_permits(5);
    outside.open.add_permits(5);
    stopping.await.expect("it stops");
    assert_eq!(site.done("mail").await, ["attempt 1 of 12"]);
    assert_eq!(site.done("wait").await, ["one"]);
    assert_eq!(site.number("select count(*) from cms.job where state = 'waiting' and attempts = 0").await, 1);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_end_in_time_is_given_back_and_done_by_another_node() {
    let site = Site::new().await;
    let gate = Gate::default();
    let tasks = || Tasks { drain: Duration::from_millis(200), ..tasks(|jobs| jobs.add(gate.clone())) };
    let node = site.node(tasks());
    jobs::enqueue(&site.store, &Wait { words: "long".into() }).await.expect("a job");
    jobs::tell(&site.store).await.expect("it is told");
    gate.begun(1).await;
    node.stop().await;
    assert_eq!(site.number("select count(*) from cms.job where state = 'waiting' and attempts = 0").await, 1);
    assert!(site.done("wait").await.is_empty());
    gate.open.add_permits(1);
    let node = site.node(tasks());
    eventually("it is done", async || site.done("wait").await == ["long"]).await;
    node.stop().await;
    site.stop().await;
}

/// Jobs of a kind that no node knows, as after a rollback of a release, and jobs that are due next year.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_nobody_does_now_do_not_slow_down_the_others() {
    let site = Site::new().await;
    site.run(
        "insert into cms.job (id, kind, payload, priority, due) select gen_random_uuid(), kind, '{}', priority, due
         from generate_series(1, 5000), (values ('unknown', 0, now() - interval '1 day'), ('unknown', 9, now()),
         ('say', 9, now() + interval '1 year'), ('say', 3, now() + interval '1 year')) as jobs(kind, priority, due)",
    )
    .await;
    site.run("analyze cms.job").await;
    let read = "select coalesce(sum(idx_tup_read + seq_tup_read), 0)::bigint
        from pg_stat_user_tables t join pg_stat_user_indexes i using (relid) where t.relname = 'job'";
    // Statistics are reported at the end of a transaction, at most once a second, and at the end of a connection.
    let connections = "select count(*) from pg_stat_activity where datname = current_database()";
    assert_eq!(site.number("select count(*) from cms.job").await, 20_000);
    eventually("what was read is told", async || site.number(read).await >= 20_000).await;
    jobs::tell(&site.store).await.expect("it is told");
    let (before, connected) = (site.number(read).await, site.number(connections).await);
    let node = site.node(sayings());
    for number in 0..5 {
        jobs::enqueue(&site.store, &say(&number.to_string())).await.expect("a job");
        jobs::tell(&site.store).await.expect("it is told");
        eventually("it is said", async || site.done("say").await.len() == number + 1).await;
    }
    node.stop().await;
    eventually("its connections are closed", async || site.number(connections).await <= connected).await;
    let looked_at = site.number(read).await - before;
    assert!(looked_at < 2_000, "{looked_at} rows were looked at for five jobs");
    site.stop().await;
}

/// A node without jobs notifies the others of jobs and events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_no_jobs_tells_those_that_do() {
    let site = Site::new().await;
    let quiet = site.node(Tasks { most: 0, ..sayings() });
    let busy = site.node(sayings());
    let begun = std::time::Instant::now();
    for number in 0..5 {
        let store = quiet.database.trusted();
        jobs::enqueue(&store, &say(&number.to_string())).await.expect("a job");
        eventually("it is said", async || site.done("say").await.len() == number + 1).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(25), "not by the clock, which takes half a minute each");
    quiet.stop().await;
    busy.stop().await;
    site.stop().await;
}

/// A new node need not wait for its next poll to find work that was announced before it listened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_looks_again_once_it_listens() {
    let site = Site::new().await;
    let mut ear = Ear::new(site.store.writes.login(), &[jobs::CHANNEL]);
    let heard = tokio::time::timeout(Duration::from_secs(10), ear.hear()).await;
    assert_eq!(heard.expect("at once"), None);
    jobs::tell(&site.store).await.expect("it is told");
    assert_eq!(ear.hear().await.as_deref(), Some(jobs::CHANNEL));
    site.stop().await;
}

/// The transaction that enqueues continues after the refusal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_cannot_be_stored_is_refused_before_the_database_is_asked() {
    let site = Site::new().await;
    let keyed = |key: String| Say { words: String::new(), key: Some(key) };
    for wrong in
        [say("a \0 in it"), keyed("a \0 in it".to_owned()), keyed("k".repeat(1_001)), say(&"w".repeat(1 << 20))]
    {
        let mut transaction = site.store.writes.begin().await.expect("a transaction");
        let refused = jobs::enqueue(&site.store, &wrong).await.expect_err("it is refused");
        assert_eq!(refused.problems[0].code, Code::BadUserInput, "{refused}");
        transaction.run("select 1", true).await.expect("it goes on");
    }
    // An escaped backslash followed by `u0000` is not this character.
    jobs::enqueue(&site.store, &say("\\u0000")).await.expect("it is stored");
    jobs::enqueue(&site.store, &keyed("k".repeat(1_000))).await.expect("it is stored");
    site.stop().await;
}

#[derive(Serialize, Deserialize)]
struct Block;

impl Job for Block {
    const KIND: &'static str = "block";
}

/// Blocks its thread, which a site's code should not do.
struct Blocking {
    begun: Arc<AtomicU32>,
    let_go: Arc<AtomicU32>,
}

impl OutsideWork<Block> for Blocking {
    async fn work(&self, _: &Store, _: &Attempt, _: Block) -> Result<()> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        while self.let_go.load(Ordering::Relaxed) == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

/// The test stands for requests: it continues while the background is blocked, and the node still stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_blocks_its_thread_keeps_no_request_waiting() {
    let site = Site::new().await;
    let (begun, let_go) = (Arc::<AtomicU32>::default(), Arc::<AtomicU32>::default());
    let blocking = Blocking { begun: Arc::clone(&begun), let_go: Arc::clone(&let_go) };
    let tasks = tasks(|jobs| jobs.add_outside(blocking));
    let node = site.node(Tasks { drain: Duration::from_millis(100), ..tasks });
    jobs::enqueue(&site.store, &Block).await.expect("a job");
    jobs::tell(&site.store).await.expect("it is told");
    eventually("it blocks", async || begun.load(Ordering::Relaxed) == 1).await;
    site.create(&HookSet::default(), "While they block").await;
    node.stop().await;
    let running = "select count(*) from cms.job where state = 'running'";
    assert_eq!(site.number(running).await, 1, "its lease ends by itself");
    let_go.store(1, Ordering::Relaxed);
    site.stop().await;
}

/// Fails as often as the test says so, and counts.
#[derive(Clone, Default)]
struct Failing {
    tried: Arc<AtomicU32>,
}

#[derive(Serialize, Deserialize)]
struct Call {}

impl Job for Call {
    const KIND: &'static str = "call";
    const ATTEMPTS: u32 = 3;

    fn key(&self) -> Option<String> {
        Some("the same".into())
    }
}

impl Work<Call> for Failing {
    async fn work(&self, _: &mut Cx<'_>, _: Call) -> Result<()> {
        self.tried.fetch_add(1, Ordering::Relaxed);
        Err(refuse("nobody answers", []))
    }
}

/// A job that is enqueued repeatedly while the other side is down is retried as rarely as one enqueued once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_waits_after_a_failure_is_not_hurried_by_another_with_its_key() {
    let site = Site::new().await;
    let failing = Failing::default();
    let node = site.node(tasks(|jobs| jobs.add(failing.clone())));
    for _ in 0..20 {
        jobs::enqueue(&site.store, &Call {}).await.expect("a job");
        jobs::tell(&site.store).await.expect("it is told");
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    assert_eq!(failing.tried.load(Ordering::Relaxed), 1);
    assert_eq!(site.number("select count(*) from cms.job where state = 'waiting' and attempts = 1").await, 1);
    node.stop().await;
    site.stop().await;
}

/// Jobs that are enqueued at each change: one may take longer than the time to the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_with_one_key_are_not_done_at_the_same_time() {
    let site = Site::new().await;
    let gate = Gate::default();
    let nodes = [site.node(tasks(|jobs| jobs.add(gate.clone()))), site.node(tasks(|jobs| jobs.add(gate.clone())))];
    let keyed = || Wait { words: "keyed".into() };
    jobs::enqueue(&site.store, &keyed()).await.expect("a job");
    jobs::tell(&site.store).await.expect("it is told");
    gate.begun(1).await;
    jobs::enqueue(&site.store, &keyed()).await.expect("a job");
    jobs::enqueue(&site.store, &Wait { words: "other".into() }).await.expect("a job");
    jobs::tell(&site.store).await.expect("it is told");
    gate.begun(1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let running = "select key from cms.job where state = 'running' order by key";
    let running: Vec<String> = sqlx::query_scalar(running).fetch_all(&site.db.pool).await.expect("keys");
    assert_eq!(running, ["keyed", "other"]);
    gate.open.add_permits(3);
    eventually("all are done", async || site.done("wait").await.len() == 3).await;
    for node in nodes {
        node.stop().await;
    }
    site.stop().await;
}

#[derive(Serialize, Deserialize)]
struct Again {}

impl Job for Again {
    const KIND: &'static str = "again";
    const ATTEMPTS: u32 = 3;

    fn key(&self) -> Option<String> {
        Some("the same".into())
    }
}

impl OutsideWork<Again> for Failing {
    async fn work(&self, store: &Store, _: &Attempt, job: Again) -> Result<()> {
        self.tried.fetch_add(1, Ordering::Relaxed);
        jobs::enqueue(store, &job).await?;
        Err(refuse("nobody answers", []))
    }
}

/// A job that always fails is parked, even if there is always another one with its key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_fails_leaves_its_attempts_and_its_error_to_the_one_that_waits_with_its_key() {
    let site = Site::new().await;
    let failing = Failing::default();
    let node = site.node(tasks(|jobs| jobs.add_outside(failing.clone())));
    jobs::enqueue(&site.store, &Again {}).await.expect("a job");
    for attempt in 1..=2 {
        // The first attempt is made at once; what waits after it would be hurried too.
        if attempt > 1 {
            hurry(&site).await;
        }
        eventually("it has failed", async || {
            failing.tried.load(Ordering::Relaxed) == attempt
                && site.number("select count(*) from cms.job where state = 'running'").await == 0
        })
        .await;
        let waiting = jobs::list(&site.store, &Filter { most: 10, ..Filter::default() }).await.expect("a list");
        let [waiting] = waiting.as_slice() else { panic!("{waiting:?}") };
        assert_eq!((waiting.attempts.cast_unsigned(), waiting.error.as_deref()), (attempt, Some("nobody answers")));
        assert!(waiting.due > Timestamp::now(), "it waits as one that has failed");
    }
    hurry(&site).await;
    eventually("it is parked", async || {
        site.number("select count(*) from cms.job where state = 'parked' and attempts = 3").await == 1
    })
    .await;
    node.stop().await;
    site.stop().await;
}

/// During a rollout, nodes of the old version leave jobs of the new one to the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_a_kind_that_a_node_does_not_know_waits_untouched() {
    let site = Site::new().await;
    site.run("insert into cms.job (id, kind, payload, priority) values (gen_random_uuid(), 'newer', '{}', 9)").await;
    site.run(
        "insert into cms.job (id, kind, payload, state, lease, attempts, due)
         values (gen_random_uuid(), 'newest', '{}', 'running', gen_random_uuid(), 1, now() - interval '1 minute')",
    )
    .await;
    let node = site.node(Tasks { most: 1, ..sayings() });
    jobs::enqueue(&site.store, &say("known")).await.expect("a job");
    jobs::tell(&site.store).await.expect("it is told");
    eventually("the known one is said", async || site.done("say").await == ["known"]).await;
    node.stop().await;
    assert_eq!(site.number("select count(*) from cms.job where kind = 'newer' and attempts = 0").await, 1);
    assert_eq!(site.number("select count(*) from cms.job where kind = 'newest' and attempts = 1").await, 1);
    assert_eq!(jobs::backlog(&site.store).await.expect("the backlog").len(), 2);
    site.stop().await;
}
