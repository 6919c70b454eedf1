//! What is kept: deliveries for their time, and secrets through a change of TYPECASE_SECRET.

use runtime::identity::secret::{Sealer, Secret};
use runtime::serde_json::json;
use runtime::webhooks::{Allowed, Resealing, Wanted, Webhooks};

use crate::site::{Site, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_deliveries_are_deleted_and_nothing_waits_for_them() {
    let site = Site::new().await;
    let node = site.node().await;
    node.webhook(json!({ "name": "a", "url": site.receiver.url("/a"), "types": ["Brand"] })).await;
    site.run(
        "insert into cms.webhook_delivery (id, webhook, event, entry, at, body, state, finished_at)
        select gen_random_uuid(), w.id, d.event, gen_random_uuid(), now(), '{}', d.state, now() - d.age
        from cms.webhook w, (values
            ('a', 'delivered', interval '8 days'), ('b', 'delivered', interval '6 days'), ('c', 'dead', interval '8 days'),
            ('d', 'dead', interval '31 days'), ('e', 'queued', null)
        ) as d(event, state, age)",
    )
    .await;
    site.run("update cms.schedule set due = now() where kind = 'typecase.delete_expired'").await;
    site.run("select pg_notify('typecase_jobs', '')").await;
    eventually("the old ones are deleted", async || {
        site.number("select count(*) from cms.webhook_delivery").await == 3
    })
    .await;
    eventually("what was left behind is sent", async || site.receiver.received("/a").len() == 1).await;
    let left = "select count(*) from cms.webhook_delivery where (event, state) in (('b', 'delivered'), ('c', 'dead'))";
    assert_eq!(site.number(left).await, 2);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_sealed_again_with_another_secret() {
    let site = Site::new().await;
    let database = site.db.database(&generated::SCHEMA);
    let [old, new] = [(), ()].map(|()| Secret::for_this_process().expect("a secret"));
    let webhooks = |current: &Secret, previous: Option<&Secret>| {
        Webhooks::new(Sealer::new(current.clone(), previous.cloned()), Allowed::default())
    };
    let wanted = Wanted {
        name: "a".to_owned(),
        url: "https://example.com/".to_owned(),
        types: None,
        actions: None,
        filter: None,
        document: None,
        role: None,
        enabled: true,
    };
    let store = database.trusted();
    let (made, _) = webhooks(&old, None).create(&store, &wanted).await.expect("a webhook");
    webhooks(&old, None).rotate(&store, made.id).await.expect("two secrets");
    let reseal = async |webhooks: Webhooks| webhooks.reseal(&database).await.expect("it is done");
    assert_eq!(reseal(webhooks(&new, None)).await, Resealing { resealed: 0, lost: 2 });
    assert_eq!(reseal(webhooks(&new, Some(&old))).await, Resealing { resealed: 2, lost: 0 });
    assert_eq!(reseal(webhooks(&new, None)).await, Resealing { resealed: 0, lost: 0 });
    database.close().await;
    site.close().await;
}
