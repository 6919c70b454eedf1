//! Computed fields get the lists that their declarations name, and never see another list as empty.

use std::collections::BTreeMap;

use runtime::content::{
    ComputedInfo, ContentInfo, FieldInfo, OnDelete, Resolver, SchemaInfo, Shape, TypeResolvers, Verb,
};
use runtime::kind::Kind;
use runtime::prelude::*;
use runtime::site::Pending;
use serde_json::{Value as Json, json};

use crate::database::{Data, Rng, with, written_with};
use crate::schema::{LABEL, SCHEMA};

/// A second content type over the table of notes, with computed fields.
pub static MEMO: ContentInfo = ContentInfo {
    name: "Memo",
    table: "note",
    plural: "memos",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: None,
    path: &[],
    unique: &[],
    constraints: &[],
    former: &[],
    fields: &[
        FieldInfo::new("title", "title", Shape::Scalar(Kind::String)).required().filterable(),
        FieldInfo::new(
            "labels",
            "labels",
            Shape::many(&[&LABEL], "Label", OnDelete::Cascade, "note_labels", &["target_id"]),
        ),
        FieldInfo::new("items", "items", Shape::Children(&MEMO_ITEM)),
    ],
    inverses: &[],
    computed: &[
        ComputedInfo { name: "labelled", kind: Kind::Integer, with: &["labels"], args: &[], depends_on: None },
        ComputedInfo { name: "listed", kind: Kind::String, with: &["items"], args: &[], depends_on: None },
        ComputedInfo { name: "both", kind: Kind::Integer, with: &["labels", "items"], args: &[], depends_on: None },
        ComputedInfo { name: "forgotten", kind: Kind::Integer, with: &["items"], args: &[], depends_on: None },
        ComputedInfo { name: "plain", kind: Kind::Integer, with: &[], args: &[], depends_on: None },
    ],
};

static MEMO_ITEM: ContentInfo = ContentInfo {
    name: "MemoItem",
    table: "note_item",
    plural: "items",
    drafts: true,
    counted: false,
    retention: runtime::content::Retention::DEFAULT,
    search: None,
    owner: Some(&MEMO),
    path: &[],
    unique: &[],
    constraints: &[],
    former: &[],
    fields: &[FieldInfo::new("text", "text", Shape::Scalar(Kind::String)).required()],
    inverses: &[],
    computed: &[],
};

static MEMOS: SchemaInfo = SchemaInfo { types: &[&LABEL, &MEMO], resolvers: &[RESOLVERS], ..SCHEMA };

static RESOLVERS: &[TypeResolvers] = &[TypeResolvers {
    of: &MEMO,
    connection: "MemoConnection",
    edge: "MemoEdge",
    change: "",
    aggregates: None,
    roots: &[
        Resolver { field: "memo", verb: Verb::ById, of: &MEMO },
        Resolver { field: "memos", verb: Verb::List, of: &MEMO },
    ],
    pages: &[("labelsConnection", "labels"), ("itemsConnection", "items")],
}];

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memo {
    id: Id<Self>,
    revision: i64,
    status: EntryStatus,
    created_at: Timestamp,
    updated_at: Timestamp,
    published_at: Option<Timestamp>,
    first_published_at: Option<Timestamp>,
    created_by: Option<Id<User>>,
    updated_by: Option<Id<User>>,
    published_by: Option<Id<User>>,
    title: String,
    labels: ToMany<Id<Label>>,
    items: ToMany<MemoItem>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Label;

#[derive(Clone, Debug, Default, PartialEq)]
struct MemoItem {
    id: Id<Self>,
    text: String,
}

runtime::entry!(Memo, MEMO, [title, labels, items]);
runtime::children!(MemoItem, MEMO_ITEM, [text]);

struct Site;

fn count(memos: &[Memo], of: impl Fn(&Memo) -> usize) -> Pending<'_, Vec<i32>> {
    let counts = memos.iter().map(|memo| of(memo) as i32).collect();
    Box::pin(async move { Ok(counts) })
}

fn labelled<'a>(_: &'a Site, memos: &'a [Memo], _: &'a ReadCx<'a>) -> Pending<'a, Vec<i32>> {
    count(memos, |memo| memo.labels.len())
}

fn listed<'a>(_: &'a Site, memos: &'a [Memo], _: &'a ReadCx<'a>) -> Pending<'a, Vec<String>> {
    let texts = memos.iter().map(|memo| memo.items.iter().map(|item| item.text.as_str()).collect::<Vec<_>>().join("+"));
    let texts = texts.collect();
    Box::pin(async move { Ok(texts) })
}

fn both<'a>(_: &'a Site, memos: &'a [Memo], _: &'a ReadCx<'a>) -> Pending<'a, Vec<i32>> {
    count(memos, |memo| memo.labels.len() + memo.items.len())
}

/// Reads a list that is missing in its declaration.
fn forgotten<'a>(_: &'a Site, memos: &'a [Memo], _: &'a ReadCx<'a>) -> Pending<'a, Vec<i32>> {
    Box::pin(async move { Ok(memos.iter().map(|memo| memo.labels.len() as i32).collect()) })
}

fn plain<'a>(_: &'a Site, memos: &'a [Memo], _: &'a ReadCx<'a>) -> Pending<'a, Vec<i32>> {
    count(memos, |memo| {
        assert_eq!((memo.labels.loaded(), memo.items.loaded()), (None, None));
        memo.title.len()
    })
}

fn site() -> SiteCode {
    SiteBuilder::new(Site)
        .computed("labelled", labelled)
        .computed("listed", listed)
        .computed("both", both)
        .computed("forgotten", forgotten)
        .computed("plain", plain)
        .build()
}

#[tokio::test]
async fn computed_fields_have_the_lists_that_they_name() {
    let data = Data::random(&mut Rng(31), 12);
    let (db, _) = with(&data).await;
    let store = db.database(&MEMOS).trusted();
    let mut lists: BTreeMap<String, (usize, Vec<(i64, String)>)> = BTreeMap::new();
    for row in data.rows(Stage::Draft, "note_labels") {
        lists.entry(row["owner_id"].as_str().unwrap().to_owned()).or_default().0 += 1;
    }
    for row in data.rows(Stage::Draft, "note_item") {
        let item = (row["position"].as_i64().unwrap(), row["text"].as_str().unwrap().to_owned());
        lists.entry(row["parent_id"].as_str().unwrap().to_owned()).or_default().1.push(item);
    }
    assert!(lists.values().any(|(labels, items)| *labels > 1 && items.len() > 1), "there are lists");
    // One record for all fields, with one statement per list instead of one per entry.
    for (fields, planned) in
        [("labelled", 3), ("listed", 3), ("both", 4), ("plain", 2), ("labelled listed both plain", 4)]
    {
        let query = format!("query {{ memos(stage: DRAFT, first: 100) {{ nodes {{ id title {fields} }} }} }}");
        let before = store.statements();
        let (text, found) = written_with(&store, &MEMOS, &site(), &query, json!({})).await.expect("it is read");
        assert_eq!((found as u64, store.statements() - before), (planned, planned), "{fields}");
        let answer: Json = serde_json::from_str(&text).unwrap();
        for node in answer["memos"]["nodes"].as_array().unwrap() {
            let (_, id) = runtime::id::decode(node["id"].as_str().unwrap()).unwrap();
            let (labels, mut items) = lists.get(&id.to_string()).cloned().unwrap_or_default();
            items.sort();
            let texts = items.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("+");
            let expected = json!({"labelled": labels, "listed": texts, "both": labels + items.len()});
            for (field, value) in expected.as_object().unwrap().iter().filter(|(field, _)| fields.contains(*field)) {
                assert_eq!(node[field], *value, "{field}: {node}");
            }
        }
    }
    db.close().await;
}

#[tokio::test]
async fn a_list_that_was_not_loaded_is_no_empty_one() {
    let data = Data::random(&mut Rng(32), 3);
    let (db, _) = with(&data).await;
    let store = db.database(&MEMOS).trusted();
    let query = "query { memos(stage: DRAFT) { nodes { forgotten } } }";
    let failures = written_with(&store, &MEMOS, &site(), query, json!({})).await.expect_err("it is refused");
    assert_eq!(failures[0].problem.code, Code::Internal);
    // This holds even if another field loads the list.
    let query = "query { memos(stage: DRAFT) { nodes { labelled forgotten } } }";
    let failures = written_with(&store, &MEMOS, &site(), query, json!({})).await.expect_err("it is refused");
    assert_eq!(failures[0].problem.code, Code::Internal);
    // A whole record has all lists.
    let memos: Vec<Memo> = store.at(Stage::Draft).find().all().await.expect("they are read");
    assert!(memos.iter().all(|memo| memo.labels.loaded().is_some() && memo.items.loaded().is_some()));
    db.close().await;
}
