//! Root fields: the reads of queries, and the entries that mutations return.

mod aggregate;
mod found;
mod search;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use self::found::parse_id;
use super::lists::Lists;
use super::lower::{Lowered, Lowering};
use super::selection::{Document, Selected};
use super::shape::{AggregateShape, Given, PageShape, Prefix, RedirectionWhat, SearchShape, Shape};
use super::write::{Writer, Written};
use super::{Arguments, Failure, Request};
use base::error::{Error, Problem, Result, Step};
use base::weigh::{Scales, Weigh};
use model::content::{ContentInfo, Resolver, Shape as FieldShape, Verb};
use store::access::Used;
use store::read::load::{Run, Unready};
use store::read::order::DefaultOrder;
use store::read::plan::{Root as PlanRoot, Use};
use store::{Scope, Stage};

/// The statements that look a path up: the entry, the redirect, and the path of its entry.
const RESOLVING: usize = 3;

/// The statements of a search: the entries and their number, and again with other words; and those of each type.
const SEARCHING: usize = 6;
const MARKING: usize = 2;
/// Those of a facet: it looks at all entries that are found, as the search does.
const FACETING: usize = 2;

/// For aggregates, which read all entries that match.
const AGGREGATING: usize = 10;

/// For what a release or a moment changes, which is looked up first.
const AHEAD: usize = 20;

/// A root field that is ready to run.
#[derive(Debug)]
pub struct Root {
    /// The response key.
    pub key: String,
    given: Given,
    what: What,
    lowered: Lowered,
}

impl Weigh for Root {
    fn weigh(&self, scales: &mut Scales) {
        self.key.weigh(scales);
        self.given.weigh(scales);
        self.lowered.plan.weigh(scales);
        self.lowered.lists.weigh(scales);
        self.lowered.places.weigh(scales);
        match &self.what {
            What::ById(shape) | What::ByKey(shape) | What::Entries { shape, .. } => shape.weigh(scales),
            What::Page(shape) => shape.weigh(scales),
            What::Nodes { shapes, .. } => shapes.weigh(scales),
            What::Search(shape) => shape.weigh(scales),
            What::Aggregate(shape) => shape.weigh(scales),
            What::Resolved { shapes, redirection } => {
                shapes.weigh(scales);
                redirection.weigh(scales);
            }
        }
    }
}

/// How the root rows are selected and written.
#[derive(Debug)]
enum What {
    ById(Shape),
    ByKey(Shape),
    Page(PageShape),
    /// By TypeID, of any type.
    Nodes {
        shapes: Vec<Shape>,
        many: bool,
    },
    /// By a path: an entry of any of these types, or a redirect.
    Resolved {
        shapes: Vec<Shape>,
        redirection: Vec<(Prefix, RedirectionWhat)>,
    },
    /// By words.
    Search(SearchShape),
    /// In groups.
    Aggregate(AggregateShape),
    /// By ids from the caller.
    Entries {
        shape: Shape,
        many: bool,
    },
}

impl Root {
    /// A field that reads entries by its arguments.
    pub fn by_resolver(document: Document<'_>, selected: &Selected<'_>, resolver: &'static Resolver) -> Self {
        Self::reading(document, selected, |lowering| by_resolver(lowering, selected, resolver))
    }

    /// `node` or `nodes`.
    pub fn by_node(document: Document<'_>, selected: &Selected<'_>, many: bool) -> Self {
        Self::reading(document, selected, |lowering| {
            let contents = document.schema.contents();
            let (objects, shapes) = contents.map(|info| lowering.object(info, &selected.sets)).unzip();
            (PlanRoot::Rows(objects), What::Nodes { shapes, many })
        })
    }

    /// `resolve`
    pub fn by_path(document: Document<'_>, selected: &Selected<'_>) -> Self {
        Self::reading(document, selected, |lowering| {
            let with_paths = document.schema.types.iter().filter(|info| !info.path.is_empty());
            let (objects, shapes) = with_paths.map(|info| lowering.object(info, &selected.sets)).unzip();
            let redirection = lowering.redirection(&selected.sets);
            (PlanRoot::Rows(objects), What::Resolved { shapes, redirection })
        })
    }

    /// `search`, or `suggest`
    pub fn by_search(document: Document<'_>, selected: &Selected<'_>, begun: bool) -> Self {
        Self::reading(document, selected, |lowering| {
            let (objects, shape) = lowering.search(selected, begun);
            (PlanRoot::Rows(objects), What::Search(shape))
        })
    }

    fn reading<'a>(
        document: Document<'a>,
        selected: &Selected<'a>,
        lower: impl FnOnce(&mut Lowering<'a>) -> (PlanRoot, What),
    ) -> Self {
        let mut lowering = Lowering::new(document);
        let (given, (root, what)) =
            lowering.below(selected, |lowering| (lowering.given("Query", selected), lower(lowering)));
        Self { key: selected.key.to_owned(), given, what, lowered: lowering.finish(root) }
    }

    /// A field that returns entries found elsewhere: a mutation or a custom operation.
    pub fn of_entries(
        document: Document<'_>,
        parent: &'static str,
        selected: &Selected<'_>,
        info: &'static ContentInfo,
        many: bool,
    ) -> Self {
        let mut lowering = Lowering::new(document);
        let (given, object, shape) = lowering.below(selected, |lowering| {
            let given = lowering.given(parent, selected);
            lowering.note(info, Used::Type, selected.pos);
            let (object, shape) = lowering.object(info, &selected.sets);
            (given, object, shape)
        });
        let lowered = lowering.finish(PlanRoot::Rows(vec![object]));
        Self { key: selected.key.to_owned(), given, what: What::Entries { shape, many }, lowered }
    }

    /// The parts of the field that the actor may not read in this scope.
    pub fn denied(&self, scope: Scope<'_>) -> Vec<Failure> {
        self.denied_unless(scope, |_, _| false)
    }

    /// Like [`Root::denied`], for an entry that the actor has just written. If it may not read drafts of the type, it sees the
    /// system fields only.
    pub fn denied_of_written(&self, drafts: Scope<'_>) -> Vec<Failure> {
        let is_root = |used: &Use, depth: usize| matches!(used.what, Used::Type) && depth == 1;
        let mut denied = self.denied_unless(drafts, is_root);
        denied.extend(self.failures(|used, depth| match used.what {
            Used::Type => None,
            _ if depth != 2 => None,
            _ => drafts.must_read_any(used.info).err(),
        }));
        denied
    }

    /// As [`Root::denied`] for an earlier version of an entry of this type.
    pub fn denied_of_past(&self, drafts: Scope<'_>, info: &ContentInfo) -> Vec<Failure> {
        let is_of = |used: &Use| used.info.owner.unwrap_or(used.info).table == info.table;
        let access = &drafts.store.access;
        let mut denied = self.denied(drafts);
        denied.extend(
            self.failures(|used, _| access.must_use_history(used.info, used.what).err().filter(|_| is_of(used))),
        );
        denied
    }

    fn denied_unless(&self, scope: Scope<'_>, allowed: impl Fn(&Use, usize) -> bool) -> Vec<Failure> {
        let denied = self.failures(|used, depth| match allowed(used, depth) {
            true => None,
            false => scope.must_use(used.info, used.what).err(),
        });
        denied.chain(self.denied_nodes(scope)).collect()
    }

    /// A failure for each use with a problem. A field of the root has depth 2.
    fn failures(&self, problem: impl Fn(&Use, usize) -> Option<Problem>) -> impl Iterator<Item = Failure> {
        self.lowered.plan.uses.iter().zip(&self.lowered.places).filter_map(move |(used, place)| {
            let problem = problem(used, place.path.len())?;
            Some(Failure { problem, path: place.path.steps(), pos: place.pos })
        })
    }

    /// `nodes` leaves out types that the actor may not read, unless these are all.
    fn denied_nodes(&self, scope: Scope<'_>) -> Option<Failure> {
        let (What::Nodes { .. } | What::Resolved { .. } | What::Search(_), PlanRoot::Rows(objects)) =
            (&self.what, &self.lowered.plan.root)
        else {
            return None;
        };
        let searched = if let What::Search(shape) = &self.what { shape.searched } else { objects.len() };
        let mut problems = objects.iter().take(searched).map(|object| scope.must_read_any(object.info).err());
        let problem = problems.next()??;
        let of_all = problems.all(|problem| problem.is_some());
        of_all.then(|| self.failure(problem))
    }

    /// The maximum number of statements.
    pub fn statements(&self) -> usize {
        let looking = match (&self.what, &self.lowered.plan.root) {
            (What::Resolved { .. }, _) => RESOLVING,
            (What::Search(shape), _) => SEARCHING + MARKING * shape.searched + FACETING * shape.facets.len(),
            (What::Aggregate(_), _) => AGGREGATING,
            _ => 0,
        };
        let ahead = if self.names(&["release", "at"]) { AHEAD } else { 0 };
        looking
            + ahead
            + self
                .lowered
                .plan
                .statements(!matches!(self.what, What::Nodes { many: true, .. } | What::Search(_) | What::Aggregate(_)))
    }

    /// The stage whose rights the field needs. Problems of the arguments are reported by [`Root::run`].
    pub fn stage(&self, arguments: &dyn Arguments) -> Stage {
        // Without the arguments, the stage is `LIVE`.
        if !self.names(&["stage", "release", "at"]) {
            return Stage::Live;
        }
        match self.coerced(arguments) {
            Ok(arguments) if is_ahead(&arguments) => Stage::Draft,
            Ok(arguments) => stage(&arguments),
            Err(_) => Stage::Live,
        }
    }

    /// The arguments, if they ask for what will be published.
    pub fn ahead(&self, arguments: &dyn Arguments) -> Option<Map<String, Json>> {
        if !self.names(&["release", "at"]) {
            return None;
        }
        self.coerced(arguments).ok().filter(is_ahead)
    }

    fn names(&self, arguments: &[&str]) -> bool {
        self.given.arguments.iter().any(|(name, _)| arguments.contains(&name.as_str()))
    }

    fn coerced(&self, arguments: &dyn Arguments) -> Result<Map<String, Json>, Vec<Problem>> {
        arguments.coerce(self.given.parent, &self.given.field, &self.given.arguments)
    }

    /// Runs a field that reads by its arguments and returns its JSON.
    pub async fn run(&self, request: &Request<'_>) -> Result<Written, Vec<Failure>> {
        let arguments = self.coerced(request.arguments).map_err(|problems| self.failed(Error { problems }))?;
        let scope = request.read.store.at(stage(&arguments));
        let run = self.prepare(request, scope, Some(&arguments))?;
        self.read(&run, &arguments, request.arguments).await.unwrap_or_else(|error| Err(self.failed(error)))
    }

    /// The JSON of the entries with these ids, in order. Missing entries are null, or left out of a list.
    pub async fn run_entries(
        &self,
        request: &Request<'_>,
        scope: Scope<'_>,
        ids: &[Uuid],
    ) -> Result<Written, Vec<Failure>> {
        let run = self.prepare(request, scope, None)?;
        self.entries(&run, run.scope, ids).await.unwrap_or_else(|error| Err(self.failed(error)))
    }

    /// The JSON of entries that the actor has just written, which it may therefore see.
    pub async fn run_written(&self, request: &Request<'_>, ids: &[Uuid]) -> Result<Written, Vec<Failure>> {
        let run = self.prepare(request, request.read.store.at(Stage::Draft), None)?;
        self.entries(&run, run.scope.with_all_rows(), ids).await.unwrap_or_else(|error| Err(self.failed(error)))
    }

    fn prepare<'r, 'c>(
        &self,
        request: &'r Request<'c>,
        scope: Scope<'r>,
        arguments: Option<&Map<String, Json>>,
    ) -> Result<Run<'r, 'c>, Vec<Failure>> {
        let plan = &self.lowered.plan;
        let root = arguments.filter(|_| matches!(plan.root, PlanRoot::Page(_)));
        let lists = Lists { given: &self.lowered.lists, arguments: request.arguments, root };
        let run = Run::prepare(&request.read, plan, scope, &lists).map_err(|unready| match unready {
            Unready::Failed(error) => self.failed(error),
            Unready::Denied(denied) => {
                let at = |(problem, slot): (Problem, usize)| Failure {
                    pos: self.lowered.lists[slot].pos,
                    ..self.failure(problem)
                };
                denied.into_iter().map(at).collect()
            }
        })?;
        match &plan.root {
            PlanRoot::Page(page) => match run.refused(&page.list) {
                Some(problems) => Err(self.failed(Error { problems: problems.to_vec() })),
                None => Ok(run),
            },
            _ => Ok(run),
        }
    }

    fn failure(&self, problem: Problem) -> Failure {
        Failure { problem, path: vec![Step::from(self.key.as_str())], pos: self.given.pos }
    }

    fn failed(&self, error: Error) -> Vec<Failure> {
        error.problems.into_iter().map(|problem| self.failure(problem)).collect()
    }

    async fn read(
        &self,
        run: &Run<'_, '_>,
        arguments: &Map<String, Json>,
        given: &dyn Arguments,
    ) -> Result<Result<Written, Vec<Failure>>> {
        match (&self.what, &self.lowered.plan.root) {
            (What::ById(_), PlanRoot::Rows(objects)) => {
                let found = parse_id(arguments.get("id"), vec!["id".into()])?;
                let is_of = |table: &str| objects.iter().any(|object| object.info.is_called(table));
                let ids: Vec<_> = found.filter(|(table, _)| is_of(table)).map(|(_, uuid)| uuid).into_iter().collect();
                self.entries(run, run.scope, &ids).await
            }
            (What::ByKey(shape), PlanRoot::Key { object, field, kind }) => {
                let key = arguments.get(field.name).unwrap_or(&Json::Null);
                let loaded = run.by_key(object, field, *kind, key).await?;
                let mut writer = Writer::new(run, &self.lowered.lists, 1024);
                let done = match loaded.rows.is_empty() {
                    true => writer.nothing(),
                    false => writer.object(object, shape, &loaded, 0),
                };
                writer.finish(&self.key, done)
            }
            (What::Page(shape), PlanRoot::Page(page)) => {
                let found = run.root_page(page).await?;
                let mut writer = Writer::new(run, &self.lowered.lists, 512 * (found.loaded.rows.len() + 1));
                let done = writer.page(page, shape, &found, Uuid::nil());
                writer.finish(&self.key, done)
            }
            (What::Nodes { shapes, many }, PlanRoot::Rows(objects)) => {
                Box::pin(self.nodes(run, (objects, shapes), *many, arguments)).await
            }
            (What::Search(shape), PlanRoot::Rows(objects)) => {
                Box::pin(self.search(run, (objects, shape), arguments, given)).await
            }
            (What::Aggregate(shape), PlanRoot::Rows(objects)) => {
                Box::pin(self.aggregates(run, (objects, shape), arguments)).await
            }
            (What::Resolved { shapes, redirection }, PlanRoot::Rows(objects)) => {
                Box::pin(self.resolved(run, (objects, shapes), redirection, arguments)).await
            }
            _ => self.entries(run, run.scope, &[]).await,
        }
    }

    async fn entries(
        &self,
        run: &Run<'_, '_>,
        scope: Scope<'_>,
        ids: &[Uuid],
    ) -> Result<Result<Written, Vec<Failure>>> {
        let (shape, many) = match &self.what {
            What::Entries { shape, many } => (shape, *many),
            What::ById(shape) => (shape, false),
            _ => return Err(Error::internal(format!("`{}` is not read by ids", self.given.field))),
        };
        let PlanRoot::Rows(objects) = &self.lowered.plan.root else { return Err(Error::internal("it has no rows")) };
        let object = &objects[0];
        let (loaded, places) = run.by_ids(scope, object, ids).await?;
        let mut writer = Writer::new(run, &self.lowered.lists, 512 * (ids.len() + 1));
        let mut found = ids.iter().filter_map(|id| places.get(id));
        let write = |writer: &mut Writer<'_, '_>, row: &usize| writer.object(object, shape, &loaded, *row);
        let done = match (many, found.next()) {
            (true, first) => writer.list(first.into_iter().chain(found), write),
            (false, Some(row)) => write(&mut writer, row),
            (false, None) => writer.nothing(),
        };
        writer.finish(&self.key, done)
    }
}

fn by_resolver<'a>(
    lowering: &mut Lowering<'a>,
    selected: &Selected<'a>,
    resolver: &'static Resolver,
) -> (PlanRoot, What) {
    let info = resolver.of;
    lowering.note(info, Used::Type, selected.pos);
    let by_key = match resolver.verb {
        Verb::List => {
            let (page, shape) = lowering.page("Query", info, selected, DefaultOrder::Newest);
            return (PlanRoot::Page(page), What::Page(shape));
        }
        Verb::Aggregate => {
            let (objects, shape) = lowering.aggregate(info, selected);
            return (PlanRoot::Rows(objects), What::Aggregate(shape));
        }
        Verb::ByKey(key) => info.fields.iter().find(|field| field.snake == key).map(|field| (field, field.shape)),
        _ => None,
    };
    if let Some((field, FieldShape::Scalar(kind))) = by_key {
        lowering.note(info, Used::Field(field.snake), selected.pos);
        let (object, shape) = lowering.object(info, &selected.sets);
        return (PlanRoot::Key { object, field, kind }, What::ByKey(shape));
    }
    let (object, shape) = lowering.object(info, &selected.sets);
    (PlanRoot::Rows(vec![object]), What::ById(shape))
}

/// Whether the arguments name a release or a moment.
fn is_ahead(arguments: &Map<String, Json>) -> bool {
    ["release", "at"].iter().any(|name| arguments.get(*name).is_some_and(|given| !given.is_null()))
}

pub fn stage(arguments: &Map<String, Json>) -> Stage {
    match arguments.get("stage").and_then(Json::as_str) {
        Some("DRAFT") => Stage::Draft,
        _ => Stage::Live,
    }
}
