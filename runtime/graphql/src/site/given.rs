//! What the root fields about the site have in common: ids of entries of any type, texts, and who did something.

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;
use model::cut;
use store::Store;
use store::access::{API_TOKEN_PREFIX, USER_PREFIX};
use store::id;

/// Letters by which a name may differ from the one that is suggested.
const MOST_APART: usize = 2;

/// The entry of any type that an id names.
pub fn any_entry(store: &Store, id: Option<&Json>, path: &[Step]) -> Result<(&'static ContentInfo, Uuid)> {
    let given = id.and_then(Json::as_str).unwrap_or_default();
    let found = store.schema.contents().find_map(|info| Some((info, info.decode(given)?)));
    found.filter(|(info, _)| info.owner.is_none()).ok_or_else(|| {
        let message = format!("`{}` is not the id of an entry", cut(given));
        Problem::new(Code::BadUserInput, message).at(path.to_vec()).into()
    })
}

/// The content type that an argument names as the API does. Those who write the name of the YAML file are told the right one.
pub fn content_type(store: &Store, name: &str, path: &[Step]) -> Result<&'static ContentInfo> {
    let types = &store.schema.types;
    if let Some(info) = types.iter().find(|info| info.name == name) {
        return Ok(info);
    }
    let small = |name: &str| name.replace('_', "").to_lowercase();
    let apart = |info: &ContentInfo| strsim::osa_distance(&small(info.name), &small(&cut(name)));
    let nearest = types.iter().filter(|info| apart(info) <= MOST_APART).min_by_key(|info| apart(info));
    let hint = nearest.map_or_else(String::new, |info| format!("; did you mean `{}`?", info.name));
    let message = format!("there is no content type `{}`{hint}", cut(name));
    Err(Problem::new(Code::BadUserInput, message).at(path.to_vec()).into())
}

/// Who did something and when, as members of an object.
pub fn author(at: &str, kind: &str, actor: Option<Uuid>, role: Option<&str>) -> Map<String, Json> {
    Map::from_iter([
        ("at".to_owned(), Json::from(at)),
        ("actorKind".to_owned(), kind.to_ascii_uppercase().into()),
        ("actor".to_owned(), account(kind, actor)),
        ("role".to_owned(), role.into()),
    ])
}

/// The id of a user or of an API token.
pub fn account(kind: &str, actor: Option<Uuid>) -> Json {
    let prefix = if kind == "token" { API_TOKEN_PREFIX } else { USER_PREFIX };
    actor.map(|actor| id::encode(prefix, actor)).into()
}

pub fn text<'a>(arguments: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(Json::as_str)
}

pub fn wrong(message: impl Into<String>, path: &[&str]) -> Error {
    Problem::new(Code::BadUserInput, message).at(path.iter().map(|step| Step::from(*step))).into()
}
