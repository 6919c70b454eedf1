//! `Cache-Control` and tags of responses to GET, for caches in front of the server.

use std::time::{Duration, Instant};

use runtime::serde_json::json;

use super::{CACHE, get, is_caching, is_hit, make, product, told};
use crate::client::{Answer, Node, Site, TOKEN, migrated};

const TAGS: [&str; 2] = ["surrogate-key", "cache-tag"];

fn path(query: &str) -> String {
    let mut path = "/graphql?query=".to_owned();
    for byte in query.bytes() {
        path.push_str(&format!("%{byte:02X}"));
    }
    path
}

async fn ask(site: &Node, query: &str, headers: &[(&str, &str)]) -> Answer {
    site.send("GET", &path(query), headers, "").await
}

fn control(answer: &Answer) -> &str {
    answer.header("cache-control").unwrap_or_default()
}

/// The seconds of a directive.
fn seconds(answer: &Answer, directive: &str) -> Option<u64> {
    let mut directives = control(answer).split(", ");
    directives.find_map(|one| one.strip_prefix(directive)?.strip_prefix('=')?.parse().ok())
}

/// Waits until responses have what this says of their headers.
async fn until(site: &Node, query: &str, expected: impl Fn(&Answer) -> bool) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = ask(site, query, &[]).await;
        if expected(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn site(variables: &[(&str, &str)]) -> Site {
    let site = Site::with(migrated().await, &[&[CACHE], variables].concat()).await;
    is_caching(&site).await;
    site
}

const ALL: [(&str, &str); 3] =
    [("TYPECASE_MAX_AGE", "30"), ("TYPECASE_SHARED_MAX_AGE", "3600"), ("TYPECASE_STALE_WHILE_REVALIDATE", "60")];

#[tokio::test]
async fn only_what_every_visitor_gets_may_be_kept() {
    let site = site(&ALL).await;
    let id = product(&site, "Chair").await;
    let one = format!("{{ product(id: \"{id}\") {{ name }} }}");
    let whole = "public, max-age=30, s-maxage=3600, stale-while-revalidate=60";
    let kept = until(&site, &one, |answer| is_hit(answer) && control(answer) == whole).await;
    let [spaces, commas] = [" ", ","].map(|separator| format!("product-entries{separator}{id}"));
    assert_eq!(TAGS.map(|name| kept.header(name)), [Some(&*spaces), Some(&*commas)]);
    let list =
        until(&site, "{ products { nodes { name brand { name } tags { name } } } }", |answer| control(answer) == whole)
            .await;
    assert_eq!(list.header("surrogate-key"), Some("product tag"), "no brand was read");
    assert_eq!(list.header("cache-tag"), Some("product,tag"));
    let known = ask(&site, &one, &[("if-none-match", kept.header("etag").unwrap())]).await;
    assert_eq!((known.status, control(&known), known.header("surrogate-key")), (304, whole, Some(&*spaces)));
    let compressed = ask(&site, &one, &[("accept-encoding", "br")]).await;
    assert_eq!(control(&compressed), whole);
    for needed in ["Accept", "Accept-Encoding", "Authorization", "Cookie", "Typecase-Preview"] {
        assert!(kept.header("vary").unwrap().split(", ").any(|name| name == needed), "{kept:?}");
    }
    let token = format!("Bearer {TOKEN}");
    let as_developer = ask(&site, &one, &[("authorization", &token)]).await;
    assert_eq!((control(&as_developer), TAGS.map(|name| as_developer.header(name))), ("private, no-cache", [None; 2]));
    let link = make(&site, "mutation { made: createPreviewLink(drafts: true) { token } }", json!({})).await;
    let preview = ask(&site, &one, &[("typecase-preview", link["token"].as_str().unwrap())]).await;
    assert_eq!((control(&preview), preview.header("surrogate-key")), ("private, no-store", None));
    // What the server does not keep nobody keeps: errors, the site's own code, POST.
    for (query, expected) in [
        ("{ nothing }", ""),
        ("{ resolve(path: \"/nowhere\") { __typename } }", "no-cache"),
        ("{ me { kind } }", "no-cache"),
    ] {
        let answer = ask(&site, query, &[]).await;
        assert!(
            control(&answer) == expected && TAGS.iter().all(|name| answer.header(name).is_none()),
            "{query}: {answer:?}"
        );
    }
    let posted = get(&site, &one).await;
    assert_eq!((is_hit(&posted), posted.header("cache-control"), posted.header("surrogate-key")), (true, None, None));
    site.stop().await;
}

#[tokio::test]
async fn a_scheduled_change_ends_what_may_be_kept() {
    let site = site(&ALL).await;
    let id = product(&site, "Chair").await;
    let (products, brands) = ("{ products { nodes { name } } }", "{ brands { nodes { name } } }");
    let one = format!("{{ product(id: \"{id}\") {{ name }} }}");
    let whole = |answer: &Answer| is_hit(answer) && seconds(answer, "s-maxage") == Some(3600);
    until(&site, products, whole).await;
    let at = |seconds: u64| {
        let at = std::time::SystemTime::now() + Duration::from_secs(seconds);
        let since = at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        format!("to_timestamp({since})")
    };
    let schedule =
        format!("mutation {{ made: scheduleUnpublish(id: \"{id}\", at: \"2030-01-01T00:00:00Z\") {{ id }} }}");
    make(&site, &schedule, json!({})).await;
    let moved = format!("update cms.scheduled_change set at = {}", at(100));
    sqlx::query(sqlx::AssertSqlSafe(moved)).execute(&site.db.pool).await.unwrap();
    for query in [products, &one] {
        let answer = until(&site, query, |answer| seconds(answer, "s-maxage").is_some_and(|most| most <= 100)).await;
        let (shared, own) = (seconds(&answer, "s-maxage").unwrap(), seconds(&answer, "max-age").unwrap());
        assert!(shared > 80 && own == 30, "{answer:?}");
        assert_eq!(seconds(&answer, "stale-while-revalidate"), None, "that would be later");
    }
    assert!(whole(&until(&site, brands, is_hit).await), "no brand is scheduled to change");
    // A release may be of any type.
    let release = "insert into cms.release (id, title, state, at, actor_kind)
        values (gen_random_uuid(), 'Spring', 'scheduled', now() + interval '50 seconds', 'developer')";
    sqlx::query(release).execute(&site.db.pool).await.unwrap();
    let answer = until(&site, brands, |answer| seconds(answer, "s-maxage").is_some_and(|most| most <= 50)).await;
    assert!(seconds(&answer, "s-maxage").unwrap() > 30, "{answer:?}");
    // It is due and not made yet: the next moment may change everything.
    let due = format!("update cms.scheduled_change set at = {}", at(0));
    sqlx::query(sqlx::AssertSqlSafe(due)).execute(&site.db.pool).await.unwrap();
    until(&site, products, |answer| is_hit(answer) && control(answer) == "no-cache").await;
    assert!(seconds(&ask(&site, brands, &[]).await, "s-maxage").is_some());
    site.stop().await;
}

#[tokio::test]
async fn by_default_caches_ask_each_time() {
    let site = site(&[]).await;
    product(&site, "Chair").await;
    let answer = until(&site, "{ products { nodes { name } } }", is_hit).await;
    assert_eq!((control(&answer), TAGS.map(|name| answer.header(name))), ("no-cache", [None; 2]));
    site.stop().await;
    // Without a shared cache nobody needs tags.
    let site = self::site(&ALL[..1]).await;
    let answer = until(&site, "{ products { nodes { name } } }", |answer| control(answer) != "no-cache").await;
    assert_eq!(
        (control(&answer), TAGS.map(|name| answer.header(name))),
        ("public, max-age=30", [None; 2]),
        "{}",
        told(&answer)
    );
    site.stop().await;
}
