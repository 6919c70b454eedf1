//! `Changes`: the root field of a subscription made ready: what is written of each change, and the plan of its entry.

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::answer::Failure;
use super::compile::{Call, RootField};
use super::execute::{Execution, shown};
use super::pieces::Pieces;
use super::read::{Document, Root, Selected};
use base::error::{Code, Error, Problem, Result, Step};
use base::weigh::{Scales, Weigh};
use model::content::ContentInfo;
use model::{cut, json};
use store::feed::Signal;
use store::hooks::EventKind;
use store::{Stage, id};

pub struct Changes {
    pub info: &'static ContentInfo,
    pub call: Call,
    /// With their keys in the answer.
    fields: Vec<(String, What)>,
}

enum What {
    Typename(&'static str),
    Position,
    Kind,
    Id,
    Revision,
    Fields,
    Entry(Box<Root>),
}

/// The arguments of the root field.
pub struct Asked {
    pub stage: Stage,
    pub id: Option<Uuid>,
    pub filter: Option<Json>,
    pub after: Option<i64>,
}

/// The text of a change, and whether its entry was there.
pub struct Told {
    pub data: Pieces,
    pub failures: Vec<Failure>,
    pub is_there: bool,
}

impl Changes {
    pub fn new(document: Document<'_>, selected: &Selected<'_>, info: &'static ContentInfo, call: Call) -> Self {
        let ty = document.routes.connection(info).change;
        let what = |field: &Selected<'_>| match field.name() {
            "position" => What::Position,
            "kind" => What::Kind,
            "id" => What::Id,
            "revision" => What::Revision,
            "fields" => What::Fields,
            "entry" => What::Entry(Box::new(Root::of_entries(document, ty, field, info, false))),
            _ => What::Typename(ty),
        };
        let fields = document.fields(ty, &selected.sets);
        Self { info, call, fields: fields.iter().map(|field| (field.key.to_owned(), what(field))).collect() }
    }

    fn entries(&self) -> impl Iterator<Item = &Root> {
        self.fields.iter().filter_map(|(_, what)| match what {
            What::Entry(root) => Some(&**root),
            _ => None,
        })
    }

    /// Whether writing a change reads its entry.
    pub fn reads(&self) -> bool {
        self.entries().next().is_some()
    }

    /// The statements of one change: those of the entry, and one that asks whether it matches.
    pub fn statements(&self) -> usize {
        1 + self.entries().map(Root::statements).sum::<usize>()
    }

    /// What the actor may not read of it.
    pub fn denied(&self, execution: &Execution<'_>, field: &RootField) -> Vec<Failure> {
        // What is wrong with the arguments is reported when they are read.
        let arguments = execution.arguments(&self.call).unwrap_or_default();
        let scope = execution.store.at(super::read::stage(&arguments));
        let at_field = |problem: Problem| Failure { path: below(field, &[]), ..Failure::from(problem).at(field.pos) };
        let refused = scope.must_read_any(self.info).err().map(at_field);
        let of_entries = self.entries().flat_map(|root| shown(root.denied(scope)));
        refused.into_iter().chain(of_entries.map(|failure| prefixed(field, failure))).collect()
    }

    pub fn asked(&self, arguments: &Map<String, Json>) -> Result<Asked> {
        let text = |name: &str| arguments.get(name).and_then(Json::as_str);
        let wrong = |name: &str, message: String| Problem::new(Code::BadUserInput, message).at([Step::from(name)]);
        let id = text("id").map(|given| {
            let example = id::encode(self.info.table, Uuid::nil());
            let message = || format!("`{}` is not an id of `{}`, such as `{example}`", cut(given), self.info.name);
            self.info.decode(given).ok_or_else(|| wrong("id", message()))
        });
        let after = text("after").map(|given| {
            let position = given.parse().ok().filter(|position: &i64| *position >= 0);
            position.ok_or_else(|| wrong("after", format!("`{}` is not a position of a change", cut(given))))
        });
        Ok(Asked {
            stage: super::read::stage(arguments),
            id: id.transpose().map_err(Error::from)?,
            filter: arguments.get("filter").filter(|filter| !filter.is_null()).cloned(),
            after: after.transpose().map_err(Error::from)?,
        })
    }

    /// Writes a change with its entry as it is now, or as gone.
    pub async fn tell(
        &self,
        execution: &Execution<'_>,
        field: &RootField,
        (stage, signal): (Stage, &Signal),
        is_gone: bool,
    ) -> Result<Told, Vec<Failure>> {
        let (scope, request) = (execution.store.at(stage), execution.request());
        let mut data = Pieces::new(execution.store.ration.memory(), 256);
        let mut failures = Vec::new();
        let mut is_there = !is_gone;
        data.push(b"{");
        json::write_string(field.key.as_bytes(), data.end());
        data.push(b":{");
        for (place, (key, what)) in self.fields.iter().enumerate() {
            if place > 0 {
                data.push(b",");
            }
            json::write_string(key.as_bytes(), data.end());
            data.push(b":");
            let text = |text: &str, data: &mut Pieces| json::write_string(text.as_bytes(), data.end());
            match what {
                What::Typename(name) => text(name, &mut data),
                What::Position => text(&signal.position.to_string(), &mut data),
                What::Kind => text(if is_gone { "GONE" } else { kind(signal.kind) }, &mut data),
                What::Id => text(&id::encode(self.info.table, signal.entry), &mut data),
                What::Revision if !is_gone => data.push(signal.revision.to_string().as_bytes()),
                What::Fields => {
                    let known = |name: &String| self.info.field(name).filter(|_| !is_gone);
                    let may_read = |snake: &str| scope.must_read(self.info, snake).is_ok();
                    let names = signal.fields.iter().filter_map(known).filter(|field| may_read(field.snake));
                    data.push(Json::from(names.map(|field| field.name).collect::<Vec<_>>()).to_string().as_bytes());
                }
                What::Entry(root) if !is_gone => {
                    match root.run_entries(&request, scope, &[signal.entry]).await.map_err(shown) {
                        Ok(written) => {
                            is_there &= written.text.bytes != b"null" || !written.failures.is_empty();
                            failures.extend(shown(written.failures));
                            data.add(written.text);
                        }
                        Err(failed) => {
                            failures.extend(failed);
                            data.push(b"null");
                        }
                    }
                }
                What::Revision | What::Entry(_) => data.push(b"null"),
            }
        }
        data.push(b"}}");
        let failures: Vec<_> = failures.into_iter().map(|failure| prefixed(field, failure)).collect();
        // The entry was not read because of the database: the change comes again.
        let is_passing = |failure: &Failure| matches!(failure.problem.code, Code::Unavailable | Code::Timeout);
        if failures.iter().any(is_passing) { Err(failures) } else { Ok(Told { data, failures, is_there }) }
    }
}

fn kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Created => "CREATED",
        EventKind::Updated => "UPDATED",
        EventKind::Published => "PUBLISHED",
        EventKind::Unpublished => "UNPUBLISHED",
        EventKind::Deleted => "GONE",
    }
}

fn below(field: &RootField, path: &[Step]) -> Vec<Step> {
    std::iter::once(Step::from(field.key.as_str())).chain(path.iter().cloned()).collect()
}

/// The path of a failure within a change starts at the root field.
fn prefixed(field: &RootField, failure: Failure) -> Failure {
    Failure { path: below(field, &failure.path), ..failure }
}

impl Weigh for Changes {
    fn weigh(&self, scales: &mut Scales) {
        self.call.weigh(scales);
        scales.block(self.fields.capacity() * size_of::<(String, What)>());
        for (key, what) in &self.fields {
            key.weigh(scales);
            if let What::Entry(root) = what {
                scales.block(size_of::<Root>());
                root.weigh(scales);
            }
        }
    }
}
