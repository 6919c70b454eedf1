//! What editors say of searches, and what visitors ask for.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{any_entry, text, wrong};
use base::error::{Error, Result, Step};
use model::content::ContentInfo;
use model::cut;
use store::search::asked::{self, DAYS};
use store::search::rules::{self, Named, PREFIX, Rule, Synonyms};
use store::{Store, id, page};

/// Queries that are returned by default.
const PAGE: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchField {
    Rules,
    SetRule,
    Synonyms,
    AddSynonyms,
    RemoveSynonyms,
    Queries,
}

impl SearchField {
    pub const ALL: [Self; 6] =
        [Self::Rules, Self::SetRule, Self::Synonyms, Self::AddSynonyms, Self::RemoveSynonyms, Self::Queries];

    pub fn name(self) -> &'static str {
        match self {
            Self::Rules => "searchRules",
            Self::SetRule => "setSearchRule",
            Self::Synonyms => "searchSynonyms",
            Self::AddSynonyms => "addSearchSynonyms",
            Self::RemoveSynonyms => "removeSearchSynonyms",
            Self::Queries => "searchQueries",
        }
    }

    pub fn writes(self) -> bool {
        matches!(self, Self::SetRule | Self::AddSynonyms | Self::RemoveSynonyms)
    }

    pub async fn answer(self, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
        match self {
            Self::Rules | Self::Synonyms => {
                let mut transaction = store.background.begin().await?;
                let shown = match self {
                    Self::Rules => rules::rules(&mut transaction).await?.iter().map(rule).collect(),
                    _ => rules::groups(&mut transaction).await?.iter().map(synonyms).collect(),
                };
                transaction.commit().await?;
                Ok(shown)
            }
            Self::SetRule => {
                let input = arguments.get("input").and_then(Json::as_object).cloned().unwrap_or_default();
                let (pinned, hidden) = (entries(store, &input, "pinned")?, entries(store, &input, "hidden")?);
                let query = text(&input, "query").unwrap_or_default();
                let set = rules::set(store, query, &pinned, &hidden).await.map_err(in_input)?;
                Ok(rule(&set))
            }
            Self::AddSynonyms => {
                let words = arguments.get("words").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
                let words: Vec<&str> = words.iter().filter_map(Json::as_str).collect();
                Ok(synonyms(&rules::add_synonyms(store, &words).await?))
            }
            Self::RemoveSynonyms => {
                let given = text(arguments, "id").unwrap_or_default();
                let id = id::decode_as(PREFIX, given)
                    .ok_or_else(|| wrong(format!("`{}` is not an id like `{PREFIX}_...`", cut(given)), &["id"]))?;
                Ok(id::encode(PREFIX, rules::remove_synonyms(store, id).await?).into())
            }
            Self::Queries => queries(store, arguments).await,
        }
    }
}

async fn queries(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let mut problems = Vec::new();
    let first = page::size(arguments, "first", store.schema.site.limits.page, &mut problems).unwrap_or(PAGE);
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let days = arguments.get("days").and_then(Json::as_i64).and_then(|days| i32::try_from(days).ok());
    let Some(days) = days.filter(|days| (1..=DAYS).contains(days)) else {
        return Err(wrong(format!("`days` is a number from 1 to {DAYS}"), &["days"]));
    };
    let without = arguments.get("withoutResult") == Some(&Json::Bool(true));
    let counts = asked::most_frequent(store, days, without, first as i64).await?;
    let shown = |count: &asked::Count| json!({ "query": count.query, "times": int(count.times), "withoutResult": int(count.without_result) });
    Ok(counts.iter().map(shown).collect())
}

/// GraphQL's integers have 32 bits.
fn int(number: i64) -> i64 {
    number.min(i64::from(i32::MAX))
}

fn rule(rule: &Rule) -> Json {
    let ids = |named: &[Named]| named.iter().map(|(table, id)| id::encode(table, *id)).collect::<Vec<_>>();
    json!({ "query": rule.query, "pinned": ids(&rule.pinned), "hidden": ids(&rule.hidden) })
}

fn synonyms(group: &Synonyms) -> Json {
    json!({ "id": id::encode(PREFIX, group.id), "words": group.words })
}

fn entries(store: &Store, input: &Map<String, Json>, name: &'static str) -> Result<Vec<(&'static ContentInfo, Uuid)>> {
    let given = input.get(name).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let entry = |(place, id): (usize, &Json)| {
        any_entry(store, Some(id), &[Step::from("input"), Step::from(name), Step::from(place)])
    };
    given.iter().enumerate().map(entry).collect()
}

fn in_input(mut error: Error) -> Error {
    error.problems.iter_mut().for_each(|problem| problem.path.insert(0, "input".into()));
    error
}
