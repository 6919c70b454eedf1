//! Runs the root fields of an operation: queries concurrently, mutations one after the other.

use std::sync::Arc;

use async_graphql::Variables as AsyncVariables;
use async_graphql_value::{Name, Value as Literal};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::Api;
use super::answer::Failure;
use super::coerce::{Coercion, Variables};
use super::compile::{Call, Compiled, Introspected, RootField, What, Write};
use super::pieces::Pieces;
use super::read::{self, Arguments, Written};
use super::site;
use base::error::{Code, Error, Problem, Result, Step, caught};
use base::memory::Text;
use lifecycle::preview;
use model::content::{ContentInfo, OperationInfo, Returns};
use model::cut;
use store::access::Action;
use store::hooks::Cx;
use store::id;
use store::site::{Args, SiteCode};
use store::value::Value;
use store::{Stage, Store, write};

/// How many root fields of a query run concurrently, each on its own connection.
const CONCURRENT_FIELDS: usize = 4;

/// A request in execution.
pub struct Execution<'a> {
    pub api: &'a Api,
    /// The store of the request's actor.
    pub store: Store,
    pub variables: &'a Variables,
}

impl<'a> Execution<'a> {
    pub fn new(api: &'a Api, store: Store, variables: &'a Variables) -> Self {
        Self { api, store, variables }
    }

    /// The rights that the actor lacks, for all fields. If there are any, nothing is executed.
    pub fn denied(&self, compiled: &Compiled) -> Vec<Failure> {
        compiled.fields.iter().flat_map(|field| self.denied_in(field)).collect()
    }

    fn denied_in(&self, field: &RootField) -> Vec<Failure> {
        let access = &self.store.access;
        let drafts = self.store.at(Stage::Draft);
        let path = || vec![Step::from(field.key.as_str())];
        let at_field = |problem: Problem| Failure { path: path(), ..Failure::from(problem).at(field.pos) };
        let (refused, of_answer) = match &field.what {
            What::Typename(_) => return Vec::new(),
            What::Introspection(_) => {
                let refusal = || access.refusal("introspection is restricted on this server".to_owned());
                ((!self.api.introspects(&access.actor)).then(refusal), None)
            }
            What::Site { field, .. } => (field.denied(access), None),
            What::Read(root) => return shown(root.denied(self.store.at(root.stage(self)))),
            What::Revision { info, entry, .. } => {
                (access.must(info, Action::ReadHistory).err(), Some(entry.denied_of_past(drafts, info)))
            }
            What::Changes(changes) => return changes.denied(self, field),
            What::Write { write, info, entries, .. } => {
                let refused = write.actions().iter().map(|action| access.must(info, *action));
                // An upsert needs only one of its rights here; each entry is checked later.
                let refused = refused.reduce(|one, other| one.or(other)).and_then(Result::err);
                (refused, entries.as_ref().map(|root| root.denied_of_written(drafts)))
            }
            What::Own { is_mutation, operation, entries, .. } => {
                let scope = if *is_mutation { drafts } else { self.store.at(Stage::Live) };
                (access.must_call(operation).err(), entries.as_ref().map(|root| root.denied(scope)))
            }
        };
        refused.map(at_field).into_iter().chain(shown(of_answer.unwrap_or_default())).collect()
    }

    /// Returns the JSON of `data` and the failures in it.
    pub async fn run(&self, compiled: &Compiled, is_mutation: bool) -> (Pieces, Vec<Failure>) {
        let answers = match compiled.fields.as_slice() {
            // Nearly every request has one field, for which joining futures would be a tenth of the work.
            [only] => vec![self.field(only).await],
            several if is_mutation => Box::pin(self.one_by_one(several)).await,
            several => Box::pin(self.side_by_side(several)).await,
        };
        self.store.ration.forget_rows();
        let mut data = Pieces::new(self.store.ration.memory(), 64);
        let mut failures = Vec::new();
        let mut is_null = false;
        for (index, (field, answer)) in compiled.fields.iter().zip(answers).enumerate() {
            data.end().push(if index > 0 { b',' } else { b'{' });
            model::json::write_string(field.key.as_bytes(), data.end());
            data.end().push(b':');
            match answer {
                Ok(answer) => {
                    data.add(answer.text);
                    failures.extend(shown(answer.failures));
                }
                Err(mut failed) => {
                    failures.append(&mut failed);
                    is_null |= !field.nullable;
                    data.push(b"null");
                }
            }
        }
        data.push(if compiled.fields.is_empty() { b"{}" } else { b"}" });
        if is_null {
            data.clear();
            data.push(b"null");
        }
        (data, failures)
    }

    async fn side_by_side(&self, fields: &[RootField]) -> Vec<Result<Written, Vec<Failure>>> {
        let answers: Vec<_> = fields.iter().map(|field| self.field(field).boxed()).collect();
        stream::iter(answers).buffered(CONCURRENT_FIELDS).collect().await
    }

    /// Stops at the first failure that makes all of `data` null, so that no write happens without being reported.
    async fn one_by_one(&self, fields: &[RootField]) -> Vec<Result<Written, Vec<Failure>>> {
        let mut answers = Vec::with_capacity(fields.len());
        for field in fields {
            answers.push(self.field(field).await);
            if !field.nullable && answers.last().is_some_and(Result::is_err) {
                break;
            }
        }
        answers
    }

    fn field(&self, field: &RootField) -> impl Future<Output = Result<Written, Vec<Failure>>> {
        self.caught(field, self.answer(field))
    }

    /// Turns a panic into an error of the field.
    fn caught<T>(
        &self,
        field: &RootField,
        work: impl Future<Output = Result<T, Vec<Failure>>>,
    ) -> impl Future<Output = Result<T, Vec<Failure>>> {
        caught(work).map(|done| {
            done.unwrap_or_else(|error| Err(Failure::of_field(error, field.pos, &[Step::from(field.key.as_str())])))
        })
    }

    /// The response to a write. If it fails, its errors say that the change is committed.
    async fn after_write(
        &self,
        field: &RootField,
        answer: BoxFuture<'_, Result<Written, Vec<read::Failure>>>,
    ) -> Result<Written, Vec<Failure>> {
        let answered = self.caught(field, answer.map(|answered| answered.map_err(shown))).await;
        answered.map_err(|failures| failures.into_iter().map(Failure::after_write).collect())
    }

    async fn answer(&self, field: &RootField) -> Result<Written, Vec<Failure>> {
        let of_field = |error| Failure::of_field(error, field.pos, &[Step::from(field.key.as_str())]);
        let written = |bytes| Text::of(&self.store.ration, bytes).map(Written::from).map_err(of_field);
        match &field.what {
            What::Typename(name) => written(format!("\"{name}\"").into_bytes()),
            What::Introspection(introspected) => {
                written(Box::pin(self.introspect(introspected, &field.key)).await.map_err(of_field)?)
            }
            What::Site { call, field, shape } => {
                let arguments = self.arguments(call).map_err(of_field)?;
                // They are about what is there, whatever a preview shows.
                let store = self.store.plain();
                let answer = Box::pin(field.answer(self.api, &store, &arguments, shape)).await.map_err(of_field)?;
                written(answer.to_string().into_bytes())
            }
            What::Read(root) => match root.ahead(self) {
                None => root.run(&self.request()).await.map_err(shown),
                Some(arguments) => Box::pin(self.ahead(field, root, &arguments)).await,
            },
            What::Revision { call, info, entry } => Box::pin(self.revision(field, call, info, entry)).await,
            What::Changes(_) => Err(of_field(Error::internal("a subscription was run as a query"))),
            What::Write { call, write, info, entries } => {
                // Boxed like the other rare cases; otherwise every read would pay for their size.
                let ids = Box::pin(self.write(call, *write, info)).await.map_err(of_field)?;
                match entries {
                    Some(root) => self.after_write(field, root.run_written(&self.request(), &ids).boxed()).await,
                    None => {
                        let deleted = ids.first().map_or(Json::Null, |id| id::encode(info.table, *id).into());
                        written(deleted.to_string().into_bytes())
                    }
                }
            }
            What::Own { call, operation, is_mutation, entries } => {
                let value = Box::pin(self.own(call, operation, *is_mutation)).await.map_err(of_field)?;
                let scope = self.store.at(if *is_mutation { Stage::Draft } else { Stage::Live });
                match entries {
                    Some(root) if *is_mutation => {
                        self.after_write(field, root.run_entries(&self.request(), scope, &ids(value)).boxed()).await
                    }
                    Some(root) => root.run_entries(&self.request(), scope, &ids(value)).await.map_err(shown),
                    None => written(scalar(operation, &value).to_string().into_bytes()),
                }
            }
        }
    }

    /// Reads what will be published.
    async fn ahead(
        &self,
        field: &RootField,
        root: &read::Root,
        arguments: &Map<String, Json>,
    ) -> Result<Written, Vec<Failure>> {
        let of_field = |error| Failure::of_field(error, field.pos, &[Step::from(field.key.as_str())]);
        let version = site::version(arguments).map_err(of_field)?;
        let store = preview::over(&self.store, version).await.map_err(of_field)?;
        let ahead = Execution { api: self.api, store, variables: self.variables };
        root.run(&ahead.request()).await.map_err(shown)
    }

    /// An entry as it was at a revision; null if there is none that the actor may read.
    async fn revision(
        &self,
        field: &RootField,
        call: &Call,
        info: &'static ContentInfo,
        entry: &read::Root,
    ) -> Result<Written, Vec<Failure>> {
        let of_field = |error| Failure::of_field(error, field.pos, &[Step::from(field.key.as_str())]);
        let arguments = self.arguments(call).map_err(of_field)?;
        let id = of_id(info, &arguments).map_err(of_field)?;
        let revision = arguments.get("revision").and_then(Json::as_i64).unwrap_or_default();
        let (store, ids) = match write::revisions::at_revision(&self.store, info, id, revision).await {
            Ok(past) => (past, vec![id]),
            Err(error) if error.problems.iter().all(|problem| problem.code == Code::NotFound) => {
                (self.store.clone(), Vec::new())
            }
            Err(error) => return Err(of_field(error)),
        };
        let past = Execution { api: self.api, store, variables: self.variables };
        entry.run_entries(&past.request(), past.store.at(Stage::Draft), &ids).await.map_err(shown)
    }

    pub fn request(&self) -> read::Request<'_> {
        read::Request::new(&self.store, self, &self.api.site)
    }

    pub fn arguments(&self, call: &Call) -> Result<Map<String, Json>> {
        self.coerce(call.parent, &call.field, &call.given).map_err(|problems| Error { problems })
    }

    /// Cached for requests without variables.
    async fn introspect(&self, introspected: &Introspected, key: &str) -> Result<Vec<u8>> {
        if let Some(known) = self.api.introspected.get(&introspected.id).filter(|_| self.variables.is_empty()) {
            return Ok(known.to_vec());
        }
        let variables = AsyncVariables::from_json(Json::Object(self.variables.clone()));
        let answered = self.api.introspection.answer_of(introspected.document(), variables, key).await;
        let answer = answered.map_err(|errors| {
            // A variable is null where its default is not: the only error that is left after validation.
            let problems = errors.into_iter().map(|error| Problem::new(Code::BadUserInput, error.message));
            Error { problems: problems.collect() }
        })?;
        if self.variables.is_empty() {
            self.api.introspected.insert(introspected.id, Arc::new(answer.clone()), answer.len());
        }
        Ok(answer)
    }

    async fn write(&self, call: &Call, kind: Write, info: &'static ContentInfo) -> Result<Vec<Uuid>> {
        let arguments = self.arguments(call)?;
        let noted = arguments.get("note").and_then(Json::as_str).map(|note| noted(&self.store, note)).transpose()?;
        let (store, hooks) = (noted.as_ref().unwrap_or(&self.store), &self.api.hooks);
        let flag = |name: &str| arguments.get(name) == Some(&Json::Bool(true));
        let revision = arguments.get("revision").and_then(Json::as_i64).unwrap_or_default();
        let merges = arguments.get("onConflict").and_then(Json::as_str) == Some("MERGE");
        let nothing = Map::new();
        let input = arguments.get("input").and_then(Json::as_object).unwrap_or(&nothing);
        let id = match kind {
            Write::Create => write::create(store, hooks, info, input, flag("publish")).await?,
            Write::Upsert => {
                let items = arguments.get("input").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
                return match merges {
                    true => write::upsert_merging(store, hooks, info, items, flag("publish")).await,
                    false => write::upsert(store, hooks, info, items, flag("publish")).await,
                };
            }
            Write::Update if merges => {
                write::merge(store, hooks, info, of_id(info, &arguments)?, revision, input, flag("publish")).await?
            }
            Write::Update => {
                write::update(store, hooks, info, of_id(info, &arguments)?, revision, input, flag("publish")).await?
            }
            Write::Delete => write::delete(store, hooks, info, of_id(info, &arguments)?, revision).await?,
            Write::PublishAll => {
                let ids = arguments.get("ids").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
                let named = ids.iter().enumerate().map(|(place, id)| named(info, id, &["ids".into(), place.into()]));
                return write::publish_all(store, hooks, info, &all(named)?).await;
            }
            Write::DiscardDraft => write::discard_draft(store, hooks, info, of_id(info, &arguments)?, revision).await?,
            Write::Restore => {
                let from = arguments.get("from").and_then(Json::as_i64).unwrap_or_default();
                write::restore(store, hooks, info, of_id(info, &arguments)?, revision, from, input).await?
            }
            Write::Undelete => write::undelete(store, hooks, info, of_id(info, &arguments)?, input).await?,
            Write::Duplicate => write::duplicate(store, hooks, info, of_id(info, &arguments)?, input).await?,
            Write::Publish if flag("withDependencies") => {
                write::publish_with_dependencies(store, hooks, info, of_id(info, &arguments)?, revision).await?
            }
            Write::Publish => write::publish(store, hooks, info, of_id(info, &arguments)?, revision).await?,
            Write::Unpublish => {
                write::unpublish(store, hooks, info, of_id(info, &arguments)?, revision, flag("force")).await?
            }
        };
        Ok(vec![id])
    }

    async fn own(&self, call: &Call, operation: &OperationInfo, is_mutation: bool) -> Result<Value> {
        let store = &self.store;
        let arguments = self.arguments(call)?;
        sizes_are_sizes(&arguments)?;
        let args = Args::parse(operation, &store.schema.site, &arguments)?;
        if !is_mutation {
            return self.api.site.query(operation, args, store.at(Stage::Live)).await;
        }
        write::transact(store, &self.api.hooks, &Own { site: &self.api.site, name: operation.name, args }).await
    }
}

/// A custom mutation.
struct Own<'a> {
    site: &'a SiteCode,
    name: &'a str,
    args: Args,
}

impl write::Transacted for Own<'_> {
    type Output = Value;

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> BoxFuture<'c, Result<Value>> {
        self.site.mutation(self.name, self.args.clone(), cx).boxed()
    }
}

impl Arguments for Execution<'_> {
    fn coerce(&self, parent: &str, field: &str, given: &[(Name, Literal)]) -> Result<Map<String, Json>, Vec<Problem>> {
        let Some(declared) = self.api.types.field(parent, field) else { return Ok(Map::new()) };
        let mut coercion = Coercion::new(&self.api.types, self.variables, self.api.limits().list as usize);
        let coerced = coercion.arguments(given.iter().map(|(name, value)| (name, value)), &declared.arguments);
        if coercion.problems.is_empty() { Ok(coerced) } else { Err(coercion.problems) }
    }
}

/// Characters of a note.
const LONGEST_NOTE: usize = 1_000;

fn noted(store: &Store, note: &str) -> Result<Store> {
    let count = note.chars().count();
    if count > LONGEST_NOTE || note.contains('\0') {
        let message = format!("a note has at most {LONGEST_NOTE} characters and no U+0000; this one has {count}");
        return Err(Problem::new(Code::InvalidValue, message).at([Step::from("note")]).into());
    }
    Ok(store.with_note(note))
}

fn of_id(info: &ContentInfo, arguments: &Map<String, Json>) -> Result<Uuid> {
    named(info, arguments.get("id").unwrap_or(&Json::Null), &["id".into()]).map_err(Error::from)
}

/// Returns all ids, or all problems.
fn all(ids: impl Iterator<Item = Result<Uuid, Problem>>) -> Result<Vec<Uuid>> {
    let (mut named, mut problems) = (Vec::new(), Vec::new());
    for id in ids {
        match id {
            Ok(id) => named.push(id),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(named) } else { Err(Error { problems }) }
}

/// The entry with this id; an id of another type is a problem.
fn named(info: &ContentInfo, id: &Json, path: &[Step]) -> Result<Uuid, Problem> {
    let text = id.as_str().unwrap_or_default();
    info.decode(text).ok_or_else(|| {
        let message = format!(
            "`{}` is not an id of `{}`: its ids look like `{}`",
            cut(text),
            info.name,
            id::encode(info.table, Uuid::nil())
        );
        Problem::new(Code::BadUserInput, message).at(path.to_vec())
    })
}

/// The page limits apply to `first` and `last` of custom operations as well.
fn sizes_are_sizes(arguments: &Map<String, Json>) -> Result<()> {
    for name in ["first", "last"] {
        if let Some(size) = arguments.get(name).and_then(Json::as_i64).filter(|size| *size < 0) {
            let message = format!("`{name}` must not be negative, it is {size}");
            return Err(Problem::new(Code::BadUserInput, message).at([name.into()]).into());
        }
    }
    Ok(())
}

fn ids(value: Value) -> Vec<Uuid> {
    match value {
        Value::Uuid(id) => vec![id],
        Value::List(items) => items.into_iter().flat_map(ids).collect(),
        _ => Vec::new(),
    }
}

fn scalar(operation: &OperationInfo, value: &Value) -> Json {
    match (operation.returns, value) {
        (_, Value::Null) => Json::Null,
        (Returns::Scalar { many: true, .. }, Value::List(items)) => {
            Json::Array(items.iter().map(|item| scalar(operation, item)).collect())
        }
        (Returns::Scalar { kind, .. }, value) => kind.json(value),
        (Returns::Content { .. }, _) => Json::Null,
    }
}

pub fn shown(failures: Vec<read::Failure>) -> Vec<Failure> {
    let shown =
        |failure: read::Failure| Failure { problem: failure.problem, locations: vec![failure.pos], path: failure.path };
    failures.into_iter().map(shown).collect()
}
