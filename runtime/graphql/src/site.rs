//! Root fields about the site instead of its content: the current actor, access explanations, the audit log, redirects,
//! webhooks.

mod audit;
mod comments;
mod explain;
mod given;
mod history;
mod locks;
mod people;
mod previews;
mod publishing;
mod redirects;
mod releases;
mod review;
mod schedules;
mod search;
mod webhooks;

use async_graphql::parser::types::SelectionSet;
use serde_json::{Map, Value as Json, json};

use super::Api;
use super::read::{Document, Selected};
use super::types::{self, Types};
use base::error::{Problem, Result, Step};
use given::{account, any_entry, author, content_type, text, wrong};
use lifecycle::locks::How;
use lifecycle::schedule::Edit;
use store::access::{Access, Area, Identity, USER_PREFIX};
use store::id;
use store::{Standing, Store};

pub use previews::Preview;
use releases::ReleaseField;
pub use releases::version;
use search::SearchField;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteField {
    Me,
    People,
    ExplainAccess,
    AuditLog,
    PublishCheck,
    PublishDependencies,
    PublishEach,
    Revisions,
    RevisionDiff,
    RestoreCheck,
    Bin,
    PurgeDeleted,
    ScheduledChanges,
    SchedulePublish,
    ScheduleUnpublish,
    ScheduleWindow,
    MoveScheduledChange,
    CancelScheduledChange,
    RetryScheduledChange,
    Release(ReleaseField),
    Search(SearchField),
    PreviewLinks,
    CreatePreviewLink,
    RevokePreviewLink,
    Redirects,
    CreateRedirect,
    UpdateRedirect,
    DeleteRedirect,
    ImportRedirects,
    EntryLocks,
    LockEntry,
    TakeOverLock,
    UnlockEntry,
    EntryComments,
    CommentOn,
    ReplyToComment,
    EditComment,
    RemoveComment,
    ResolveComment,
    ReopenComment,
    EntryReview,
    EntriesAtStage,
    MoveToStage,
    ApproveRevision,
    Webhooks,
    Webhook,
    WebhookDeliveries,
    WebhookDelivery,
    CreateWebhook,
    UpdateWebhook,
    DeleteWebhook,
    RotateWebhookSecret,
    TestWebhook,
    ReplayDelivery,
    ReplayDeliveries,
}

/// The selection on an object whose complete JSON is built first; these objects are small and rarely requested.
pub struct Shape {
    pub(super) of: String,
    pub(super) fields: Vec<Shown>,
}

pub(super) struct Shown {
    pub(super) key: String,
    pub(super) name: String,
    /// `None` for a value without fields.
    pub(super) inner: Option<Shape>,
}

impl SiteField {
    pub fn all() -> impl Iterator<Item = Self> {
        let of_search = SearchField::ALL.map(Self::Search);
        Self::PLAIN.into_iter().chain(ReleaseField::ALL.map(Self::Release)).chain(of_search)
    }

    const PLAIN: [Self; 53] = [
        Self::PublishDependencies,
        Self::PublishEach,
        Self::PreviewLinks,
        Self::CreatePreviewLink,
        Self::RevokePreviewLink,
        Self::Me,
        Self::People,
        Self::ExplainAccess,
        Self::AuditLog,
        Self::PublishCheck,
        Self::Revisions,
        Self::RevisionDiff,
        Self::RestoreCheck,
        Self::Bin,
        Self::PurgeDeleted,
        Self::ScheduledChanges,
        Self::SchedulePublish,
        Self::ScheduleUnpublish,
        Self::ScheduleWindow,
        Self::MoveScheduledChange,
        Self::CancelScheduledChange,
        Self::RetryScheduledChange,
        Self::Redirects,
        Self::CreateRedirect,
        Self::UpdateRedirect,
        Self::DeleteRedirect,
        Self::ImportRedirects,
        Self::EntryLocks,
        Self::LockEntry,
        Self::TakeOverLock,
        Self::UnlockEntry,
        Self::EntryComments,
        Self::CommentOn,
        Self::ReplyToComment,
        Self::EditComment,
        Self::RemoveComment,
        Self::ResolveComment,
        Self::ReopenComment,
        Self::EntryReview,
        Self::EntriesAtStage,
        Self::MoveToStage,
        Self::ApproveRevision,
        Self::Webhooks,
        Self::Webhook,
        Self::WebhookDeliveries,
        Self::WebhookDelivery,
        Self::CreateWebhook,
        Self::UpdateWebhook,
        Self::DeleteWebhook,
        Self::RotateWebhookSecret,
        Self::TestWebhook,
        Self::ReplayDelivery,
        Self::ReplayDeliveries,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Me => "me",
            Self::People => "people",
            Self::ExplainAccess => "explainAccess",
            Self::AuditLog => "auditLog",
            Self::PublishCheck => "publishCheck",
            Self::PublishDependencies => "publishDependencies",
            Self::PublishEach => "publishEach",
            Self::Revisions => "revisions",
            Self::RevisionDiff => "revisionDiff",
            Self::RestoreCheck => "restoreCheck",
            Self::Bin => "deletedEntries",
            Self::PurgeDeleted => "purgeDeleted",
            Self::ScheduledChanges => "scheduledChanges",
            Self::SchedulePublish => "schedulePublish",
            Self::ScheduleUnpublish => "scheduleUnpublish",
            Self::ScheduleWindow => "scheduleWindow",
            Self::MoveScheduledChange => "moveScheduledChange",
            Self::CancelScheduledChange => "cancelScheduledChange",
            Self::RetryScheduledChange => "retryScheduledChange",
            Self::Release(field) => field.name(),
            Self::Search(field) => field.name(),
            Self::PreviewLinks => "previewLinks",
            Self::CreatePreviewLink => "createPreviewLink",
            Self::RevokePreviewLink => "revokePreviewLink",
            Self::Redirects => "redirects",
            Self::CreateRedirect => "createRedirect",
            Self::UpdateRedirect => "updateRedirect",
            Self::DeleteRedirect => "deleteRedirect",
            Self::ImportRedirects => "importRedirects",
            Self::EntryLocks => "entryLocks",
            Self::LockEntry => "lockEntry",
            Self::TakeOverLock => "takeOverLock",
            Self::UnlockEntry => "unlockEntry",
            Self::EntryComments => "entryComments",
            Self::CommentOn => "commentOn",
            Self::ReplyToComment => "replyToComment",
            Self::EditComment => "editComment",
            Self::RemoveComment => "removeComment",
            Self::ResolveComment => "resolveComment",
            Self::ReopenComment => "reopenComment",
            Self::EntryReview => "entryReview",
            Self::EntriesAtStage => "entriesAtStage",
            Self::MoveToStage => "moveToStage",
            Self::ApproveRevision => "approveRevision",
            Self::Webhooks => "webhooks",
            Self::Webhook => "webhook",
            Self::WebhookDeliveries => "webhookDeliveries",
            Self::WebhookDelivery => "webhookDelivery",
            Self::CreateWebhook => "createWebhook",
            Self::UpdateWebhook => "updateWebhook",
            Self::DeleteWebhook => "deleteWebhook",
            Self::RotateWebhookSecret => "rotateWebhookSecret",
            Self::TestWebhook => "testWebhook",
            Self::ReplayDelivery => "replayDelivery",
            Self::ReplayDeliveries => "replayDeliveries",
        }
    }

    /// Whether it is a field of `Mutation`.
    pub fn writes(self) -> bool {
        match self {
            Self::Release(field) => return field.writes(),
            Self::Search(field) => return field.writes(),
            _ => {}
        }
        matches!(
            self,
            Self::PublishEach
                | Self::CreatePreviewLink
                | Self::RevokePreviewLink
                | Self::CreateWebhook
                | Self::UpdateWebhook
                | Self::DeleteWebhook
                | Self::RotateWebhookSecret
                | Self::TestWebhook
                | Self::ReplayDelivery
                | Self::ReplayDeliveries
                | Self::CreateRedirect
                | Self::UpdateRedirect
                | Self::DeleteRedirect
                | Self::ImportRedirects
                | Self::PurgeDeleted
                | Self::SchedulePublish
                | Self::ScheduleUnpublish
                | Self::ScheduleWindow
                | Self::MoveScheduledChange
                | Self::CancelScheduledChange
                | Self::RetryScheduledChange
                | Self::LockEntry
                | Self::TakeOverLock
                | Self::UnlockEntry
                | Self::CommentOn
                | Self::ReplyToComment
                | Self::EditComment
                | Self::RemoveComment
                | Self::ResolveComment
                | Self::ReopenComment
                | Self::MoveToStage
                | Self::ApproveRevision
        )
    }

    /// The area that the role must manage.
    fn area(self) -> Option<(Area, &'static str)> {
        match self {
            Self::Me
            | Self::People
            | Self::PublishCheck
            | Self::PublishDependencies
            | Self::PublishEach
            | Self::Revisions
            | Self::RevisionDiff
            | Self::RestoreCheck
            | Self::Bin
            | Self::PurgeDeleted
            | Self::ScheduledChanges
            | Self::SchedulePublish
            | Self::ScheduleUnpublish
            | Self::ScheduleWindow
            | Self::MoveScheduledChange
            | Self::CancelScheduledChange
            | Self::RetryScheduledChange
            | Self::PreviewLinks
            | Self::CreatePreviewLink
            | Self::RevokePreviewLink
            | Self::Release(_)
            | Self::DeleteRedirect
            | Self::EntryLocks
            | Self::LockEntry
            | Self::TakeOverLock
            | Self::UnlockEntry
            | Self::EntryComments
            | Self::CommentOn
            | Self::ReplyToComment
            | Self::EditComment
            | Self::RemoveComment
            | Self::ResolveComment
            | Self::ReopenComment
            | Self::EntryReview
            | Self::EntriesAtStage
            | Self::MoveToStage
            | Self::ApproveRevision => None,
            Self::ExplainAccess => Some((Area::Users, "users")),
            Self::AuditLog => Some((Area::Audit, "audit")),
            Self::Search(_) => Some((Area::Search, "search")),
            Self::Redirects | Self::CreateRedirect | Self::UpdateRedirect | Self::ImportRedirects => {
                Some((Area::Redirects, "redirects"))
            }
            _ => Some((Area::Webhooks, "webhooks")),
        }
    }

    pub fn denied(self, access: &Access) -> Option<Problem> {
        if self == Self::DeleteRedirect && access.actor.is_anonymous() {
            return Some(access.refusal("visitors may not delete redirects".to_owned()));
        }
        let (area, name) = self.area()?;
        (!access.manages(area)).then(|| access.refusal(format!("this needs a role that manages `{name}`")))
    }

    pub async fn answer(self, api: &Api, store: &Store, arguments: &Map<String, Json>, shape: &Shape) -> Result<Json> {
        let accounts = &*api.standing;
        let whole = match self {
            Self::Me => me(store, accounts).await?,
            Self::People => people::list(store, arguments).await?,
            Self::ExplainAccess => explain::answer(store, accounts, arguments).await?,
            Self::AuditLog => audit::page(store, arguments, shape.has("totalCount")).await?,
            Self::PublishCheck => publishing::check(store, arguments).await?,
            Self::PublishDependencies => publishing::dependencies(store, arguments).await?,
            Self::PublishEach => publishing::each(api, store, arguments).await?,
            Self::Revisions => history::list(store, arguments).await?,
            Self::RevisionDiff => history::difference(store, arguments).await?,
            Self::RestoreCheck => history::restore_check(store, arguments).await?,
            Self::Bin => history::bin(store, arguments).await?,
            Self::PurgeDeleted => history::purge(store, arguments).await?,
            Self::ScheduledChanges => schedules::list(store, arguments).await?,
            Self::SchedulePublish => schedules::publish(api, store, arguments).await?,
            Self::ScheduleUnpublish => schedules::unpublish(api, store, arguments).await?,
            Self::ScheduleWindow => schedules::window(api, store, arguments).await?,
            Self::MoveScheduledChange => {
                let to = schedules::moment(arguments, "at")?;
                schedules::edit(api, store, arguments, Edit::Move(to)).await?
            }
            Self::CancelScheduledChange => schedules::edit(api, store, arguments, Edit::Cancel).await?,
            Self::RetryScheduledChange => schedules::edit(api, store, arguments, Edit::Retry).await?,
            Self::Release(field) => field.answer(api, store, arguments, shape).await?,
            Self::Search(field) => field.answer(store, arguments).await?,
            Self::PreviewLinks => previews::list(store, arguments).await?,
            Self::CreatePreviewLink => previews::create(api, store, arguments).await?,
            Self::RevokePreviewLink => previews::revoke(api, store, arguments).await?,
            Self::Redirects => redirects::list(store, arguments).await?,
            Self::CreateRedirect => redirects::create(store, arguments).await?,
            Self::UpdateRedirect => redirects::update(store, arguments).await?,
            Self::DeleteRedirect => redirects::delete(store, arguments).await?,
            Self::ImportRedirects => redirects::import(store, arguments).await?,
            Self::EntryLocks => locks::list(store, arguments).await?,
            Self::LockEntry => locks::lock(api, store, arguments, How::Ask).await?,
            Self::TakeOverLock => locks::lock(api, store, arguments, How::TakeOver).await?,
            Self::UnlockEntry => locks::unlock(api, store, arguments).await?,
            Self::EntryComments => comments::list(store, arguments).await?,
            Self::CommentOn => comments::begin(api, store, arguments).await?,
            Self::ReplyToComment => comments::reply(api, store, arguments).await?,
            Self::EditComment => comments::edit(api, store, arguments).await?,
            Self::RemoveComment => comments::delete(api, store, arguments).await?,
            Self::ResolveComment => comments::resolve(api, store, arguments, true).await?,
            Self::ReopenComment => comments::resolve(api, store, arguments, false).await?,
            Self::EntryReview => review::of(store, arguments).await?,
            Self::EntriesAtStage => review::at_stage(store, arguments).await?,
            Self::MoveToStage => review::go(api, store, arguments).await?,
            Self::ApproveRevision => review::approve(api, store, arguments).await?,
            Self::Webhooks => webhooks::list(store).await?,
            Self::Webhook => webhooks::one(store, arguments).await?,
            Self::WebhookDeliveries => webhooks::deliveries(store, arguments).await?,
            Self::WebhookDelivery => webhooks::delivery(store, arguments).await?,
            Self::CreateWebhook => webhooks::create(api, store, arguments).await?,
            Self::UpdateWebhook => webhooks::update(api, store, arguments).await?,
            Self::DeleteWebhook => webhooks::delete(api, store, arguments).await?,
            Self::RotateWebhookSecret => webhooks::rotate(api, store, arguments).await?,
            Self::TestWebhook => webhooks::test(store, arguments).await?,
            Self::ReplayDelivery => webhooks::replay(store, arguments).await?,
            Self::ReplayDeliveries => webhooks::replay_since(store, arguments).await?,
        };
        Ok(shape.project(whole))
    }
}

impl Shape {
    pub fn new(types: &Types, document: &Document<'_>, ty: &str, sets: &[&SelectionSet]) -> Self {
        let field = |selected: Selected<'_>| {
            let declared = types.field(ty, selected.name()).map(|field| types::named(&field.ty).to_string());
            let inner = declared.filter(|ty| types.is_object(ty));
            Shown {
                key: selected.key.to_owned(),
                name: selected.name().to_owned(),
                inner: inner.map(|inner| Self::new(types, document, &inner, &selected.sets)),
            }
        };
        Self { of: ty.to_owned(), fields: document.fields(ty, sets).into_iter().map(field).collect() }
    }

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    fn project(&self, whole: Json) -> Json {
        match whole {
            Json::Array(items) => items.into_iter().map(|item| self.project(item)).collect(),
            Json::Object(mut members) => {
                let mut shown = Map::new();
                for (place, field) in self.fields.iter().enumerate() {
                    let is_last = !self.fields[place + 1..].iter().any(|other| other.name == field.name);
                    let value = match field.name.as_str() {
                        "__typename" => Json::from(self.of.as_str()),
                        name if is_last => members.remove(name).unwrap_or_default(),
                        name => members.get(name).cloned().unwrap_or_default(),
                    };
                    let value = match &field.inner {
                        Some(inner) => inner.project(value),
                        None => value,
                    };
                    shown.insert(field.key.clone(), value);
                }
                Json::Object(shown)
            }
            other => other,
        }
    }
}

async fn me(store: &Store, accounts: &dyn Standing) -> Result<Json> {
    let actor = &store.access.actor;
    let kind = match actor.identity {
        Identity::Anonymous => "ANONYMOUS",
        Identity::Developer => "DEVELOPER",
        Identity::System => "SYSTEM",
        Identity::User { .. } => "USER",
        Identity::Token { .. } => "TOKEN",
    };
    let called = accounts.called(&store.writes, actor).await?;
    Ok(json!({
        "id": actor.user().map(|user| id::encode(USER_PREFIX, user)),
        "kind": kind,
        "email": called.email,
        "name": called.name,
        "role": actor.role,
        "manages": store.access.managed().iter().map(|area| area.as_str()).collect::<Vec<_>>(),
    }))
}

fn problem_shown(problem: &Problem) -> Json {
    let step = |step: &Step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => index.to_string(),
    };
    let path: Vec<String> = problem.path.iter().map(step).collect();
    json!({ "code": problem.code.as_str(), "message": problem.message, "path": path, "details": problem.details })
}
