//! A valid operation made ready to run: its root fields, each with the plan of what it reads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet, VariableDefinition,
};
use async_graphql::parser::{Pos, Positioned};
use async_graphql_value::{Name, Value as Literal};
use serde_json::Value as Json;

use super::Api;
use super::answer::Failure;
use super::coerce::Variables;
use super::document::Document;
use super::limits::cost::Cost;
use super::rules::root;
use super::site::{Shape, SiteField};
use super::types::{Types, named};
use crate::access::Action;
use crate::content::{ContentInfo, OperationInfo, Returns, SchemaInfo};
use crate::error::Code;
use crate::store::read::{self, Root, Selected};

/// Each variable of `@skip` and `@include` doubles the plans that a document can have; beyond this, they are not kept.
const KEPT_VARIANTS: usize = 16;

/// What is known of a document before its variables are.
pub struct Prepared {
    pub document: ExecutableDocument,
    pub operation: OperationDefinition,
    pub cost: Cost,
    /// The variables of `@skip` and `@include`: a plan holds for one set of their values.
    conditions: Vec<Name>,
    variants: Mutex<BTreeMap<Vec<bool>, Arc<Compiled>>>,
}

/// The root fields of an operation, in the order of the answer.
pub struct Compiled {
    pub fields: Vec<RootField>,
    /// Statements that reading the answer takes.
    pub statements: u64,
}

pub struct RootField {
    /// The response key.
    pub key: String,
    pub pos: Pos,
    /// The field's failure leaves null in its place; else the whole of `data` is null.
    pub nullable: bool,
    pub what: What,
}

pub enum What {
    Typename(&'static str),
    /// Answered once where no variable is declared.
    Introspection {
        document: Box<ExecutableDocument>,
        answered: OnceLock<Vec<u8>>,
    },
    Read(Root),
    Write {
        call: Call,
        write: Write,
        info: &'static ContentInfo,
        entries: Option<Root>,
    },
    /// Of the site and its accounts rather than of its content.
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

/// A field of the root with its arguments as the document has them.
pub struct Call {
    pub parent: &'static str,
    pub field: String,
    pub given: Vec<(Name, Literal)>,
}

/// What a generated mutation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Create,
    Update,
    Upsert,
    Delete,
    Publish,
    Unpublish,
}

impl Write {
    /// What it takes the right to; where there are several, one of them.
    pub fn actions(self) -> &'static [Action] {
        match self {
            Self::Create => &[Action::Create],
            Self::Update => &[Action::Update],
            Self::Upsert => &[Action::Create, Action::Update],
            Self::Delete => &[Action::Delete],
            Self::Publish | Self::Unpublish => &[Action::Publish],
        }
    }
}

impl Prepared {
    pub fn new(types: &Types, document: Document) -> Self {
        let Document { document, operation } = document;
        let cost = Cost::of(types, &document, &operation);
        let conditions = conditions(&document, &operation);
        Self { document, operation, cost, conditions, variants: Mutex::default() }
    }

    /// Variables of `@skip` and `@include` that are null, as one with a default may be: they decide nothing.
    pub fn undecided(&self, variables: &Variables) -> Vec<Failure> {
        let definitions = self.operation.variable_definitions.iter();
        let undecided = definitions.filter(|definition| {
            let name = &definition.node.name.node;
            self.conditions.contains(name) && variables.get(name.as_str()).is_some_and(Json::is_null)
        });
        let failure = |definition: &Positioned<VariableDefinition>| {
            let message = format!("`${}` is null where `Boolean!` is required", definition.node.name.node);
            Failure::new(Code::BadUserInput, message).at(definition.pos)
        };
        undecided.map(failure).collect()
    }

    /// The plan for these values of the conditions.
    pub fn compiled(&self, api: &Api, variables: &Variables) -> Arc<Compiled> {
        let holds = |name: &str| variables.get(name).is_some_and(|value| *value == Json::Bool(true));
        let key: Vec<_> = self.conditions.iter().map(|name| holds(name)).collect();
        let known = |variants: &BTreeMap<Vec<bool>, Arc<Compiled>>| variants.get(&key).cloned();
        if let Some(known) = known(&self.variants.lock().unwrap_or_else(PoisonError::into_inner)) {
            return known;
        }
        let compiled = Arc::new(self.compile(api, &holds));
        let mut variants = self.variants.lock().unwrap_or_else(PoisonError::into_inner);
        if variants.len() < KEPT_VARIANTS {
            variants.insert(key, compiled.clone());
        }
        compiled
    }

    fn compile(&self, api: &Api, holds: &dyn Fn(&str) -> bool) -> Compiled {
        let schema = api.database.schema;
        let nullable = |ty: &str, name: &str| api.types.field(ty, name).is_some_and(|field| field.ty.nullable);
        let document = read::Document { schema, document: &self.document, condition: holds, nullable: &nullable };
        let parent = root(self.operation.ty);
        let selected = document.fields(parent, &[&self.operation.selection_set.node]);
        let fields: Vec<_> = selected
            .iter()
            .map(|selected| RootField {
                key: selected.key.to_owned(),
                pos: selected.pos,
                nullable: selected.name() == "__type" || nullable(parent, selected.name()),
                what: self.what(schema, &api.types, document, parent, selected),
            })
            .collect();
        let statements = fields.iter().map(|field| field.what.statements()).sum();
        Compiled { fields, statements }
    }

    fn what(
        &self,
        schema: &'static SchemaInfo,
        types: &Types,
        document: read::Document<'_>,
        parent: &'static str,
        selected: &Selected<'_>,
    ) -> What {
        let name = selected.name();
        let is_mutation = self.operation.ty == OperationType::Mutation;
        let given = selected.field.arguments.iter().map(|(name, value)| (name.node.clone(), value.node.clone()));
        let call = || Call { parent, field: name.to_owned(), given: given.clone().collect() };
        if name == "__typename" {
            return What::Typename(parent);
        }
        if name.starts_with("__") {
            return What::Introspection { document: Box::new(self.only(selected)), answered: OnceLock::new() };
        }
        let own = if is_mutation { schema.mutations } else { schema.queries };
        if let Some(operation) = own.iter().find(|operation| operation.name == name) {
            let entries = match operation.returns {
                Returns::Content { of, many } => Some(Root::of_entries(document, parent, selected, of, many)),
                Returns::Scalar { .. } => None,
            };
            return What::Own { call: call(), operation, is_mutation, entries };
        }
        let written = if is_mutation { write(schema, name) } else { None };
        if let Some((write, info)) = written {
            let many = write == Write::Upsert;
            let entries = (write != Write::Delete).then(|| Root::of_entries(document, parent, selected, info, many));
            return What::Write { call: call(), write, info, entries };
        }
        if let Some(field) = SiteField::named(name).filter(|_| !is_mutation) {
            let ty = types.field(parent, name).map_or("", |field| named(&field.ty));
            return What::Site { call: call(), field, shape: Shape::new(types, &document, ty, &selected.sets) };
        }
        match Root::compile(document, selected) {
            Some(root) => What::Read(root),
            // The SDL and the schema come from one generator.
            None => panic!("codegen bug: nothing answers the root field `{name}`"),
        }
    }

    /// A document that asks for one field of introspection alone.
    fn only(&self, selected: &Selected<'_>) -> ExecutableDocument {
        let items = selected.sets.iter().flat_map(|set| set.items.iter().cloned()).collect();
        let field = Field {
            selection_set: Positioned::new(SelectionSet { items }, selected.pos),
            directives: Vec::new(),
            ..selected.field.clone()
        };
        let field = Positioned::new(Selection::Field(Positioned::new(field, selected.pos)), selected.pos);
        let selection_set = Positioned::new(SelectionSet { items: vec![field] }, selected.pos);
        let operation = OperationDefinition { selection_set, ..self.operation.clone() };
        ExecutableDocument {
            operations: DocumentOperations::Single(Positioned::new(operation, selected.pos)),
            fragments: self.document.fragments.clone(),
        }
    }
}

impl What {
    fn statements(&self) -> u64 {
        let root = match self {
            Self::Read(root) => Some(root),
            Self::Write { entries, .. } | Self::Own { entries, .. } => entries.as_ref(),
            Self::Typename(_) | Self::Introspection { .. } | Self::Site { .. } => None,
        };
        root.map_or(0, Root::statements) as u64
    }
}

/// Which write a generated mutation's name means: `createProduct`, `upsertProducts`.
fn write(schema: &SchemaInfo, name: &str) -> Option<(Write, &'static ContentInfo)> {
    let verbs = [
        ("create", Write::Create),
        ("update", Write::Update),
        ("upsert", Write::Upsert),
        ("delete", Write::Delete),
        ("publish", Write::Publish),
        ("unpublish", Write::Unpublish),
    ];
    verbs.into_iter().find_map(|(verb, write)| {
        let what = name.strip_prefix(verb)?;
        let of = |info: &&&ContentInfo| match write {
            Write::Upsert => upper_first(info.plural) == what,
            _ => info.name == what,
        };
        schema.types.iter().find(of).map(|info| (write, *info))
    })
}

fn upper_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// The variables of every `@skip` and `@include` of the document, sorted.
fn conditions(document: &ExecutableDocument, operation: &OperationDefinition) -> Vec<Name> {
    let mut found = Vec::new();
    of_selection(&operation.selection_set.node, &mut found);
    for fragment in document.fragments.values() {
        of_selection(&fragment.node.selection_set.node, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    // Fragments of other operations may name variables that this one does not have.
    found.retain(|name| operation.variable_definitions.iter().any(|variable| variable.node.name.node == *name));
    found
}

fn of_selection(set: &SelectionSet, found: &mut Vec<Name>) {
    for selection in &set.items {
        found.extend(selection.node.directives().iter().filter_map(|directive| condition(&directive.node)).cloned());
        match &selection.node {
            Selection::Field(field) => of_selection(&field.node.selection_set.node, found),
            Selection::InlineFragment(fragment) => of_selection(&fragment.node.selection_set.node, found),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn condition(directive: &Directive) -> Option<&Name> {
    match directive.get_argument("if").map(|value| &value.node) {
        Some(Literal::Variable(name)) => Some(name),
        _ => None,
    }
}
