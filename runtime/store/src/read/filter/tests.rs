//! Tests the SQL of conditions whose form determines their cost.

use serde_json::json;

use super::Filter;
use crate::read::order::tests::SITE;
use crate::{Database, Limits, Stage};
use model::content::{ContentInfo, FieldInfo, Shape};
use model::kind::Kind;

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
    fields: &[FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).filterable()],
    inverses: &[],
    computed: &[],
    constraints: &[],
};

/// The client's value is lower-cased once per statement: doing it for each row would make a long text as costly as many rows.
#[tokio::test]
async fn what_is_looked_for_is_prepared_once() {
    let database = Database::connect_lazy("postgres://nobody@localhost/none", Limits::COMMAND, &SITE).unwrap();
    let store = database.trusted();
    for (operator, expected) in [
        ("contains", r#"strpos(sort.lower(t."name"), (SELECT sort.lower($1::text))) > 0"#),
        ("startsWith", r#"starts_with(sort.lower(t."name"), (SELECT sort.lower($1::text)))"#),
    ] {
        let scope = store.at(Stage::Live);
        let (mut sql, mut problems) = (scope.sql(), Vec::new());
        let filter = json!({"name": {operator: "Tea"}});
        Filter::new(scope, &mut sql, &mut problems).conditions(&NOTE, &filter, "t").unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        assert!(sql.text.contains(expected), "{}", sql.text);
    }
}
