//! Opening hours over HTTP: the fields that a service has, with arguments, and what cannot be saved.

use runtime::serde_json::{Value as Json, json};

use crate::client::Site;

const CREATE: &str =
    "mutation($input: ServiceCreateInput!) { made: createService(input: $input, publish: true) { id } }";
const HOURS: &str = "query($slug: String!, $at: DateTime, $from: DateTime) { serviceBySlug(slug: $slug) {
    isOpen(at: $at) opens: nextOpening(from: $from) closes: nextClosing(from: $from) later: nextOpening(from: \"2026-12-28T00:00:00Z\") now: isOpen } }";

fn service(name: &str, hours: Json) -> Json {
    let price = json!({ "amount": "10.00" });
    json!({ "input": { "name": name, "price": price, "timeZone": "Europe/Berlin", "openingHours": hours } })
}

async fn asked(site: &Site, slug: &str, moment: &str) -> Json {
    let body = json!({ "query": HOURS, "variables": { "slug": slug, "at": moment, "from": moment } });
    let answer = site.post(&body, &[]).await.json();
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["serviceBySlug"].clone()
}

#[tokio::test]
async fn a_service_says_whether_it_is_open_and_when_it_opens_next() {
    let site = Site::empty().await;
    let (every_day, night) = (
        json!({ "opens": "08:00:00", "closes": "12:00:00" }),
        json!({ "day": "SATURDAY", "opens": "22:00:00", "closes": "03:00:00" }),
    );
    let holidays = json!({ "validFrom": "2026-12-24", "validThrough": "2026-12-26" });
    for (name, hours) in [("Repair", json!([every_day, night, holidays])), ("Advice", json!([]))] {
        let made = site.ask_as_developer(CREATE, service(name, hours)).await;
        assert!(made.get("errors").is_none(), "{made}");
    }
    for (moment, is_open, opens, closes) in [
        ("2026-03-28T06:59:59Z", false, "2026-03-28T07:00:00Z", "2026-03-28T11:00:00Z"),
        // The night in which an hour is skipped: until 03:00, which comes at once after 01:59.
        ("2026-03-28T23:00:00Z", true, "2026-03-29T06:00:00Z", "2026-03-29T01:00:00Z"),
        // The night in which an hour comes twice, and is open twice.
        ("2026-10-25T00:30:00Z", true, "2026-10-25T07:00:00Z", "2026-10-25T02:00:00Z"),
        ("2026-10-25T01:30:00+01:00", true, "2026-10-25T07:00:00Z", "2026-10-25T02:00:00Z"),
        // Closed on Saturday the 26th, so nothing is left over midnight either.
        ("2026-12-24T09:00:00Z", false, "2026-12-27T07:00:00Z", "2026-12-27T11:00:00Z"),
        ("2026-12-26T23:00:00Z", false, "2026-12-27T07:00:00Z", "2026-12-27T11:00:00Z"),
    ] {
        let found = asked(&site, "repair", moment).await;
        let expected = json!({ "isOpen": is_open, "opens": opens, "closes": closes, "later": "2026-12-28T07:00:00Z", "now": found["now"] });
        assert_eq!(found, expected, "{moment}");
        assert!(found["now"].is_boolean());
    }
    let never = json!({ "isOpen": false, "opens": null, "closes": null, "later": null, "now": false });
    assert_eq!(asked(&site, "advice", "2026-03-28T07:00:00Z").await, never);
    site.stop().await;
}

#[tokio::test]
async fn arguments_of_computed_fields_are_checked() {
    let site = Site::empty().await;
    site.ask_as_developer(CREATE, service("Repair", json!([]))).await;
    let answer = site.ask(r#"{ services { nodes { name isOpen(at: "yesterday") } } }"#).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["inputPath"], json!(["at"]), "{answer}");
    // One that can be null is null alone.
    let answer = site.ask(r#"{ services { nodes { name nextOpening(from: "soon") } } }"#).await;
    assert_eq!(answer["data"]["services"]["nodes"], json!([{ "name": "Repair", "nextOpening": null }]), "{answer}");
    assert_eq!(answer["errors"][0]["path"], json!(["services", "nodes", 0, "nextOpening"]), "{answer}");
    let answer = site.ask("{ services { nodes { isOpen(on: 1) } } }").await;
    assert!(answer.get("data").is_none(), "{answer}");
    let same_key = "{ services { nodes { isOpen isOpen(at: \"2026-01-01T00:00:00Z\") } } }";
    assert!(site.ask(same_key).await.get("data").is_none());
    site.stop().await;
}

#[tokio::test]
async fn hours_that_make_no_sense_are_not_saved() {
    let site = Site::empty().await;
    let refused = async |input: Json| {
        let answer = site.ask_as_developer(CREATE, input).await;
        let error = &answer["errors"][0]["extensions"];
        (error["code"].as_str().unwrap_or_default().to_owned(), error["inputPath"].clone())
    };
    let mut atlantis = service("Repair", json!([]));
    atlantis["input"]["timeZone"] = "Europe/Atlantis".into();
    assert_eq!(refused(atlantis).await, ("INVALID_VALUE".into(), json!(["input", "timeZone"])));
    let only_closes = json!([{ "day": "MONDAY", "opens": "08:00:00" }, { "day": "MONDAY", "closes": "12:00:00" }]);
    let expected = ("INVALID_VALUE".into(), json!(["input", "openingHours", 1, "opens"]));
    assert_eq!(refused(service("Repair", only_closes)).await, expected);
    let reversed = json!([{ "validFrom": "2026-01-02", "validThrough": "2026-01-01" }]);
    let expected = ("INVALID_VALUE".into(), json!(["input", "openingHours", 0, "validThrough"]));
    assert_eq!(refused(service("Repair", reversed)).await, expected);
    site.stop().await;
}
