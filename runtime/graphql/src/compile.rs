//! Prepares a valid operation: its root fields, each with the plan of its reads.

mod about;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet, VariableDefinition,
};
use async_graphql::parser::{Pos, Positioned};
use async_graphql_value::{Name, Value as Literal};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::answer::Failure;
use super::cache::Cache;
use super::changes::Changes;
use super::coerce::Variables;
use super::document::Document;
use super::limits::cost::Cost;
use super::read::{self, Root, Selected};
use super::routes::{Route, Routes};
use super::rules::root;
use super::site::{Shape, SiteField};
use super::types::{Types, named};
use crate::weigh::Held;
use about::{conditions, hexadecimal, kind, name, own};
use base::error::Code;
use base::seen::About;
use base::weigh::{Scales, Weigh, weight};
use model::content::{ContentInfo, OperationInfo, Returns, SchemaInfo, Verb};
use store::access::Action;

/// A document that is prepared except for its variables.
pub struct Prepared {
    pub ty: OperationType,
    pub variables: Arc<[Positioned<VariableDefinition>]>,
    pub cost: Cost,
    /// For the log and the metrics.
    pub about: Arc<About>,
    plans: Plans,
}

enum Plans {
    One(Arc<Compiled>),
    /// One plan for each combination of `@skip` and `@include` values, made on demand.
    ByCondition {
        /// Distinguishes the plans of this document from those of others.
        id: u64,
        conditions: Vec<Name>,
        source: Source,
    },
}

/// The source of plans.
pub struct Source {
    pub selection: SelectionSet,
    pub fragments: Arc<Fragments>,
}

#[derive(Default)]
pub struct Fragments(pub HashMap<Name, Positioned<FragmentDefinition>>);

/// Plans of documents with conditions, by document and condition values.
pub type ConditionalPlans = Cache<(u64, Vec<bool>), Compiled>;

/// The root fields of an operation, in response order.
pub struct Compiled {
    pub fields: Vec<RootField>,
    /// The number of statements of all reads.
    pub statements: u64,
}

pub struct RootField {
    /// The response key.
    pub key: String,
    pub pos: Pos,
    /// If false, a failure of the field makes all of `data` null.
    pub nullable: bool,
    pub what: What,
}

pub enum What {
    Typename(&'static str),
    Introspection(Introspected),
    Read(Root),
    /// An entry as it was.
    Revision {
        call: Call,
        info: &'static ContentInfo,
        entry: Root,
    },
    /// Of a subscription.
    Changes(Changes),
    Write {
        call: Call,
        write: Write,
        info: &'static ContentInfo,
        entries: Option<Root>,
    },
    /// A field about the site and its accounts instead of its content.
    Site {
        call: Call,
        field: SiteField,
        shape: Shape,
    },
    Own {
        call: Call,
        operation: &'static OperationInfo,
        is_mutation: bool,
        entries: Option<Root>,
    },
}

/// A field of introspection.
pub struct Introspected {
    /// Distinguishes its cached response from those of others.
    pub id: u64,
    selection: Field,
    pos: Pos,
    variables: Arc<[Positioned<VariableDefinition>]>,
    fragments: Arc<Fragments>,
}

/// A root field with its arguments from the document.
pub struct Call {
    pub parent: &'static str,
    pub field: String,
    pub given: Vec<(Name, Literal)>,
}

/// The kind of a generated mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Create,
    Update,
    Upsert,
    Delete,
    Publish,
    PublishAll,
    Unpublish,
    DiscardDraft,
    Duplicate,
    Restore,
    Undelete,
}

impl Write {
    /// `None` for a query.
    fn of(verb: Verb) -> Option<Self> {
        Some(match verb {
            Verb::Create => Self::Create,
            Verb::Update => Self::Update,
            Verb::Upsert => Self::Upsert,
            Verb::Delete => Self::Delete,
            Verb::Publish => Self::Publish,
            Verb::PublishAll => Self::PublishAll,
            Verb::Unpublish => Self::Unpublish,
            Verb::DiscardDraft => Self::DiscardDraft,
            Verb::Duplicate => Self::Duplicate,
            Verb::Restore => Self::Restore,
            Verb::Undelete => Self::Undelete,
            Verb::ById | Verb::ByKey(_) | Verb::List | Verb::Aggregate | Verb::Revision | Verb::Changed => return None,
        })
    }

    /// The right that it requires, or several of which any one is enough.
    pub fn actions(self) -> &'static [Action] {
        match self {
            Self::Create | Self::Duplicate | Self::Undelete => &[Action::Create],
            Self::Update | Self::DiscardDraft | Self::Restore => &[Action::Update],
            Self::Upsert => &[Action::Create, Action::Update],
            Self::Delete => &[Action::Delete],
            Self::Publish | Self::PublishAll | Self::Unpublish => &[Action::Publish],
        }
    }
}

/// The context for making plans.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    pub schema: &'static SchemaInfo,
    pub types: &'a Types,
    pub routes: &'a Routes,
}

impl Prepared {
    pub fn new(site: Site<'_>, document: Document, text: &str) -> Self {
        let Document { document, operation } = document;
        let cost = Cost::of(site.types, &document, &operation);
        let conditions = conditions(&document, &operation);
        let about = Arc::new(About {
            name: name(&document, &operation),
            kind: kind(operation.ty),
            document: hexadecimal(&Sha256::digest(text.as_bytes())),
            own: own(site.schema, &operation),
        });
        let OperationDefinition { ty, variable_definitions, selection_set, .. } = operation;
        let variables: Arc<[_]> = variable_definitions.into();
        let source = Source { selection: selection_set.node, fragments: Arc::new(Fragments(document.fragments)) };
        let plans = match conditions.is_empty() {
            // The source is no longer needed.
            true => {
                let planner = Planner { site, ty, variables: &variables, source: &source };
                Plans::One(Arc::new(planner.compile(&|_| false)))
            }
            false => Plans::ByCondition { id: next_id(), conditions, source },
        };
        Self { ty, variables, cost, about, plans }
    }

    /// The size in bytes, without conditional plans.
    pub fn weight(&self) -> usize {
        weight(self)
    }

    /// Returns failures for `@skip` and `@include` variables that are null, which a variable with a default may be.
    pub fn undecided(&self, variables: &Variables) -> Vec<Failure> {
        let Plans::ByCondition { conditions, .. } = &self.plans else { return Vec::new() };
        let undecided = self.variables.iter().filter(|definition| {
            let name = &definition.node.name.node;
            conditions.contains(name) && variables.get(name.as_str()).is_some_and(Json::is_null)
        });
        let failure = |definition: &Positioned<VariableDefinition>| {
            let message = format!("`${}` is null where `Boolean!` is required", definition.node.name.node);
            Failure::new(Code::BadUserInput, message).at(definition.pos)
        };
        undecided.map(failure).collect()
    }

    /// The plan for these condition values.
    pub fn compiled(&self, site: Site<'_>, variables: &Variables, known: &ConditionalPlans) -> Arc<Compiled> {
        let (id, conditions, source) = match &self.plans {
            Plans::One(plan) => return plan.clone(),
            Plans::ByCondition { id, conditions, source } => (*id, conditions, source),
        };
        let holds = |name: &str| variables.get(name).is_some_and(|value| *value == Json::Bool(true));
        let key = (id, conditions.iter().map(|name| holds(name)).collect());
        if let Some(known) = known.get(&key) {
            return known;
        }
        let planner = Planner { site, ty: self.ty, variables: &self.variables, source };
        let compiled = Arc::new(planner.compile(&holds));
        let weight = compiled.weight() + key.1.len();
        known.insert(key, compiled.clone(), weight);
        compiled
    }
}

fn next_id() -> u64 {
    static IDS: AtomicU64 = AtomicU64::new(0);
    IDS.fetch_add(1, Ordering::Relaxed)
}

/// Makes the plan for one combination of condition values.
struct Planner<'a> {
    site: Site<'a>,
    ty: OperationType,
    variables: &'a Arc<[Positioned<VariableDefinition>]>,
    source: &'a Source,
}

impl Planner<'_> {
    fn compile(&self, holds: &dyn Fn(&str) -> bool) -> Compiled {
        let nullable = |ty: &str, name: &str| self.site.types.field(ty, name).is_some_and(|field| field.ty.nullable);
        let fragments = &self.source.fragments.0;
        let Site { schema, routes, .. } = self.site;
        let document = read::Document { schema, routes, fragments, condition: holds, nullable: &nullable };
        let parent = root(self.ty);
        let selected = document.fields(parent, &[&self.source.selection]);
        let fields: Vec<_> = selected
            .iter()
            .map(|selected| RootField {
                key: selected.key.to_owned(),
                pos: selected.pos,
                nullable: selected.name() == "__type" || nullable(parent, selected.name()),
                what: self.what(document, parent, selected),
            })
            .collect();
        let statements = fields.iter().map(|field| field.what.statements()).sum();
        Compiled { fields, statements }
    }

    fn what<'d>(&self, document: read::Document<'d>, parent: &'static str, selected: &Selected<'d>) -> What {
        let name = selected.name();
        if name == "__typename" {
            return What::Typename(parent);
        }
        if name.starts_with("__") {
            return What::Introspection(self.introspected(selected));
        }
        let given = selected.field.arguments.iter().map(|(name, value)| (name.node.clone(), value.node.clone()));
        let call = || Call { parent, field: name.to_owned(), given: given.clone().collect() };
        let Site { types, routes, .. } = self.site;
        if let Some(resolver) = routes.subscription(name).filter(|_| self.ty == OperationType::Subscription) {
            return What::Changes(Changes::new(document, selected, resolver.of, call()));
        }
        let is_mutation = self.ty == OperationType::Mutation;
        let route = if is_mutation { routes.mutation(name) } else { routes.query(name) };
        match route {
            Some(Route::Own(operation)) => {
                let entries = match operation.returns {
                    Returns::Content { of, many } => Some(Root::of_entries(document, parent, selected, of, many)),
                    Returns::Scalar { .. } => None,
                };
                What::Own { call: call(), operation, is_mutation, entries }
            }
            Some(Route::Content(resolver)) if resolver.verb == Verb::Revision => {
                let info = resolver.of;
                let entry = Root::of_entries(document, parent, selected, info, false);
                What::Revision { call: call(), info, entry }
            }
            Some(Route::Content(resolver)) => match Write::of(resolver.verb) {
                None => What::Read(Root::by_resolver(document, selected, resolver)),
                Some(write) => {
                    let (info, many) = (resolver.of, matches!(write, Write::Upsert | Write::PublishAll));
                    let entries = || Root::of_entries(document, parent, selected, info, many);
                    let entries = (write != Write::Delete).then(entries);
                    What::Write { call: call(), write, info, entries }
                }
            },
            Some(Route::Nodes { many }) => What::Read(Root::by_node(document, selected, many)),
            Some(Route::Search { begun }) => What::Read(Root::by_search(document, selected, begun)),
            Some(Route::Resolve) => What::Read(Root::by_path(document, selected)),
            Some(Route::Site(field)) => {
                let ty = types.field(parent, name).map_or("", |field| named(&field.ty));
                What::Site { call: call(), field, shape: Shape::new(types, &document, ty, &selected.sets) }
            }
            // Unreachable: the document is valid, and each field of the SDL has a resolver.
            None => panic!("the root field `{name}` has no resolver"),
        }
    }

    fn introspected(&self, selected: &Selected<'_>) -> Introspected {
        let items = selected.sets.iter().flat_map(|set| set.items.iter().cloned()).collect();
        Introspected {
            id: next_id(),
            selection: Field {
                selection_set: Positioned::new(SelectionSet { items }, selected.pos),
                directives: Vec::new(),
                ..selected.field.clone()
            },
            pos: selected.pos,
            variables: self.variables.clone(),
            fragments: self.source.fragments.clone(),
        }
    }
}

impl Introspected {
    /// A document with only this field.
    pub fn document(&self) -> ExecutableDocument {
        let at = self.pos;
        let field = Positioned::new(Selection::Field(Positioned::new(self.selection.clone(), at)), at);
        let operation = OperationDefinition {
            ty: OperationType::Query,
            variable_definitions: self.variables.to_vec(),
            directives: Vec::new(),
            selection_set: Positioned::new(SelectionSet { items: vec![field] }, at),
        };
        ExecutableDocument {
            operations: DocumentOperations::Single(Positioned::new(operation, at)),
            fragments: self.fragments.0.clone(),
        }
    }
}

impl Compiled {
    /// The size in bytes.
    pub fn weight(&self) -> usize {
        weight(self)
    }
}

impl Weigh for Prepared {
    fn weigh(&self, scales: &mut Scales) {
        self.variables.held(scales);
        self.cost.weigh(scales);
        scales.block(size_of::<About>() + self.about.name.len() + self.about.document.capacity());
        match &self.plans {
            Plans::One(plan) => plan.weigh(scales),
            Plans::ByCondition { conditions, source, .. } => {
                conditions.held(scales);
                source.selection.held(scales);
                source.fragments.weigh(scales);
            }
        }
    }
}

impl Weigh for Introspected {
    fn weigh(&self, scales: &mut Scales) {
        self.selection.held(scales);
        self.variables.held(scales);
        self.fragments.weigh(scales);
    }
}

impl What {
    fn statements(&self) -> u64 {
        let root = match self {
            Self::Changes(changes) => return changes.statements() as u64,
            Self::Read(root) | Self::Revision { entry: root, .. } => Some(root),
            Self::Write { entries, .. } | Self::Own { entries, .. } => entries.as_ref(),
            Self::Typename(_) | Self::Introspection(_) | Self::Site { .. } => None,
        };
        root.map_or(0, Root::statements) as u64
    }
}
