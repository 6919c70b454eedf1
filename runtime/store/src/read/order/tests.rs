//! Tests the SQL of orders.

use serde_json::{Value as Json, json};

use super::{DefaultOrder, Order};
use crate::{Database, Limits, Stage};
use model::content::{ContentInfo, FieldInfo, SchemaInfo, Shape, SiteInfo};
use model::kind::Kind;

/// Also used by the tests of filters.
pub(crate) static SITE: SchemaInfo = SchemaInfo {
    site: SiteInfo {
        name: "Test",
        currency: "EUR",
        currencies: &["EUR"],
        limits: model::content::Limits { depth: 9, cost: 9, aliases: 9, batch: 9, page: 9, list: 9, body: 9 },
    },
    types: &[&NOTE],
    components: &[],
    roles: &[],
    access: &[],
    reviews: &[],
    preview_urls: &[],
    resolvers: &[],
    queries: &[],
    mutations: &[],
    sdl: "",
    migrations: &[],
    catalog: "",
};

static NOTE: ContentInfo = ContentInfo {
    name: "Note",
    table: "note",
    former: &[],
    plural: "notes",
    drafts: true,
    counted: false,
    retention: model::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    fields: &[
        FieldInfo::new("rank", "rank", Shape::Scalar(Kind::Integer)).sortable(),
        FieldInfo::new("size", "size", Shape::Scalar(Kind::Integer)).required().sortable(),
        FieldInfo::new("position", "position", Shape::Scalar(Kind::Integer)).required().sortable(),
        FieldInfo::new("hidden", "hidden", Shape::Scalar(Kind::Integer)),
        FieldInfo::new("lines", "lines", Shape::Children(&LINE)),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[],
};

/// An entry has no system field `position`, so a field may have this name. Children have no system timestamps either.
static LINE: ContentInfo = ContentInfo {
    name: "Line",
    table: "line",
    plural: "lines",
    owner: Some(&NOTE),
    fields: &[FieldInfo::new("createdAt", "created_at", Shape::Scalar(Kind::String)).sortable()],
    ..NOTE
};

#[tokio::test]
async fn an_order_is_written_as_its_index_has_it() {
    let database = Database::connect_lazy("postgres://nobody@localhost/none", Limits::COMMAND, &SITE).unwrap();
    let store = database.trusted();
    let written = |info: &'static ContentInfo, by: Json| {
        let mut problems = Vec::new();
        let tables = store.at(Stage::Draft);
        let order = Order::new(tables, info, Some(&by), DefaultOrder::Newest, &mut problems);
        let mut sql = String::new();
        order.push_keys(&mut sql);
        match problems.first() {
            None => Ok(sql),
            Some(problem) => Err(problem.message.clone()),
        }
    };
    let by = |field: &str, direction: &str, nulls: Option<&str>| {
        let mut by = json!({"field": field, "direction": direction});
        if let Some(nulls) = nulls {
            by["nulls"] = nulls.into();
        }
        by
    };
    for (by, expected) in [
        (by("RANK", "ASC", None), r#"t."rank", t.id"#),
        (by("RANK", "DESC", None), r#"t."rank" DESC, t.id DESC"#),
        (by("RANK", "ASC", Some("LAST")), r#"t."rank", t.id"#),
        (by("RANK", "ASC", Some("FIRST")), r#"t."rank" NULLS FIRST, t.id"#),
        (by("RANK", "DESC", Some("FIRST")), r#"t."rank" DESC, t.id DESC"#),
        (by("RANK", "DESC", Some("LAST")), r#"t."rank" DESC NULLS LAST, t.id DESC"#),
        // A column without nulls has no null order, so that its index is used.
        (by("SIZE", "ASC", Some("FIRST")), r#"t."size", t.id"#),
        (by("POSITION", "ASC", None), r#"t."position", t.id"#),
        (by("CREATED_AT", "DESC", Some("LAST")), "t.created_at DESC, t.id DESC"),
        (by("PUBLISHED_AT", "ASC", Some("FIRST")), "t.published_at NULLS FIRST, t.id"),
        (
            json!([by("RANK", "ASC", None), by("RANK", "DESC", None), by("SIZE", "DESC", None)]),
            r#"t."rank", t."size" DESC, t.id DESC"#,
        ),
        (json!([]), "t.id DESC"),
    ] {
        assert_eq!(written(&NOTE, by.clone()).as_deref(), Ok(expected), "{by}");
    }
    assert!(written(&NOTE, by("HIDDEN", "ASC", None)).unwrap_err().contains("cannot be sorted by `HIDDEN`"));
    assert_eq!(written(&LINE, by("POSITION", "DESC", None)).as_deref(), Ok("t.position DESC, t.id DESC"));
    let of_text = written(&LINE, by("CREATED_AT", "ASC", None)).unwrap();
    assert!(of_text.starts_with(r#"sort.key(t."created_at")"#), "{of_text}");
}

/// Clients may keep cursors: the signature of an order must never change between versions.
#[test]
fn the_signature_of_an_order_is_for_good() {
    let signature = |by: &[(&'static str, bool)]| Order::by(&NOTE, by, DefaultOrder::Newest).unwrap().signature;
    let signatures = [
        signature(&[]),
        signature(&[("rank", false)]),
        signature(&[("rank", true)]),
        signature(&[("rank", false), ("size", false)]),
        signature(&[("createdAt", false)]),
    ];
    assert_eq!(signature(&[("rank", false), ("rank", true)]), signatures[1], "a field orders once");
    assert_eq!(signatures, ["08bf2991", "e9c48696", "a348d196", "8ab82bbe", "88c50844"]);
}
