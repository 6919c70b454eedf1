//! Comments on entries: threads with replies, written and read by those who may read the draft.

mod list;
mod place;

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row as _;
use uuid::Uuid;

use crate::review::names;
use crate::schedule::content;
use base::error::{Code, Problem, Result, Step};
use jobs::{Enqueue as _, Job};
use model::content::ContentInfo;
use store::access::{API_TOKEN_PREFIX, Action, Identity, USER_PREFIX};
use store::hooks::{Cx, HookSet};
use store::outbox::actor_of;
use store::write::{self, Transacted, entries};
use store::{Standing, Store, audit, id};

pub use list::{Comment, Filter, list, one};

/// The prefix of the ids of comments.
pub const PREFIX: &str = "entry_comment";
/// Characters of a comment.
const LONGEST: usize = 10_000;
/// Users that a comment mentions.
const MOST_MENTIONS: usize = 20;
/// Comments of an entry, and their characters in total.
const MOST: i64 = 500;
const MOST_TEXT: i64 = 1_000_000;
/// Characters of a comment that a mail shows.
const LONGEST_IN_MAIL: usize = 1_000;

/// The job that tells a user of a comment; the façade sends the mail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NotifyMention {
    pub user: String,
    /// The user or API token that wrote it.
    pub author: Option<String>,
    pub entry: String,
    pub title: Option<String>,
    pub field: Option<String>,
    pub text: String,
}

impl Job for NotifyMention {
    const KIND: &'static str = "typecase.mention";
}

/// What a comment says.
#[derive(Clone, Debug)]
pub struct Said {
    pub text: String,
    /// Users.
    pub mentions: Vec<Uuid>,
}

/// A change of comments.
#[derive(Clone, Debug)]
pub enum Change {
    Begin { info: &'static ContentInfo, entry: Uuid, field: Option<String>, said: Said },
    Reply { to: Uuid, said: Said },
    Edit { comment: Uuid, said: Said },
    Resolve { comment: Uuid, resolved: bool },
    Delete { comment: Uuid },
}

/// Makes the change, and returns the comment that it is about: for a reply and so on, the first one of the thread.
pub async fn change(store: &Store, hooks: &HookSet, accounts: &dyn Standing, change: Change) -> Result<Uuid> {
    write::transact(store, hooks, &Changing { accounts, change }).await
}

struct Changing<'a> {
    accounts: &'a dyn Standing,
    change: Change,
}

/// A comment that is to be changed.
struct Known {
    id: Uuid,
    thread: Uuid,
    info: &'static ContentInfo,
    entry: Uuid,
    field: Option<String>,
    mentions: Vec<Uuid>,
    is_mine: bool,
    text: String,
}

impl Transacted for Changing<'_> {
    type Output = Uuid;

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Pin<Box<dyn Future<Output = Result<Uuid>> + Send + 'c>> {
        Box::pin(async move {
            entries::must_have_account(cx.store)?;
            match &self.change {
                Change::Begin { info, entry, field, said } => {
                    self.begin(cx, info, *entry, field.as_deref(), said).await
                }
                Change::Reply { to, said } => self.reply(cx, *to, said).await,
                Change::Edit { comment, said } => self.edit(cx, *comment, said).await,
                Change::Resolve { comment, resolved } => resolve(cx, *comment, *resolved).await,
                Change::Delete { comment } => delete(cx, *comment).await,
            }
        })
    }
}

impl Changing<'_> {
    async fn begin(
        &self,
        cx: &mut Cx<'_>,
        info: &'static ContentInfo,
        entry: Uuid,
        field: Option<&str>,
        said: &Said,
    ) -> Result<Uuid> {
        entries::must_read(cx, info, entry).await?;
        if let Some(field) = field {
            place::check(cx.store, info, field)?;
        }
        let id = id::new_uuid();
        let about = Known {
            id,
            thread: id,
            info,
            entry,
            field: field.map(str::to_owned),
            mentions: Vec::new(),
            is_mine: true,
            text: String::new(),
        };
        self.insert(cx, &about, None, said).await?;
        Ok(id)
    }

    async fn reply(&self, cx: &mut Cx<'_>, to: Uuid, said: &Said) -> Result<Uuid> {
        let first = known(cx, to).await?;
        let (id, thread) = (id::new_uuid(), first.thread);
        let about = Known { id, mentions: Vec::new(), ..first };
        self.insert(cx, &about, Some(thread), said).await?;
        Ok(thread)
    }

    async fn insert(&self, cx: &mut Cx<'_>, about: &Known, thread: Option<Uuid>, said: &Said) -> Result<()> {
        let said = checked(said)?;
        bound(cx, about, said.text.chars().count()).await?;
        self.tell(cx, about, &said).await?;
        let actor = cx.store.access.actor.clone();
        let (kind, actor_id) = actor_of(&actor.identity);
        let sql = "insert into cms.comment (id, type, entry, thread, field, text, mentions, actor_kind, actor, role)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        sqlx::query(sql)
            .bind(about.id)
            .bind(about.info.table)
            .bind(about.entry)
            .bind(thread)
            .bind(about.field.as_deref().filter(|_| thread.is_none()))
            .bind(&said.text)
            .bind(&said.mentions)
            .bind(kind)
            .bind(actor_id)
            .bind(Some(&actor.role).filter(|role| !role.is_empty()))
            .execute(&mut *cx.connection)
            .await?;
        note(cx, about, "comment").await
    }

    async fn edit(&self, cx: &mut Cx<'_>, comment: Uuid, said: &Said) -> Result<Uuid> {
        let known = known(cx, comment).await?;
        if !known.is_mine {
            return Err(cx.store.access.refusal("only its author may change a comment").into());
        }
        let said = checked(said)?;
        let more = said.text.chars().count().saturating_sub(known.text.chars().count());
        bound(cx, &known, more).await?;
        self.tell(cx, &known, &said).await?;
        let sql = "update cms.comment set text = $2, mentions = $3, edited_at = now() where id = $1";
        sqlx::query(sql).bind(known.id).bind(&said.text).bind(&said.mentions).execute(&mut *cx.connection).await?;
        note(cx, &known, "edit_comment").await?;
        Ok(known.thread)
    }

    /// Those who are mentioned for the first time get a mail. All must be able to read what the comment is about.
    async fn tell(&self, cx: &mut Cx<'_>, about: &Known, said: &Said) -> Result<()> {
        let me = cx.store.access.actor.clone();
        let author = match actor_of(&me.identity) {
            ("token", Some(token)) => Some(id::encode(API_TOKEN_PREFIX, token)),
            _ => me.user().map(|author| id::encode(USER_PREFIX, author)),
        };
        for (place, user) in said.mentions.iter().enumerate() {
            let refusal = || {
                let message = format!("`{}` cannot read this", id::encode(USER_PREFIX, *user));
                Problem::new(Code::InvalidValue, message).at([Step::from("mentions"), Step::from(place)])
            };
            let identity = Identity::User { id: *user, session: Uuid::nil() };
            let them = self.accounts.resume(cx.connection, &identity, "").await?.ok_or_else(refusal)?;
            let theirs = cx.store.acting(them);
            let seen = entries::read_by(cx.connection, &theirs, &[(about.info, about.entry)]).await?;
            let sees_field = about.field.as_deref().is_none_or(|field| place::is_readable(&theirs, about.info, field));
            if seen.is_empty() || !sees_field {
                return Err(refusal().into());
            }
            if about.mentions.contains(user) || me.user() == Some(*user) {
                continue;
            }
            let job = NotifyMention {
                user: id::encode(USER_PREFIX, *user),
                author: author.clone(),
                entry: id::encode(about.info.table, about.entry),
                title: entries::title(&mut cx.acting_as(&theirs), about.info, about.entry).await?,
                field: about.field.clone(),
                text: shortened(&said.text),
            };
            cx.enqueue(&job).await?;
        }
        Ok(())
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_IN_MAIL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn checked(said: &Said) -> Result<Said> {
    let count = said.text.chars().count();
    if said.text.trim().is_empty() || count > LONGEST || said.text.contains('\0') {
        let message = format!("a comment has 1 to {LONGEST} characters and no U+0000; this one has {count}");
        return Err(Problem::new(Code::InvalidValue, message).at([Step::from("text")]).into());
    }
    let mut mentions: Vec<Uuid> = Vec::new();
    for user in &said.mentions {
        if !mentions.contains(user) {
            mentions.push(*user);
        }
    }
    if mentions.len() > MOST_MENTIONS {
        let message = format!("a comment mentions at most {MOST_MENTIONS} users; this one {}", mentions.len());
        return Err(Problem::new(Code::LimitExceeded, message).at([Step::from("mentions")]).into());
    }
    Ok(Said { text: said.text.clone(), mentions })
}

/// Writers of comments on an entry follow one another here, so that the limits hold.
async fn bound(cx: &mut Cx<'_>, about: &Known, characters: usize) -> Result<()> {
    cx.connection.alone_at(&format!("comment {}", about.entry)).await?;
    let sql = "select count(*), coalesce(sum(length(text)), 0)::bigint from cms.comment where type = any($1) and entry = $2 and id <> $3";
    let (count, length): (i64, i64) = sqlx::query_as(sql)
        .bind(names(about.info))
        .bind(about.entry)
        .bind(about.id)
        .fetch_one(&mut *cx.connection)
        .await?;
    let length = length.saturating_add(i64::try_from(characters).unwrap_or(i64::MAX));
    if count >= MOST || length > MOST_TEXT {
        let message = format!(
            "an entry has at most {MOST} comments with {MOST_TEXT} characters in total: delete threads that are resolved"
        );
        return Err(Problem::new(Code::LimitExceeded, message).at([Step::from("text")]).into());
    }
    Ok(())
}

/// A comment that the actor may read, locked.
async fn known(cx: &mut Cx<'_>, comment: Uuid) -> Result<Known> {
    let sql = "select c.type, c.entry, c.thread, coalesce(f.field, c.field), c.mentions, c.actor_kind, c.actor, c.text
        from cms.comment c left join cms.comment f on f.id = c.thread where c.id = $1 for update of c";
    let row = sqlx::query(sql).bind(comment).fetch_optional(&mut *cx.connection).await?;
    let row = row.ok_or_else(|| missing(comment))?;
    let (table, entry): (String, Uuid) = (row.try_get(0)?, row.try_get(1)?);
    let info = content(cx.store, &table).ok_or_else(|| missing(comment))?;
    let field: Option<String> = row.try_get(3)?;
    let sees_field = field.as_deref().is_none_or(|field| place::is_readable(cx.store, info, field));
    if !sees_field || entries::must_read(cx, info, entry).await.is_err() {
        return Err(missing(comment).into());
    }
    let (kind, actor): (String, Option<Uuid>) = (row.try_get(5)?, row.try_get(6)?);
    Ok(Known {
        id: comment,
        thread: row.try_get::<Option<Uuid>, _>(2)?.unwrap_or(comment),
        info,
        entry,
        field,
        mentions: row.try_get(4)?,
        is_mine: (kind.as_str(), actor) == actor_of(&cx.store.access.actor.identity),
        text: row.try_get(7)?,
    })
}

async fn resolve(cx: &mut Cx<'_>, comment: Uuid, resolved: bool) -> Result<Uuid> {
    let known = known(cx, comment).await?;
    let (kind, actor) = actor_of(&cx.store.access.actor.identity);
    let sql = "update cms.comment set resolved_at = case when $2 then coalesce(resolved_at, now()) end,
            resolved_kind = case when $2 then coalesce(resolved_kind, $3) end,
            resolved_by = case when not $2 then null when resolved_at is null then $4 else resolved_by end
        where id = $1 and (resolved_at is not null) <> $2";
    let done =
        sqlx::query(sql).bind(known.thread).bind(resolved).bind(kind).bind(actor).execute(&mut *cx.connection).await?;
    if done.rows_affected() > 0 {
        note(cx, &known, if resolved { "resolve_comment" } else { "reopen_comment" }).await?;
    }
    Ok(known.thread)
}

async fn delete(cx: &mut Cx<'_>, comment: Uuid) -> Result<Uuid> {
    let known = known(cx, comment).await?;
    if !known.is_mine && entries::must(cx, known.info, known.entry, Action::Delete).await.is_err() {
        let message = "only its author, or those who may delete the entry, may delete a comment";
        return Err(cx.store.access.refusal(message).into());
    }
    sqlx::query("delete from cms.comment where id = $1").bind(known.id).execute(&mut *cx.connection).await?;
    note(cx, &known, "remove_comment").await?;
    Ok(known.id)
}

/// A line of the audit log; the text stays where it can be deleted.
async fn note(cx: &mut Cx<'_>, about: &Known, verb: &str) -> Result<()> {
    let actor = cx.store.access.actor.clone();
    let mut event = audit::Event::new(format!("{}.{verb}", about.info.table)).on(about.info.table, about.entry);
    event.after = Some(json!({ "comment": id::encode(PREFIX, about.id), "field": about.field }));
    audit::record(cx.connection, &actor, event).await
}

pub(crate) fn missing(comment: Uuid) -> Problem {
    let message = format!("the comment `{}` does not exist", id::encode(PREFIX, comment));
    Problem::new(Code::NotFound, message).at([Step::from("id")])
}
