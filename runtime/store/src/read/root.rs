//! Root fields: what a query reads, and how entries that were written are shown.

use std::collections::HashMap;

use async_graphql::Pos;
use serde_json::{Map, Value as Json};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::compile::Compiler;
use super::load::{Loaded, Run};
use super::order::DefaultOrder;
use super::plan::{Given, Member, Page, Use};
use super::prepare::{Preparing, columns};
use super::rows::Tables;
use super::selection::{Document, Selected};
use super::sql::{Sql, quoted};
use super::write::{Writer, Written};
use super::{Failure, Request};
use crate::Stage;
use crate::access::Access;
use crate::access::Used;
use crate::id;
use base::error::{Code, Error, Problem, Result, Step};
use base::weigh::{Scales, Weigh};
use model::content::{ContentInfo, FieldInfo, SchemaInfo, Shape};
use model::kind::Kind;

/// One root field, compiled.
#[derive(Debug)]
pub struct Root {
    /// The response key.
    pub key: String,
    given: Given,
    what: What,
    slots: usize,
    uses: Vec<Use>,
}

impl Weigh for Root {
    fn weigh(&self, scales: &mut Scales) {
        self.key.weigh(scales);
        self.given.weigh(scales);
        self.uses.weigh(scales);
        match &self.what {
            What::ById(member) | What::ByKey { member, .. } | What::Entries { member, .. } => member.weigh(scales),
            What::Page(page) => page.weigh(scales),
            What::Nodes { members, .. } => members.weigh(scales),
        }
    }
}

#[derive(Debug)]
enum What {
    ById(Member),
    ByKey {
        member: Member,
        field: &'static FieldInfo,
        kind: Kind,
    },
    Page(Page),
    /// By TypeID, of any type.
    Nodes {
        members: Vec<Member>,
        many: bool,
    },
    /// By ids that the caller has.
    Entries {
        member: Member,
        many: bool,
    },
}

impl Root {
    /// `None` for a field that reads no content: introspection, and the site's own operations.
    pub fn compile(document: Document<'_>, selected: &Selected<'_>) -> Option<Self> {
        let mut compiler = Compiler::new(document);
        compiler
            .below(selected, |compiler| {
                let given = compiler.given("Query", selected);
                let what = what(document.schema, selected, compiler)?;
                Some((given, what))
            })
            .map(|(given, what)| Self::new(selected, given, what, compiler))
    }

    /// For a field that returns entries which somebody else finds: a mutation, or an operation of the site's own.
    pub fn of_entries(
        document: Document<'_>,
        parent: &'static str,
        selected: &Selected<'_>,
        info: &'static ContentInfo,
        many: bool,
    ) -> Self {
        let mut compiler = Compiler::new(document);
        let (given, what) = compiler.below(selected, |compiler| {
            let given = compiler.given(parent, selected);
            compiler.note(info, Used::Type, selected.pos);
            (given, What::Entries { member: compiler.member(info, &selected.sets), many })
        });
        Self::new(selected, given, what, compiler)
    }

    fn new(selected: &Selected<'_>, given: Given, what: What, compiler: Compiler<'_>) -> Self {
        Self { key: selected.key.to_owned(), given, what, slots: compiler.slots(), uses: compiler.uses() }
    }

    /// What the actor may not read of it at this stage.
    pub fn denied(&self, access: &Access, stage: Stage) -> Vec<Failure> {
        self.denied_unless(access, stage, |_| false)
    }

    /// As [`Root::denied`] for an entry that the actor has just written: of one whose drafts it may not read, it sees what every
    /// entry has.
    pub fn denied_of_written(&self, access: &Access) -> Vec<Failure> {
        let is_root = |used: &Use| matches!(used.what, Used::Type) && used.path.len() == 1;
        let mut denied = self.denied_unless(access, Stage::Draft, is_root);
        let own = self.uses.iter().filter(|used| !matches!(used.what, Used::Type) && used.path.len() == 2);
        denied.extend(own.filter_map(|used| {
            let problem = access.must_read_any(used.info, Stage::Draft).err()?;
            Some(Failure { problem, path: used.path.steps(), pos: used.pos })
        }));
        denied
    }

    fn denied_unless(&self, access: &Access, stage: Stage, allowed: impl Fn(&Use) -> bool) -> Vec<Failure> {
        let denied = self.uses.iter().filter(|used| !allowed(used)).filter_map(|used| {
            let problem = access.must_use(used.info, used.what, stage).err()?;
            Some(Failure { problem, path: used.path.steps(), pos: used.pos })
        });
        denied.chain(self.denied_nodes(access, stage)).collect()
    }

    /// `nodes` leaves out the types that the actor may read nothing of. There have to be others.
    fn denied_nodes(&self, access: &Access, stage: Stage) -> Option<Failure> {
        let What::Nodes { members, .. } = &self.what else { return None };
        let mut problems = members.iter().map(|member| access.must_read_any(member.object.info, stage).err());
        let problem = problems.next()??;
        let of_all = problems.all(|problem| problem.is_some());
        of_all.then(|| Failure { problem, path: vec![Step::from(self.key.as_str())], pos: self.given.pos })
    }

    pub fn pos(&self) -> Pos {
        self.given.pos
    }

    /// Statements that the field sends at most. It sends fewer where there is nothing to ask for, and for `nodes` as many as
    /// there are types among the ids.
    pub fn statements(&self) -> usize {
        match &self.what {
            What::ById(member) | What::ByKey { member, .. } | What::Entries { member, .. } => member.statements(),
            What::Page(page) => page.statements(),
            What::Nodes { members, many: true } => members.iter().map(Member::statements).sum(),
            What::Nodes { members, many: false } => members.iter().map(Member::statements).max().unwrap_or(0),
        }
    }

    /// The stage that the arguments ask for; what is wrong with them is told by [`Root::run`].
    pub fn stage(&self, request: &Request<'_>) -> Stage {
        // Without the argument it is the default, which is what everybody may read.
        if self.given.arguments.iter().all(|(name, _)| name.as_str() != "stage") {
            return Stage::Live;
        }
        let arguments = request.arguments.coerce(self.given.parent, &self.given.field, &self.given.arguments);
        arguments.map_or(Stage::Live, |arguments| stage(&arguments))
    }

    /// The JSON of a field that reads by its arguments.
    pub async fn run(&self, request: &Request<'_>) -> Result<Written, Vec<Failure>> {
        let arguments = self.arguments(request)?;
        let run = self.prepare(request, stage(&arguments), &arguments)?;
        self.read(&run, &arguments).await.unwrap_or_else(|error| Err(self.failed(error)))
    }

    /// The JSON of the entries with these ids, in their order. What is not there is null, or left out of a list.
    pub async fn run_entries(
        &self,
        request: &Request<'_>,
        stage: Stage,
        ids: &[Uuid],
    ) -> Result<Written, Vec<Failure>> {
        let run = self.prepare(request, stage, &Map::new())?;
        self.entries(&run, run.tables(), ids).await.unwrap_or_else(|error| Err(self.failed(error)))
    }

    /// The JSON of the entries with these ids, which the actor has just written, so that it knows of them.
    pub async fn run_written(&self, request: &Request<'_>, ids: &[Uuid]) -> Result<Written, Vec<Failure>> {
        let run = self.prepare(request, Stage::Draft, &Map::new())?;
        let tables = Tables::with_all_rows(request.store, Stage::Draft);
        self.entries(&run, tables, ids).await.unwrap_or_else(|error| Err(self.failed(error)))
    }

    fn arguments(&self, request: &Request<'_>) -> Result<Map<String, Json>, Vec<Failure>> {
        let coerced = request.arguments.coerce(self.given.parent, &self.given.field, &self.given.arguments);
        coerced.map_err(|problems| self.failed(Error { problems }))
    }

    fn prepare<'r>(
        &self,
        request: &'r Request<'r>,
        stage: Stage,
        arguments: &Map<String, Json>,
    ) -> Result<Run<'r>, Vec<Failure>> {
        let slots = std::iter::repeat_with(|| None).take(self.slots).collect();
        let mut preparing =
            Preparing { store: request.store, arguments: request.arguments, stage, slots, denied: Vec::new() };
        let done = match &self.what {
            What::ById(member) | What::ByKey { member, .. } | What::Entries { member, .. } => {
                preparing.object(&member.object)
            }
            What::Page(page) => preparing.page(None, page, arguments).and_then(|()| preparing.object(&page.object)),
            What::Nodes { members, .. } => members.iter().try_for_each(|member| preparing.object(&member.object)),
        };
        done.map_err(|error| self.failed(error))?;
        if !preparing.denied.is_empty() {
            let path = vec![Step::from(self.key.as_str())];
            let failure = |(problem, pos)| Failure { problem, path: path.clone(), pos };
            return Err(preparing.denied.into_iter().map(failure).collect());
        }
        let run = Run { request, stage, slots: preparing.slots };
        match &self.what {
            What::Page(page) => match run.refused(&page.list) {
                Some(problems) => Err(self.failed(Error { problems: problems.to_vec() })),
                None => Ok(run),
            },
            _ => Ok(run),
        }
    }

    fn failed(&self, error: Error) -> Vec<Failure> {
        let failure = |problem| Failure { problem, path: vec![Step::from(self.key.as_str())], pos: self.given.pos };
        error.problems.into_iter().map(failure).collect()
    }

    async fn read(&self, run: &Run<'_>, arguments: &Map<String, Json>) -> Result<Result<Written, Vec<Failure>>> {
        match &self.what {
            What::ById(member) => {
                let found = parse_id(arguments.get("id"), "id".into())?;
                let ids: Vec<_> = found.into_iter().filter(|(table, _)| member.object.info.is_called(table)).collect();
                self.entries(run, run.tables(), &ids.into_iter().map(|(_, uuid)| uuid).collect::<Vec<_>>()).await
            }
            What::ByKey { member, field, kind } => {
                let rows = self.by_key(run, member, field, *kind, arguments).await?;
                let loaded = run.load(&member.object, rows).await?;
                let mut writer = Writer::new(run, 1024);
                let done = match loaded.rows.is_empty() {
                    true => writer.nothing(),
                    false => writer.object(&member.object, &member.shape, &loaded, 0),
                };
                writer.finish(&self.key, done)
            }
            What::Page(page) => {
                let found = run.root_page(page).await?;
                let mut writer = Writer::new(run, 512 * (found.loaded.rows.len() + 1));
                let done = writer.page(page, &found, Uuid::nil());
                writer.finish(&self.key, done)
            }
            What::Nodes { members, many } => Box::pin(self.nodes(run, members, *many, arguments)).await,
            What::Entries { .. } => self.entries(run, run.tables(), &[]).await,
        }
    }

    async fn by_key(
        &self,
        run: &Run<'_>,
        member: &Member,
        field: &FieldInfo,
        kind: Kind,
        arguments: &Map<String, Json>,
    ) -> Result<Vec<PgRow>> {
        // A text that the field could not hold names nothing.
        let given = arguments.get(field.name).unwrap_or(&Json::Null);
        let site = &run.request.store.schema.site;
        let Ok(value) = kind.parse(given, site) else { return Ok(Vec::new()) };
        let mut sql = Sql::default();
        sql.push(&format!("SELECT {} FROM ", columns(&member.object, run.stage)));
        run.tables().push(member.object.info, "t", &mut sql)?;
        sql.push(&format!(" WHERE t.{} = ", quoted(field.snake))).value(&value, 0, kind.cast());
        run.request.rows(run.stage, sql).await
    }

    async fn entries(&self, run: &Run<'_>, tables: Tables<'_>, ids: &[Uuid]) -> Result<Result<Written, Vec<Failure>>> {
        let (member, many) = match &self.what {
            What::Entries { member, many } => (member, *many),
            What::ById(member) => (member, false),
            _ => return Err(Error::internal(format!("`{}` is not read by ids", self.given.field))),
        };
        let (loaded, places) = run.by_ids(tables, &member.object, ids).await?;
        let mut writer = Writer::new(run, 512 * (ids.len() + 1));
        let mut found = ids.iter().filter_map(|id| places.get(id));
        let object = |writer: &mut Writer<'_>, row: &usize| writer.object(&member.object, &member.shape, &loaded, *row);
        let done = match (many, found.next()) {
            (true, first) => writer.list(first.into_iter().chain(found), object),
            (false, Some(row)) => object(&mut writer, row),
            (false, None) => writer.nothing(),
        };
        writer.finish(&self.key, done)
    }

    /// The entries that `node` and `nodes` name, of any type.
    async fn nodes(
        &self,
        run: &Run<'_>,
        members: &[Member],
        many: bool,
        arguments: &Map<String, Json>,
    ) -> Result<Result<Written, Vec<Failure>>> {
        let given = match many {
            true => arguments.get("ids").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default(),
            false => arguments.get("id").map(std::slice::from_ref).unwrap_or_default(),
        };
        let mut ids = Vec::with_capacity(given.len());
        for (index, id) in given.iter().enumerate() {
            let path = if many { vec![Step::from("ids"), Step::from(index)] } else { vec![Step::from("id")] };
            let known = |(table, uuid)| {
                let member = members.iter().find(|member| member.object.info.is_called(table))?;
                Some((member.object.info.table, uuid))
            };
            ids.push(parse_id_at(Some(id), path)?.and_then(known));
        }
        let mut found: HashMap<&str, (&Member, Loaded, HashMap<Uuid, usize>)> = HashMap::new();
        for member in members {
            let table = member.object.info.table;
            let of_type = ids.iter().flatten().filter(|(of, _)| *of == table);
            let mut of_type: Vec<_> = of_type.map(|(_, id)| *id).collect();
            of_type.sort_unstable();
            of_type.dedup();
            if !of_type.is_empty() {
                let (loaded, places) = run.by_ids(run.tables(), &member.object, &of_type).await?;
                found.insert(table, (member, loaded, places));
            }
        }
        let mut writer = Writer::new(run, 512);
        let write = |writer: &mut Writer<'_>, id: &Option<(&str, Uuid)>| {
            let place = id.and_then(|(table, uuid)| {
                let (member, loaded, places) = found.get(table)?;
                Some((member, loaded, *places.get(&uuid)?))
            });
            match place {
                Some((member, loaded, row)) => {
                    writer.or_null(true, |writer| writer.object(&member.object, &member.shape, loaded, row))
                }
                None => writer.nothing(),
            }
        };
        let done = match many {
            true => writer.list(ids.iter(), write),
            false => write(&mut writer, ids.first().unwrap_or(&None)),
        };
        writer.finish(&self.key, done)
    }
}

/// Which of the reads of the API a field is.
fn what<'a>(schema: &'static SchemaInfo, selected: &Selected<'a>, compiler: &mut Compiler<'a>) -> Option<What> {
    let name = selected.name();
    if matches!(name, "node" | "nodes") {
        let members = schema.contents().map(|info| compiler.member(info, &selected.sets)).collect();
        return Some(What::Nodes { members, many: name == "nodes" });
    }
    for info in schema.types.iter().copied() {
        if info.plural == name {
            compiler.note(info, Used::Type, selected.pos);
            return Some(What::Page(compiler.page("Query", info, selected, DefaultOrder::Newest)));
        }
        let singular = lower_first(info.name);
        if name == singular {
            compiler.note(info, Used::Type, selected.pos);
            return Some(What::ById(compiler.member(info, &selected.sets)));
        }
        let by_field = |field: &&FieldInfo| format!("{singular}By{}", upper_first(field.name)) == name;
        let field = info.fields.iter().filter(|field| field.unique == Some(&[])).find(by_field);
        if let Some((field, Shape::Scalar(kind))) = field.map(|field| (field, field.shape)) {
            compiler.note(info, Used::Type, selected.pos);
            compiler.note(info, Used::Field(field.snake), selected.pos);
            return Some(What::ByKey { member: compiler.member(info, &selected.sets), field, kind });
        }
    }
    None
}

fn parse_id(id: Option<&Json>, step: Step) -> Result<Option<(&str, Uuid)>> {
    parse_id_at(id, vec![step])
}

/// `None` is not used for what is no id: that is the client's mistake.
fn parse_id_at(id: Option<&Json>, path: Vec<Step>) -> Result<Option<(&str, Uuid)>> {
    let text = id.and_then(Json::as_str).unwrap_or_default();
    match id::decode(text) {
        Some(found) => Ok(Some(found)),
        None => {
            let message = format!("`{text}` is no id: ids look like `product_01h455vb4pex5vsknk084sn02q`");
            Err(Problem::new(Code::BadUserInput, message).at(path).into())
        }
    }
}

pub fn stage(arguments: &Map<String, Json>) -> Stage {
    match arguments.get("stage").and_then(Json::as_str) {
        Some("DRAFT") => Stage::Draft,
        _ => Stage::Live,
    }
}

/// `ProductVariant` for `productVariant`.
pub fn upper_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// `productVariant` for `ProductVariant`.
pub(super) fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}
