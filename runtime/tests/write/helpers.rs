//! Short calls of the write path, and queries of stored rows.

use runtime::content::ContentInfo;
use runtime::error::Step;
use runtime::hooks::HookSet;
use runtime::store::write;
use runtime::{Code, Error, Result};
use serde_json::{Map, Value as Json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::support::Shop;

impl Shop {
    pub async fn create(&self, info: &'static ContentInfo, input: Json) -> Result<Uuid> {
        write::create(&self.store, &HookSet::default(), info, &object(input), false).await
    }

    pub async fn create_live(&self, info: &'static ContentInfo, input: Json) -> Result<Uuid> {
        write::create(&self.store, &HookSet::default(), info, &object(input), true).await
    }

    pub async fn update(&self, info: &'static ContentInfo, id: Uuid, revision: i64, input: Json) -> Result<Uuid> {
        write::update(&self.store, &HookSet::default(), info, id, revision, &object(input), false).await
    }

    pub async fn update_live(&self, info: &'static ContentInfo, id: Uuid, revision: i64, input: Json) -> Result<Uuid> {
        write::update(&self.store, &HookSet::default(), info, id, revision, &object(input), true).await
    }

    pub async fn upsert(&self, info: &'static ContentInfo, items: Json) -> Result<Vec<Uuid>> {
        let items = items.as_array().expect("a list").clone();
        write::upsert(&self.store, &HookSet::default(), info, &items, false).await
    }

    pub async fn delete(&self, info: &'static ContentInfo, id: Uuid, revision: i64) -> Result<Uuid> {
        write::delete(&self.store, &HookSet::default(), info, id, revision).await
    }

    pub async fn publish(&self, info: &'static ContentInfo, id: Uuid, revision: i64) -> Result<Uuid> {
        write::publish(&self.store, &HookSet::default(), info, id, revision).await
    }

    pub async fn unpublish(&self, info: &'static ContentInfo, id: Uuid, revision: i64, force: bool) -> Result<Uuid> {
        write::unpublish(&self.store, &HookSet::default(), info, id, revision, force).await
    }

    /// The only value of a statement, as JSON.
    pub async fn value(&self, sql: &str) -> Json {
        let sql = format!("select to_jsonb(x.v)::text from ({sql}) as x(v)");
        let text: Option<Option<String>> =
            sqlx::query_scalar(AssertSqlSafe(sql.clone())).fetch_optional(&self.store.writes).await.expect(&sql);
        text.flatten().map_or(Json::Null, |text| serde_json::from_str(&text).expect("JSON of PostgreSQL"))
    }

    /// The rows of a statement with one column.
    pub async fn values(&self, sql: &str) -> Vec<Json> {
        let all = self.value(&format!("select coalesce(jsonb_agg(y.v), '[]') from ({sql}) as y(v)")).await;
        all.as_array().expect("a list").clone()
    }
}

pub fn object(json: Json) -> Map<String, Json> {
    json.as_object().expect("an object").clone()
}

/// `[(code, "input.variants.set.2.price")]`, sorted by path.
pub fn problems<T: std::fmt::Debug>(result: Result<T>) -> Vec<(Code, String)> {
    let Error { problems } = result.expect_err("a refusal");
    let mut problems: Vec<_> = problems.iter().map(|problem| (problem.code, path(&problem.path))).collect();
    problems.sort_by(|a, b| a.1.cmp(&b.1));
    problems
}

pub fn path(steps: &[Step]) -> String {
    let steps = steps.iter().map(|step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => index.to_string(),
    });
    steps.collect::<Vec<_>>().join(".")
}
