//! Preview links: made, listed, revoked, and what one shows.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::history::first;
use super::releases::release_id;
use super::{Api, any_entry, text, wrong};
use base::error::{Error, Result};
use lifecycle::preview_link::{self, Link, PREFIX, Previews, Target};
use model::timestamp::Timestamp;
use store::access::{API_TOKEN_PREFIX, USER_PREFIX};
use store::overlay::Overlay;
use store::{Store, id};

/// What a request reads in place of what is published, by a preview link.
#[derive(Clone, Debug)]
pub struct Preview {
    pub overlay: Arc<Overlay>,
    /// What it is, for `extensions.preview`.
    pub about: Json,
    pub target: Target,
    /// By a cookie, which a browser sends with every request, also with those that are not about the preview.
    pub(crate) by_cookie: bool,
    until: Option<Timestamp>,
}

impl Preview {
    pub fn new(link: &Link, overlay: Overlay) -> Self {
        let about = json!({
            "kind": link.target.kind().to_ascii_uppercase(),
            "target": link.target.id(),
            "expiresAt": link.expires_at,
        });
        Self {
            overlay: Arc::new(overlay),
            about,
            target: link.target,
            by_cookie: false,
            until: link.expires_at.parse().ok(),
        }
    }

    pub fn by_cookie(self) -> Self {
        Self { by_cookie: true, ..self }
    }

    /// How many seconds are left.
    pub fn lasts(&self) -> i64 {
        let left = self.until.map_or(0, |until| until.as_microsecond() - Timestamp::now().as_microsecond());
        (left / 1_000_000).max(0)
    }
}

pub async fn list(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let after = text(arguments, "after").map(|given| link_id(given, "after")).transpose()?;
    let found = preview_link::list(store, after, first(store, arguments)?).await?;
    Ok(found.iter().map(shown).collect())
}

pub async fn create(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let previews = set_up(api)?;
    let entry = arguments.get("entry").filter(|id| !id.is_null());
    let drafts = arguments.get("drafts") == Some(&Json::Bool(true));
    let target = match (entry, text(arguments, "release"), drafts) {
        (Some(given), None, false) => {
            let (info, id) = any_entry(store, Some(given), &["entry".into()])?;
            Target::Entry(info, id)
        }
        (None, Some(given), false) => Target::Release(release_id(given, "release")?),
        (None, None, true) => Target::Drafts,
        _ => return Err(wrong("give one of `entry`, `release` and `drafts: true`", &[])),
    };
    let hours = arguments.get("hours").and_then(Json::as_i64).unwrap_or_default();
    let (link, token) = preview_link::create(store, &api.hooks, previews, target, hours).await?;
    let url = format!("{}/preview?token={token}", previews.public_url);
    Ok(json!({ "link": shown(&link), "token": token, "url": url }))
}

pub async fn revoke(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let link = link_id(text(arguments, "id").unwrap_or_default(), "id")?;
    let revoked = preview_link::revoke(store, &api.hooks, link).await?;
    Ok(id::encode(PREFIX, revoked).into())
}

fn set_up(api: &Api) -> Result<&Previews> {
    api.previews.as_ref().ok_or_else(|| Error::internal("this server makes no preview links"))
}

fn link_id(given: &str, argument: &str) -> Result<Uuid> {
    let found = id::decode(given).filter(|(prefix, _)| *prefix == PREFIX);
    let message = || format!("`{}` is not the id of a preview link", model::cut(given));
    found.map(|(_, uuid)| uuid).ok_or_else(|| wrong(message(), &[argument]))
}

fn shown(link: &Link) -> Json {
    let prefix = if link.actor_kind == "token" { API_TOKEN_PREFIX } else { USER_PREFIX };
    json!({
        "id": id::encode(PREFIX, link.id),
        "kind": link.target.kind().to_ascii_uppercase(),
        "target": link.target.id(),
        "actorKind": link.actor_kind.to_ascii_uppercase(),
        "actor": link.actor.map(|actor| id::encode(prefix, actor)),
        "role": link.role,
        "createdAt": link.created_at,
        "expiresAt": link.expires_at,
        "revokedAt": link.revoked_at,
    })
}
