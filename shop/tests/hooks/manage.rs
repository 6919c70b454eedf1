//! Who may manage webhooks, what is written down of it, the test delivery, and the command line.

use runtime::serde_json::{self, Value as Json, json};

use crate::receiver::status;
use crate::site::{Site, eventually, text};

const CREATE: &str = "mutation ($input: WebhookCreateInput!) { createWebhook(input: $input) { secret } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_roles_that_manage_webhooks_may() {
    let site = Site::new().await;
    let node = site.node().await;
    let made = site.command(&["token", "create", "--name", "a", "--role", "editor"]);
    let said = String::from_utf8(made.stdout).expect("text");
    let editor = said.split_whitespace().find(|word| word.len() > 40).unwrap_or_else(|| panic!("{said}")).to_owned();
    let input = json!({ "input": { "name": "a", "url": "https://example.com/" } });
    let requests = [
        ("{ webhooks { id } }", json!({})),
        ("{ webhook(id: \"a\") { id } }", json!({})),
        ("{ webhookDeliveries { nodes { id } } }", json!({})),
        ("{ webhookDelivery(id: \"a\") { id } }", json!({})),
        (CREATE, input),
        ("mutation { updateWebhook(id: \"a\", input: {}) { id } }", json!({})),
        ("mutation { deleteWebhook(id: \"a\") }", json!({})),
        ("mutation { rotateWebhookSecret(id: \"a\") { secret } }", json!({})),
        ("mutation { testWebhook(id: \"a\") { id } }", json!({})),
        ("mutation { replayDelivery(id: \"a\") { id } }", json!({})),
        ("mutation { replayDeliveries(webhook: \"a\", since: \"2026-01-01T00:00:00Z\") }", json!({})),
    ];
    for (query, variables) in requests {
        let (code, _, message) = node.refused(query, variables.clone(), Some(&editor)).await;
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("FORBIDDEN", "this needs a role that manages `webhooks`"),
            "{query}"
        );
        assert_eq!(node.refused(query, variables, None).await.0, "UNAUTHENTICATED", "{query}");
    }
    assert_eq!(site.number("select count(*) from cms.webhook").await, 0);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_are_changed_tested_and_deleted_and_the_audit_log_knows_no_secret() {
    let site = Site::new().await;
    let node = site.node().await;
    let url = site.receiver.url("/key/hidden");
    let (webhook, secret) =
        node.webhook(json!({ "name": "a", "url": url, "types": ["Tag"], "actions": ["UPDATED"] })).await;
    let shown = node.shown(&webhook).await;
    assert_eq!(
        (&shown["types"], &shown["actions"], &shown["enabled"]),
        (&json!(["Tag"]), &json!(["UPDATED"]), &json!(true))
    );
    let test = "mutation ($id: ID!) { testWebhook(id: $id) { id event state } }";
    let tested = node.ask(test, json!({ "id": webhook })).await;
    assert_eq!(tested["testWebhook"]["event"], "webhook.test");
    node.newest(&webhook, "DELIVERED").await;
    let received = &site.receiver.received("/key/hidden")[0];
    assert_eq!((received.signed_by(&secret), received.json()["data"].clone()), (1, json!({ "webhook": webhook })));
    assert_eq!(received.json()["type"], "webhook.test");
    // A test that fails is told at once: it has one attempt.
    site.receiver.reply("/key/hidden", [status(500)]);
    node.ask(test, json!({ "id": webhook })).await;
    let dead = node.newest(&webhook, "DEAD").await;
    assert_eq!((&dead["attempts"], &dead["status"], &dead["type"]), (&json!(1), &json!(500), &Json::Null));

    let update = "mutation ($id: ID!, $input: WebhookUpdateInput!) { updateWebhook(id: $id, input: $input) { name types actions filter } }";
    let filter = json!({ "name": { "eq": "a" } });
    let updated = node.ask(update, json!({ "id": webhook, "input": { "name": "b", "filter": filter } })).await;
    assert_eq!(
        updated["updateWebhook"],
        json!({ "name": "b", "types": ["Tag"], "actions": ["UPDATED"], "filter": filter })
    );
    let updated =
        node.ask(update, json!({ "id": webhook, "input": { "types": null, "actions": null, "filter": null } })).await;
    assert_eq!(updated["updateWebhook"]["types"], json!([]));
    assert_eq!(updated["updateWebhook"]["actions"].as_array().map(Vec::len), Some(5));
    let wrong = node.refused_admin(update, json!({ "id": webhook, "input": { "name": null } })).await;
    assert_eq!((wrong.0.as_str(), wrong.1.as_str()), ("BAD_USER_INPUT", "input.name"));
    node.ask("mutation ($id: ID!) { rotateWebhookSecret(id: $id) { secret } }", json!({ "id": webhook })).await;
    let gone = node.ask("mutation ($id: ID!) { deleteWebhook(id: $id) }", json!({ "id": webhook })).await;
    assert_eq!(gone["deleteWebhook"], webhook.as_str());
    assert_eq!(site.number("select count(*) from cms.webhook_delivery").await, 0);
    for query in [
        test,
        "mutation ($id: ID!) { deleteWebhook(id: $id) }",
        "mutation ($id: ID!) { rotateWebhookSecret(id: $id) { secret } }",
    ] {
        assert_eq!(node.refused_admin(query, json!({ "id": webhook })).await.0, "NOT_FOUND", "{query}");
    }
    let log = node
        .ask("{ auditLog(filter: { type: \"webhook\" }) { nodes { action entry fields before after } } }", json!({}))
        .await;
    let log = log["auditLog"]["nodes"].as_array().expect("lines").clone();
    let actions: Vec<_> = log.iter().rev().map(|line| text(&line["action"])).collect();
    let expected =
        ["create", "test", "test", "update", "update", "rotate", "delete"].map(|action| format!("webhook.{action}"));
    assert_eq!(actions, expected);
    assert!(log.iter().all(|line| line["entry"] == webhook.as_str()));
    let all = json!(log).to_string();
    assert!(!all.contains("hidden") && !all.contains("whsec"), "{all}");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_a_limit_and_pages_of_deliveries() {
    let site = Site::new().await;
    let node = site.node().await;
    let (webhook, _) =
        node.webhook(json!({ "name": "a", "url": site.receiver.url("/a"), "actions": ["CREATED"] })).await;
    for number in 0..5 {
        node.tag(&format!("T{number}")).await;
    }
    eventually("all are delivered", async || site.receiver.received("/a").len() == 5).await;
    let page = "query ($after: String) { webhookDeliveries(first: 2, after: $after) { nodes { id } edges { cursor } pageInfo { hasNextPage endCursor } } }";
    let (mut after, mut found, mut pages) = (Json::Null, Vec::new(), 0);
    loop {
        let answer = node.ask(page, json!({ "after": after })).await["webhookDeliveries"].take();
        found.extend(answer["nodes"].as_array().expect("a list").iter().map(|node| text(&node["id"])));
        pages += 1;
        after = answer["pageInfo"]["endCursor"].clone();
        if answer["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let listed: Vec<_> = node.deliveries(&webhook).await.iter().map(|one| text(&one["id"])).collect();
    assert_eq!((pages, &found), (3, &listed));
    let long = node.refused_admin("{ webhookDeliveries(first: 1000) { nodes { id } } }", json!({})).await;
    assert_eq!(long.0, "LIMIT_EXCEEDED");
    assert_eq!(
        node.refused_admin("{ webhookDeliveries(after: \"x\") { nodes { id } } }", json!({})).await.0,
        "INVALID_CURSOR"
    );
    site.run("insert into cms.webhook (id, name, url, secret, enabled, since) select gen_random_uuid(), 'x', 'https://example.com', '', false, 0 from generate_series(1, 99)").await;
    let input = json!({ "input": { "name": "a", "url": "https://example.com/" } });
    assert_eq!(node.refused_admin(CREATE, input).await.0, "LIMIT_EXCEEDED");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_list_replay_disable_and_enable_by_command() {
    let site = Site::new().await;
    let node = site.node().await;
    site.receiver.reply("/a", [status(500)]);
    let (webhook, _) =
        node.webhook(json!({ "name": "a", "url": site.receiver.url("/a"), "actions": ["CREATED"] })).await;
    node.tag("Red").await;
    eventually("it has failed", async || site.receiver.received("/a").len() == 1).await;
    site.run("update cms.webhook_delivery set attempts = 8 where attempts = 1").await;
    eventually("it is dead", async || {
        site.hasten().await;
        site.number("select count(*) from cms.webhook_delivery where state = 'dead'").await == 1
    })
    .await;
    let said = |arguments: &[&str]| {
        let output = site.command(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let listed = said(&["webhooks", "list"]);
    assert!(listed.starts_with(&format!("{webhook}\ta\tenabled\t0\t1\t")), "{listed}");
    let dead = said(&["webhooks", "deliveries", "--state", "dead", "--json"]);
    let dead: Json = serde_json::from_str(dead.trim()).expect("a line of JSON");
    assert_eq!((&dead["status"], &dead["event"]), (&json!(500), &json!("tag.created")));
    assert_eq!(said(&["webhooks", "disable", &webhook]), format!("{webhook} is disabled\n"));
    assert_eq!(said(&["webhooks", "disable", &webhook]), format!("{webhook} was disabled already\n"));
    let id = text(&dead["id"]);
    assert_eq!(said(&["webhooks", "replay", &id]), format!("{id} waits again\n"));
    assert!(said(&["webhooks", "deliveries", "--webhook", &webhook]).contains("\ttag.created\twaiting\t0\t"));
    site.receiver.reply("/a", [status(204)]);
    assert_eq!(said(&["webhooks", "enable", &webhook]), format!("{webhook} is enabled\n"));
    node.newest(&webhook, "DELIVERED").await;
    assert_eq!(
        said(&["webhooks", "replay", "--webhook", &webhook, "--since", "2000-01-01T00:00:00Z"]),
        "0 deliveries wait again\n"
    );
    for wrong in [
        &["webhooks", "replay"][..],
        &["webhooks", "enable", "webhook_x"],
        &["webhooks", "replay", "--webhook", &webhook],
    ] {
        assert!(!site.command(wrong).status.success(), "{wrong:?}");
    }
    site.close().await;
}
