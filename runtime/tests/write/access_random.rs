//! Random rules, actors and writes, compared with a simple model of the rules: no forbidden write succeeds, no allowed write is
//! rejected, a rejected write changes nothing, and a hidden row gets the same response as a missing one.

mod cases;
mod model;

use std::collections::BTreeMap;

use runtime::access::{Actor, Identity};
use runtime::{Code, Result, id};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::access::{Clerk, answer};
use crate::support::Shop;
use crate::support::access::schema;
use cases::{How, NOTE, Rng, Step, TYPES, shown, user};
use model::{Model, Note, Reader, Refusal};

const CASES: u64 = 100;
const STEPS: u64 = 40;

async fn run(clerk: &Clerk, step: &Step, entry: &dyn Fn(&str) -> (Uuid, i64)) -> Result<()> {
    match step {
        Step::Save { items, publish, how } => {
            let (slug, input) = &items[0];
            match how {
                How::Create => {
                    let mut input = input.clone();
                    input.insert("slug".into(), (*slug).into());
                    clerk.create(&NOTE, input.into(), *publish).await.map(drop)
                }
                How::Update { stale } => {
                    let (id, revision) = entry(slug);
                    let of = (id, revision - i64::from(*stale));
                    clerk.update(&NOTE, of, input.clone().into(), *publish).await.map(drop)
                }
                How::Upsert => {
                    let item =
                        |(slug, input): &(&str, Map<String, Json>)| json!({"key": {"slug": slug}, "data": input});
                    clerk.upsert(&NOTE, items.iter().map(item).collect(), *publish).await.map(drop)
                }
            }
        }
        Step::Publish(slug) => clerk.publish(&NOTE, entry(slug)).await.map(drop),
        Step::Unpublish(slug) => clerk.unpublish(&NOTE, entry(slug)).await.map(drop),
        Step::Delete(slug) => clerk.delete(&NOTE, entry(slug)).await.map(drop),
    }
}

async fn stored(shop: &Shop) -> Json {
    let stage = |name: &str| {
        format!(
            "(select coalesce(jsonb_agg(jsonb_build_array(n.slug, n.stock, n.open, n.author, \
                (select d.slug from draft.note d where d.id = n.near_id), n.revision, n.created_by, n.updated_by, n.published_by) \
                order by n.slug), '[]') from {name}.note n)"
        )
    };
    let told = "(select coalesce(jsonb_object_agg(action, lines), '{}') \
        from (select action, count(*) as lines from cms.audit where type = 'note' group by action) as l)";
    shop.value(&format!("select jsonb_build_array({}, {}, {told})", stage("draft"), stage("live"))).await
}

fn expected(model: &Model) -> Json {
    let user = |json: &Json| match json.as_str() {
        Some(text) => id::decode_as("user", text).unwrap().to_string().into(),
        None => Json::Null,
    };
    let stage = |notes: &BTreeMap<String, Note>| -> Json {
        let row = |(slug, note): (&String, &Note)| {
            let people = [&note.author, &note.created_by, &note.updated_by, &note.published_by].map(user);
            json!([slug, note.stock, note.open, people[0], note.near, note.revision, people[1], people[2], people[3]])
        };
        notes.iter().map(row).collect()
    };
    json!([stage(&model.draft), stage(&model.live), model.told])
}

async fn ids(shop: &Shop) -> BTreeMap<String, Uuid> {
    let rows = shop.values("select jsonb_build_array(slug, id) from draft.note").await;
    let entry = |row: &Json| (row[0].as_str().unwrap().to_owned(), row[1].as_str().unwrap().parse().unwrap());
    rows.iter().map(entry).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_writes_are_what_a_plain_reading_of_the_rules_says() {
    let shop = Shop::of(schema(TYPES, &json!({}))).await;
    let mut model = Model::default();
    let (mut done, mut refused) = (0, BTreeMap::<&str, i64>::new());
    for case in 0..CASES {
        let mut rng = Rng(case);
        let rules = rng.rules();
        let database = shop.db.database(schema(TYPES, &rules));
        let open = database.trusted();
        for number in 0..STEPS {
            // Sometimes the server itself writes, so that there are entries under any rules.
            let all = json!({"note": {"clerk": {"read_drafts": {}, "create": {"set": {}}, "update": {"set": {}}, "publish": {}, "delete": {}}}});
            let (rules, clerk, person) = match rng.below(4) {
                0 => (&all, Clerk(open.clone()), Json::Null),
                who => {
                    let who = u128::from(who);
                    let identity = match who {
                        3 => Identity::Token { id: user(3) },
                        _ => Identity::User { id: user(who), session: Uuid::nil() },
                    };
                    let actor = Actor { identity, role: "clerk".into(), ..Actor::system() };
                    (&rules, Clerk(database.acting(actor)), if who == 3 { Json::Null } else { shown(who) })
                }
            };
            let step = rng.step();
            let ids = ids(&shop).await;
            let revisions: BTreeMap<String, i64> =
                model.draft.iter().map(|(slug, note)| (slug.clone(), note.revision)).collect();
            let missing = Uuid::from_u128(u128::from(number) + 1);
            let entry =
                |slug: &str| (ids.get(slug).copied().unwrap_or(missing), revisions.get(slug).copied().unwrap_or(1));
            let answered = run(&clerk, &step, &entry).await;
            let about =
                format!("case {case}, step {number}: {step:?} by {person} under {rules}\n{model:#?}\n{answered:?}");
            let mut after = model.clone();
            match (Reader { rules, user: &person }.apply(&mut after, &step), &answered) {
                (Ok(()), Ok(())) => {
                    done += 1;
                    model = after;
                }
                (Err(codes), Err(error)) => {
                    let mut said: Refusal = error.problems.iter().map(|problem| problem.code.as_str()).collect();
                    // Uniqueness is not checked for a field that is already invalid.
                    let mut codes = codes;
                    if codes.len() > 1 {
                        codes.remove(Code::Conflict.as_str());
                        said.remove(Code::Conflict.as_str());
                    }
                    assert_eq!(said, codes, "{about}");
                    codes.iter().for_each(|code| *refused.entry(code).or_default() += 1);
                }
                (meant, _) => panic!("{meant:?} is meant in {about}"),
            }
            assert_eq!(stored(&shop).await, expected(&model), "{about}");
            let asked = match &step {
                Step::Save { items, how: How::Update { .. }, .. } => Some(items[0].0),
                Step::Publish(slug) | Step::Unpublish(slug) | Step::Delete(slug) => Some(*slug),
                Step::Save { .. } => None,
            };
            // Blocking references are reported only to actors that may unpublish the entry.
            if let (Some(slug), Err(error)) = (asked, &answered)
                && error.problems.iter().all(|problem| problem.code != runtime::Code::Referenced)
                && error.problems.iter().any(|problem| problem.path == ["id".into()])
            {
                let of_missing = run(&clerk, &step, &|slug| (missing, entry(slug).1)).await;
                assert_eq!(answer(&NOTE, entry(slug).0, &answered), answer(&NOTE, missing, &of_missing), "{about}");
            }
        }
    }
    assert!(done > 400, "{done} were done");
    for code in ["FORBIDDEN", "NOT_FOUND", "CONFLICT", "REVISION_MISMATCH"] {
        assert!(refused.get(code).is_some_and(|times| *times > 5), "{refused:?}");
    }
    shop.close().await;
}
