//! Writes the response from PostgreSQL's rows directly to JSON bytes, in the order of the selection.

pub mod aggregate;
pub mod facet;
mod pages;
pub mod search;
mod stored;

use async_graphql::Pos;
use sqlx::postgres::PgRow;

use super::Failure;
use super::selection::REDIRECTION;
use super::shape::{Given, PartWhat, Prefix, RedirectionWhat, Shape, What};
use base::error::{Error, Problem, Step};
use base::memory::{self, Held, Text};
use model::content::EnumInfo;
use model::json;
use store::id;
use store::read::load::{Loaded, Related, Run, array_items, int, raw, uuid};
use store::read::plan::{Object, Relation};

const NULL: &[u8] = b"null";

/// How many failures of a root field are reported; further failed fields are null as well.
const MOST_FAILURES: usize = 1_000;
/// From this size on, memory grows in steps instead of doubling.
const LARGE: usize = memory::MIB;

pub struct Writer<'a, 'c> {
    run: &'a Run<'a, 'c>,
    /// The document's arguments of the plan's lists.
    lists: &'a [Given],
    out: Vec<u8>,
    held: Held,
    /// How many bytes are counted in the request's ration.
    counted: usize,
    /// The size at which the ration is checked again.
    next: usize,
    /// Their paths are built from the end, as each enclosing field is finished.
    failures: Vec<Failure>,
}

/// The JSON of a root field and the failures in it.
#[derive(Debug)]
pub struct Written {
    pub text: Text,
    pub failures: Vec<Failure>,
}

/// Why no value was written.
pub enum Stop {
    /// It failed and is reported: the nearest nullable field around it becomes null.
    Null,
    /// The whole root field failed.
    Failed(Error),
}

type Result<T, E = Stop> = std::result::Result<T, E>;

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Text> for Written {
    fn from(text: Text) -> Self {
        Self { text, failures: Vec::new() }
    }
}

impl<'a, 'c> Writer<'a, 'c> {
    pub fn new(run: &'a Run<'a, 'c>, lists: &'a [Given], capacity: usize) -> Self {
        let held = Held::nothing(run.scope.store.ration.memory());
        Self { run, lists, out: Vec::with_capacity(capacity), held, counted: 0, next: 0, failures: Vec::new() }
    }

    /// The response, or only the failures if the whole root field is null.
    pub fn finish(mut self, key: &str, done: Result<()>) -> Result<Result<Written, Vec<Failure>>, Error> {
        self.step(0, || Step::from(key));
        self.failures.iter_mut().for_each(|failure| failure.path.reverse());
        match done {
            Ok(()) => {
                self.count()?;
                let text = Text { bytes: self.out, held: self.held };
                Ok(Ok(Written { text, failures: self.failures }))
            }
            Err(Stop::Null) => Ok(Err(self.failures)),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Stops a response that becomes too large. Called after each field, since it is only a comparison.
    fn check(&mut self) -> Result<()> {
        if self.out.len() > self.next { Ok(self.weigh()?) } else { Ok(()) }
    }

    fn weigh(&mut self) -> Result<(), Error> {
        let left = self.count()?;
        let (length, capacity) = (self.out.len(), self.out.capacity());
        if capacity >= LARGE && capacity - length < LARGE / 2 {
            let wider = capacity + LARGE.max(capacity / 4);
            // While the buffer grows, the old and the new one exist at the same time.
            self.hold(capacity + wider)?;
            self.out.reserve_exact(wider - length);
            self.hold(self.out.capacity())?;
        }
        let capacity = self.out.capacity();
        let room = if capacity >= LARGE { capacity - LARGE / 2 } else { capacity };
        self.next = room.min(length.saturating_add(left));
        Ok(())
    }

    /// Counts the new bytes and returns how many may follow.
    fn count(&mut self) -> Result<usize, Error> {
        let more = self.out.len().saturating_sub(self.counted);
        self.counted += more;
        let left = self.run.scope.store.ration.write(more)?;
        self.hold(self.out.capacity())?;
        Ok(left)
    }

    fn hold(&mut self, bytes: usize) -> Result<(), Error> {
        if self.held.resize(bytes) { Ok(()) } else { Err(memory::full()) }
    }

    /// Reports problems instead of writing the field.
    fn fail(&mut self, problems: &[Problem], pos: Pos) -> Result<()> {
        let left = MOST_FAILURES.saturating_sub(self.failures.len());
        let failure = |problem: &Problem| Failure { problem: problem.clone(), path: Vec::new(), pos };
        self.failures.extend(problems.iter().take(left).map(failure));
        Err(Stop::Null)
    }

    /// Adds a step to the paths of all failures from this index on.
    fn step(&mut self, from: usize, step: impl Fn() -> Step) {
        for failure in &mut self.failures[from..] {
            failure.path.push(step());
        }
    }

    /// Writes a value. If it is nullable, a failure inside of it does not spread further.
    pub fn or_null(&mut self, nullable: bool, write: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let start = self.out.len();
        match write(self) {
            Err(Stop::Null) if nullable => {
                self.out.truncate(start);
                self.null();
                Ok(())
            }
            done => done,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn null(&mut self) {
        self.push(NULL);
    }

    /// Writes null without a failure.
    pub fn nothing(&mut self) -> Result<()> {
        self.null();
        Ok(())
    }

    /// Writes an object; the prefixes contain the brace and the commas.
    fn fields<T>(&mut self, items: &[(Prefix, T)], mut each: impl FnMut(&mut Self, &T) -> Result<()>) -> Result<()> {
        if items.is_empty() {
            self.push(b"{");
        }
        for (prefix, item) in items {
            self.push(prefix);
            let failures = self.failures.len();
            let done = each(self, item);
            if self.failures.len() > failures {
                self.step(failures, || key(prefix));
            }
            done?;
            self.check()?;
        }
        self.push(b"}");
        Ok(())
    }

    pub fn list<T>(
        &mut self,
        items: impl Iterator<Item = T>,
        mut each: impl FnMut(&mut Self, T) -> Result<()>,
    ) -> Result<()> {
        self.push(b"[");
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.push(b",");
            }
            let failures = self.failures.len();
            let done = each(self, item);
            if self.failures.len() > failures {
                self.step(failures, || Step::from(index));
            }
            done?;
        }
        self.push(b"]");
        Ok(())
    }

    pub fn object(&mut self, object: &Object, shape: &Shape, loaded: &Loaded, row: usize) -> Result<()> {
        self.fields(shape, |this, what| this.field(object, what, loaded, row))
    }

    fn field(&mut self, object: &Object, what: &What, loaded: &Loaded, index: usize) -> Result<()> {
        let row = &loaded.rows[index];
        match what {
            What::Constant(json) => self.push(json),
            What::Id => {
                self.push(b"\"");
                id::write(object.info.table, uuid(row, 0).unwrap_or_default(), &mut self.out);
                self.push(b"\"");
            }
            What::Scalar { column, kind } => match raw(row, *column) {
                Some(binary) => kind.write(binary, &mut self.out),
                None => self.null(),
            },
            What::Parts { columns, items } => {
                let values: Option<Vec<&[u8]>> = columns.iter().map(|column| raw(row, *column)).collect();
                match values {
                    None => self.null(),
                    Some(values) => self.fields(items, |this, part| {
                        match part {
                            PartWhat::Constant(json) => this.push(json),
                            PartWhat::Part(part) => {
                                let own: Vec<_> = part.columns.iter().map(|column| values[*column]).collect();
                                (part.write)(&own, &mut this.out);
                            }
                        }
                        Ok(())
                    })?,
                }
            }
            What::Enum { column, of } => match raw(row, *column) {
                Some(stored) => self.choice(of, stored),
                None => self.null(),
            },
            What::Enums { column, of } => {
                let items = raw(row, *column).map(array_items).unwrap_or_default();
                self.list(items.into_iter(), |this, stored| {
                    this.choice(of, stored);
                    Ok(())
                })?;
            }
            What::Status { revision, live } => {
                let status = match int(row, *live) {
                    None => "\"DRAFT\"",
                    live if live == int(row, *revision) => "\"PUBLISHED\"",
                    Some(_) => "\"CHANGED\"",
                };
                self.push(status.as_bytes());
            }
            What::Stored { column, shape, nullable } => {
                // jsonb starts with a version byte.
                let stored = raw(row, *column).and_then(|json| json.get(1..));
                self.or_null(*nullable, |this| this.stored(object, shape, stored, loaded))?;
            }
            What::Related { relation, shapes, nullable } => {
                let (relation, related) = (&object.relations[*relation], &loaded.related[*relation]);
                self.or_null(*nullable, |this| this.related(relation, related, shapes, row))?;
            }
            What::Page { relation, page, nullable } => {
                let (relation, related) = (&object.relations[*relation], &loaded.related[*relation]);
                self.or_null(*nullable, |this| match (relation, related) {
                    (Relation::Page { page: plan, .. }, Related::Page(found)) => {
                        this.page(plan, page, found, uuid(row, 0).unwrap_or_default())
                    }
                    _ => this.refused(relation),
                })?;
            }
            What::Computed { index: computed, items, nullable, pos } => match &loaded.computed[*computed] {
                Err(error) => self.or_null(*nullable, |this| this.fail(&error.problems, *pos))?,
                Ok(values) => {
                    let value = values.get(index).map_or(NULL, Vec::as_slice);
                    match items.is_empty() {
                        true => self.push(value),
                        false => self.parts(items, value)?,
                    }
                }
            },
        }
        Ok(())
    }

    /// What a redirect answers.
    pub fn redirection(&mut self, items: &[(Prefix, RedirectionWhat)], status: i16, location: &str) -> Result<()> {
        self.fields(items, |this, what| {
            match what {
                RedirectionWhat::Typename => json::write_string(REDIRECTION.as_bytes(), &mut this.out),
                RedirectionWhat::Status => this.push(status.to_string().as_bytes()),
                RedirectionWhat::Location => json::write_string(location.as_bytes(), &mut this.out),
            }
            Ok(())
        })
    }

    fn choice(&mut self, of: &EnumInfo, stored: &[u8]) {
        match std::str::from_utf8(stored).ok().and_then(|stored| of.shown(stored)) {
            Some(shown) => json::write_string(shown.as_bytes(), &mut self.out),
            None => self.null(),
        }
    }

    /// The parts of a value that is stored as JSON.
    fn parts(&mut self, items: &[(Prefix, PartWhat)], value: &[u8]) -> Result<()> {
        if json::is_null(value) {
            self.null();
            return Ok(());
        }
        self.fields(items, |this, part| {
            match part {
                PartWhat::Constant(json) => this.push(json),
                PartWhat::Part(part) => (part.project)(value, &mut this.out),
            }
            Ok(())
        })
    }

    fn related(&mut self, relation: &Relation, related: &Related, shapes: &[Shape], row: &PgRow) -> Result<()> {
        match (relation, related) {
            (Relation::One { members }, Related::One(found)) => {
                let targets = members.iter().zip(shapes).zip(found);
                let mut targets = targets.filter_map(|(((column, object), shape), (loaded, places))| {
                    let place = places.get(&uuid(row, *column)?)?;
                    Some((object, shape, loaded, *place))
                });
                match targets.next() {
                    Some((object, shape, loaded, place)) => self.object(object, shape, loaded, place),
                    None => self.nothing(),
                }
            }
            (Relation::Many { members, .. }, Related::Many { members: found, order, groups }) => {
                let group = uuid(row, 0).and_then(|owner| groups.get(&owner)).cloned().unwrap_or_default();
                self.list(order[group].iter(), |this, (target, place)| {
                    this.object(&members[*target].1, &shapes[*target], &found[*target], *place)
                })
            }
            _ => self.refused(relation),
        }
    }

    fn refused(&mut self, relation: &Relation) -> Result<()> {
        let run = self.run;
        let refused = relation.list().and_then(|list| Some((list, run.refused(list)?)));
        let (list, problems) = refused.ok_or_else(|| Error::internal("a relation was loaded as another one"))?;
        self.fail(problems, self.lists[list.slot].pos)
    }
}

/// The key of a field's prefix.
fn key(prefix: &Prefix) -> Step {
    let key = prefix.get(2..prefix.len().saturating_sub(2)).unwrap_or_default();
    Step::Key(String::from_utf8_lossy(key).into_owned())
}
