//! `explainAccess` is correct: under random rules, its result for every role, action and entry matches what happens when the action is
//! tried.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use runtime::access::{AccessInfo, Action, Actor, Identity, Origin, RuleInfo};
use runtime::content::SchemaInfo;
use runtime::export::{Options, StageName};
use runtime::graphql::{Api, Request, Verb};
use runtime::hooks::HookSet;
use runtime::id;
use runtime::serde_json::{self, Value as Json};
use runtime::testing::TestDb;
use uuid::Uuid;

use crate::client::{migrated, standing};
use crate::reads::Plain;

const CASES: u64 = 12;
const ROLES: [&str; 4] = ["editor", "author", "viewer", "anonymous"];
const TRIED: [Action; 7] =
    [Action::Read, Action::ReadDrafts, Action::Create, Action::Update, Action::Publish, Action::Delete, Action::Export];
/// Conditions on the entry; for `create` there is no existing entry that they could match.
const CONDITIONS: [&str; 4] = [
    r#"{"createdBy":{"eq":"$user"}}"#,
    r#"{"status":{"eq":"DRAFT"}}"#,
    r#"{"status":{"ne":"DRAFT"}}"#,
    r#"{"featured":{"eq":true}}"#,
];

#[derive(Debug)]
struct Post {
    id: String,
    /// Unique, because exports have no ids.
    title: String,
}

/// Deterministic for each case.
fn choice(case: u64, role: &str, action: Action, of: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (case, role, action).hash(&mut hasher);
    hasher.finish() % of
}

fn rule(case: u64, role: &'static str, action: Action) -> Option<RuleInfo> {
    let rule = RuleInfo::new(role, action);
    match choice(case, role, action, 8) {
        0 | 1 => None,
        2..=3 => Some(rule),
        _ if action == Action::Create => Some(rule),
        narrowed => Some(rule.rows(CONDITIONS[narrowed as usize % CONDITIONS.len()])),
    }
}

/// The shipped schema with the case's rules for posts; `admin` keeps its own.
fn schema(case: u64) -> &'static SchemaInfo {
    let of_posts = || {
        let shipped = generated::SCHEMA.access.iter().find(|access| access.table == "post").expect("posts have rules");
        let admin = shipped.rules.iter().filter(|rule| rule.role == "admin");
        let admin = admin.map(|rule| RuleInfo::new("admin", rule.action));
        let others = ROLES.into_iter().flat_map(|role| Action::ALL.map(|action| rule(case, role, action)));
        admin.chain(others.flatten()).collect::<Vec<_>>().leak()
    };
    let access = generated::SCHEMA.access.iter().map(|access| AccessInfo {
        table: access.table,
        rules: if access.table == "post" { of_posts() } else { access.rules },
    });
    Box::leak(Box::new(SchemaInfo { access: access.collect::<Vec<_>>().leak(), ..generated::SCHEMA }))
}

async fn ask(api: &Api, actor: Actor, query: String) -> Json {
    let request = Request { query, ..Request::default() };
    serde_json::from_slice(&api.execute(&request, actor, Verb::Post).await.body.to_vec()).expect("JSON")
}

fn code(answer: &Json) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

fn admin() -> Actor {
    Actor::developer(Origin::default())
}

/// Drafts, published and changed entries, by Ada and by nobody, featured and not.
async fn posts(db: &TestDb, ada: Uuid) -> Vec<Post> {
    let api = Api::new(db.database(&generated::SCHEMA), standing(), HookSet::default(), generated::site(Plain));
    let api = api.expect("the API");
    let mut posts = Vec::new();
    for number in 0..12 {
        let (publish, is_changed) = (number % 3 > 0, number % 3 > 1);
        let input = format!(r#"{{title: "Post {number}", body: "x", featured: {}}}"#, number % 4 > 1);
        let make = format!("mutation {{ createPost(input: {input}, publish: {publish}) {{ id }} }}");
        let made = ask(&api, admin(), make).await;
        let shown = made["data"]["createPost"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        if is_changed {
            let change =
                format!(r#"mutation {{ updatePost(id: "{shown}", revision: 1, input: {{excerpt: "y"}}) {{ id }} }}"#);
            assert_eq!(code(&ask(&api, admin(), change).await), "");
        }
        let id = id::decode_as("post", &shown).expect("an id");
        for table in ["draft.post", "live.post"] {
            let sql = format!("update {table} set created_by = $2 where id = $1 and $3");
            let sql = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).bind(ada).bind(number % 2 == 0);
            sql.execute(&db.pool).await.expect("it has an author");
        }
        posts.push(Post { id: shown, title: format!("Post {number}") });
    }
    posts
}

/// Whether the action is allowed, by trying it with another revision, so that nothing changes.
async fn can(api: &Api, actor: &Actor, action: Action, post: Option<&Post>) -> bool {
    let shown = post.map_or("", |post| &post.id);
    let query = match action {
        Action::Read => format!(r#"{{ post(id: "{shown}") {{ id }} }}"#),
        Action::ReadDrafts => format!(r#"{{ post(id: "{shown}", stage: DRAFT) {{ id }} }}"#),
        Action::Create => r#"mutation { createPost(input: {title: "a", slug: "No slug"}) { __typename } }"#.to_owned(),
        Action::Update => {
            format!(r#"mutation {{ updatePost(id: "{shown}", revision: 99, input: {{}}) {{ __typename }} }}"#)
        }
        Action::Publish => format!(r#"mutation {{ publishPost(id: "{shown}", revision: 99) {{ __typename }} }}"#),
        Action::Delete => format!(r#"mutation {{ deletePost(id: "{shown}", revision: 99) }}"#),
        _ => unreachable!("it is not tried over GraphQL"),
    };
    let answer = ask(api, actor.clone(), query).await;
    match (action, code(&answer)) {
        (Action::Read | Action::ReadDrafts, "") => !answer["data"]["post"].is_null(),
        (Action::Create, "INVALID_VALUE")
        | (Action::Update | Action::Publish | Action::Delete, "REVISION_MISMATCH") => true,
        (_, "FORBIDDEN" | "UNAUTHENTICATED" | "NOT_FOUND") => false,
        _ => panic!("{action:?} as {}: {answer}", actor.role),
    }
}

/// The exported lines of both stages.
async fn exported(api: &Api, actor: &Actor) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut lines = String::new();
    for stage in [StageName::Draft, StageName::Live] {
        let out = folder.path().join("post.ndjson");
        let options = Options { content_type: "post".into(), stage, out: Some(out.clone()) };
        if runtime::export::run(&options, &api.database.acting(actor.clone())).await.is_ok() {
            lines += &std::fs::read_to_string(&out).expect("it is written");
        }
    }
    lines
}

async fn explained(api: &Api, who: &str, action: Action, post: Option<&Post>) -> Json {
    let entry = post.map(|post| format!(r#"id: "{}", "#, post.id)).unwrap_or_default();
    let action = action.as_str().to_uppercase();
    let query =
        format!(r#"{{ explainAccess(type: "Post", action: {action}, {entry}{who}) {{ allowed role reasons }} }}"#);
    let answer = ask(api, admin(), query).await;
    assert_eq!(code(&answer), "", "{answer}");
    answer["data"]["explainAccess"].clone()
}

#[tokio::test]
async fn what_is_explained_is_what_happens() {
    let db = migrated().await;
    let ada = id::new_uuid();
    let user = "insert into cms.user (id, email, name, role) values ($1, 'ada@shop.example', 'Ada', 'viewer')";
    sqlx::query(user).bind(ada).execute(&db.pool).await.expect("a user");
    let posts = posts(&db, ada).await;
    let (mut wrong, mut seen) = (Vec::new(), BTreeMap::<(&str, bool), usize>::new());
    for case in 0..CASES {
        let api = Api::new(db.database(schema(case)), standing(), HookSet::default(), generated::site(Plain));
        let api = api.expect("the API");
        for role in ROLES {
            let (actor, who) = if role == "anonymous" {
                (Actor::anonymous(Origin::default()), r#"role: "anonymous""#.to_owned())
            } else {
                let sql = sqlx::query("update cms.user set role = $2 where id = $1").bind(ada).bind(role);
                sql.execute(&db.pool).await.expect("another role");
                let identity = Identity::User { id: ada, session: Uuid::nil() };
                let actor = Actor { identity, role: role.into(), ..Actor::anonymous(Origin::default()) };
                (actor, format!(r#"user: "{}""#, id::encode("user", ada)))
            };
            let has = |action| rule(case, role, action).is_some();
            let imports = has(Action::Import) && (has(Action::Create) || has(Action::Update));
            let import = explained(&api, &who, Action::Import, None).await;
            if import["allowed"] != imports {
                wrong.push(format!("case {case}, {role}, imports: {imports}, explained: {import}"));
            }
            let exported = exported(&api, &actor).await;
            for action in TRIED {
                let entries = posts.iter().skip(case as usize % 2).step_by(2).map(Some);
                let entries: Vec<_> = if action == Action::Create { vec![None] } else { entries.collect() };
                let mut some = false;
                for post in entries {
                    let explained = explained(&api, &who, action, post).await;
                    let may = match (action, post) {
                        (Action::Export, Some(post)) => exported.contains(&format!("{:?}", post.title)),
                        _ => can(&api, &actor, action, post).await,
                    };
                    some |= may;
                    *seen.entry((action.as_str(), may)).or_default() += 1;
                    if explained["allowed"] != may || explained["role"] != role {
                        wrong.push(format!("case {case}, {role}, {action:?}, {post:?}: {may}, explained: {explained}"));
                    }
                }
                // An action that is allowed on an entry is allowed in general.
                let in_general = self::explained(&api, &who, action, None).await;
                if some && in_general["allowed"] == false {
                    wrong.push(format!("case {case}, {role}, {action:?} in general: {in_general}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} are not explained as they are:\n{}", wrong.len(), wrong.join("\n"));
    assert!(
        TRIED.iter().all(|action| [true, false].iter().all(|may| seen.contains_key(&(action.as_str(), *may)))),
        "{seen:?}"
    );
    db.close().await;
}
