//! Outgoing webhooks: where changes are sent, and what became of each delivery.

use crate::emit::sdl::{Definition, Kind, Member};

/// The fields of `Query`.
pub fn queries() -> [Member; 4] {
    let deliveries = Member::new(
        "webhookDeliveries",
        "WebhookDeliveryConnection!",
        "The deliveries of webhooks, newest first, as a connection. Only for roles that manage `webhooks`.",
    );
    [
        Member::new("webhooks", "[Webhook!]!", "All webhooks, by name. Only for roles that manage `webhooks`."),
        Member::new("webhook", "Webhook", "The webhook with this id. Only for roles that manage `webhooks`.")
            .args([webhook_id()]),
        deliveries.args([
            Member::new("webhook", "ID", "Return only deliveries of this webhook."),
            Member::new("state", "WebhookDeliveryState", "Return only deliveries in this state."),
            Member::new("first", "Int", "The number of items to return at most, from the start or after `after`."),
            Member::new("after", "String", "Return items after this cursor."),
        ]),
        Member::new(
            "webhookDelivery",
            "WebhookDelivery",
            "The delivery with this id. Only for roles that manage `webhooks`.",
        )
        .args([delivery_id()]),
    ]
}

/// The fields of `Mutation`, all of them only for roles that manage `webhooks`.
pub fn mutations() -> [Member; 7] {
    [
        Member::new("createWebhook", "WebhookWithSecret", "Creates a webhook. Its secret is shown this once.")
            .args([Member::new("input", "WebhookCreateInput!", "The webhook.")]),
        Member::new("updateWebhook", "Webhook", "Changes a webhook; what is omitted stays as it is.")
            .args([webhook_id(), Member::new("input", "WebhookUpdateInput!", "The values to change.")]),
        Member::new("deleteWebhook", "ID", "Deletes a webhook with all its deliveries.").args([webhook_id()]),
        Member::new(
            "rotateWebhookSecret",
            "WebhookWithSecret",
            "Gives the webhook a new secret, shown this once. For 24 hours deliveries are signed with the previous one as well.",
        )
        .args([webhook_id()]),
        Member::new(
            "testWebhook",
            "WebhookDelivery",
            "Sends a `webhook.test` to the webhook, with a single attempt. `webhookDelivery` shows its result.",
        )
        .args([webhook_id()]),
        Member::new(
            "replayDelivery",
            "WebhookDelivery",
            "Delivers once more what is dead or was delivered, with the same id and all attempts.",
        )
        .args([delivery_id()]),
        Member::new("replayDeliveries", "Int", "Delivers all dead deliveries of a webhook again; returns their number.")
            .args([
                Member::new("webhook", "ID!", "The id of the webhook."),
                Member::new("since", "DateTime!", "Only deliveries that were created at or after this time."),
            ]),
    ]
}

pub fn definitions() -> Vec<Definition> {
    vec![
        webhook(),
        with_secret(),
        action(),
        create_input(),
        update_input(),
        delivery(),
        delivery_state(),
        delivery_connection(),
        delivery_edge(),
    ]
}

fn webhook_id() -> Member {
    Member::new("id", "ID!", "The id of the webhook.")
}

fn delivery_id() -> Member {
    Member::new("id", "ID!", "The id of the delivery, which is its `webhook-id`.")
}

fn webhook() -> Definition {
    Definition::new(Kind::Object, "Webhook", "An address to which changes are sent, as Standard Webhooks.")
        .member(Member::new("id", "ID!", "The id of the webhook."))
        .member(Member::new("name", "String!", "What it is for."))
        .member(Member::new("url", "String!", "The address."))
        .member(Member::new("types", "[String!]!", "The content types whose changes are sent; empty for all."))
        .member(Member::new("actions", "[WebhookAction!]!", "The changes that are sent."))
        .member(Member::new("filter", "JSON", "Which entries of its one type are sent."))
        .member(Member::new("document", "String", "The query whose result is sent; null for thin payloads."))
        .member(Member::new("role", "String", "The role that the document is run as; null for `anonymous`."))
        .member(Member::new("enabled", "Boolean!", "Whether it is sent anything."))
        .member(Member::new("disabledReason", "String", "Why it is not enabled."))
        .member(Member::new("pausedUntil", "DateTime", "Until when the receiver has asked to be left alone."))
        .member(Member::new(
            "previousSecretUntil",
            "DateTime",
            "Until when deliveries are also signed with the previous secret.",
        ))
        .member(Member::new("createdAt", "DateTime!", "When it was created."))
        .member(Member::new("updatedAt", "DateTime!", "When it was last changed."))
}

fn with_secret() -> Definition {
    Definition::new(Kind::Object, "WebhookWithSecret", "A webhook and its new secret.")
        .member(Member::new("webhook", "Webhook!", "The webhook."))
        .member(Member::new("secret", "String!", "The secret that verifies its deliveries: `whsec_...`."))
}

fn action() -> Definition {
    Definition::new(Kind::Enum, "WebhookAction", "What happened to an entry.")
        .member(Member::value("CREATED", "It was created, as a draft."))
        .member(Member::value("UPDATED", "Its draft was changed."))
        .member(Member::value("PUBLISHED", "It was published, for the first time or again."))
        .member(Member::value("UNPUBLISHED", "It was unpublished."))
        .member(Member::value("DELETED", "It was deleted."))
}

fn create_input() -> Definition {
    Definition::new(Kind::Input, "WebhookCreateInput", "A new webhook.")
        .member(Member::new("name", "String!", "What it is for."))
        .member(Member::new("url", "String!", "The address: `https`, without user and fragment."))
        .members(chosen())
        .member(Member::new("enabled", "Boolean", "Whether it is sent anything.").default("true"))
}

fn update_input() -> Definition {
    Definition::new(Kind::Input, "WebhookUpdateInput", "Changes of a webhook.")
        .member(Member::new("name", "String", "What it is for."))
        .member(Member::new("url", "String", "The address: `https`, without user and fragment."))
        .members(chosen())
        .member(Member::new(
            "enabled",
            "Boolean",
            "Whether anything is sent to it. While it is disabled, waiting messages are kept, and new changes are not recorded for it.",
        ))
}

fn chosen() -> [Member; 5] {
    [
        Member::new("types", "[String!]", "Names of content types, such as `Product`. Null or empty for all."),
        Member::new("actions", "[WebhookAction!]", "The changes to send. Null for all."),
        Member::new("filter", "JSON", "A filter of its one type, as its list takes it. Null for all entries."),
        Member::new(
            "document",
            "String",
            "A query whose result is sent as `data`. It may declare `$id: ID!`, `$revision: Int` and `$kind: String`.",
        ),
        Member::new("role", "String", "The role that the document is run as: your own, or one that you may give."),
    ]
}

fn delivery() -> Definition {
    Definition::new(Kind::Object, "WebhookDelivery", "One message for a webhook.")
        .member(Member::new("id", "ID!", "The id of the delivery, which is its `webhook-id`."))
        .member(Member::new("webhook", "ID!", "The id of the webhook."))
        .member(Member::new("event", "String!", "The type of the message, such as `product.published`."))
        .member(Member::new("type", "String", "The content type of the entry."))
        .member(Member::new("entry", "ID", "The id of the entry."))
        .member(Member::new("revision", "Int", "The revision of the entry after the change."))
        .member(Member::new("state", "WebhookDeliveryState!", "What became of it."))
        .member(Member::new("attempts", "Int!", "The attempts so far."))
        .member(Member::new("createdAt", "DateTime!", "When the change was taken up for delivery."))
        .member(Member::new("due", "DateTime", "When the next attempt is due; null if none is."))
        .member(Member::new("attemptedAt", "DateTime", "When the last attempt began."))
        .member(Member::new("finishedAt", "DateTime", "When it was delivered, or given up."))
        .member(Member::new("status", "Int", "The HTTP status of the last answer."))
        .member(Member::new("latency", "Int", "The time of the last attempt, in milliseconds."))
        .member(Member::new("answer", "String", "The first KiB of the last answer's body."))
        .member(Member::new("error", "String", "Why the last attempt failed."))
}

fn delivery_state() -> Definition {
    Definition::new(Kind::Enum, "WebhookDeliveryState", "What became of a delivery.")
        .member(Member::value("WAITING", "It waits for its time, or for another one of the same entry."))
        .member(Member::value("DELIVERING", "An attempt is under way."))
        .member(Member::value("DELIVERED", "The receiver has answered with a status of 200 to 299."))
        .member(Member::value("DEAD", "All attempts have failed. It can be replayed."))
}

fn delivery_connection() -> Definition {
    Definition::new(Kind::Object, "WebhookDeliveryConnection", "A page of deliveries.")
        .member(Member::new("edges", "[WebhookDeliveryEdge!]!", "The deliveries of this page, each with its cursor."))
        .member(Member::new("nodes", "[WebhookDelivery!]!", "The deliveries of this page."))
        .member(Member::new("pageInfo", "PageInfo!", "Information for reading more pages."))
}

fn delivery_edge() -> Definition {
    Definition::new(Kind::Object, "WebhookDeliveryEdge", "A delivery with its cursor.")
        .member(Member::new("cursor", "String!", "The cursor of the delivery, for `after`."))
        .member(Member::new("node", "WebhookDelivery!", "The delivery."))
}
