//! The only file that uses `async_graphql::registry`: a schema without execution, for validation and introspection.
//!
//! The module is public but hidden from the crate's documentation, hence the exact version in the workspace. Types are
//! registered by functions without a receiver, so the SDL is passed through a thread-local while a schema is built.

mod corrections;

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextValidation};
use async_graphql::parser::Positioned;
use async_graphql::parser::types::{
    ConstDirective, EnumValueDefinition, ExecutableDocument, Field, FieldDefinition, InputValueDefinition,
    TypeDefinition, TypeKind,
};
use async_graphql::registry::{Deprecation, MetaEnumValue, MetaField, MetaInputValue, MetaType, Registry};
use async_graphql::{
    CacheControl, ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Request, Response, Schema,
    ServerError, ServerResult, SubscriptionType, ValidationResult, Value, Variables,
};
use futures_util::stream::BoxStream;
use indexmap::{IndexMap, IndexSet};
use serde_json::Value as Json;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::types::{BUILT_IN, Types, directive};

/// Validates documents against the SDL and resolves `__schema` and `__type`.
pub struct Introspection {
    schema: Schema<Query, Mutation, Subscription>,
    /// Responses are large and built without yielding, so only one is built at a time.
    answering: Semaphore,
}

impl Introspection {
    pub fn new(types: &Types) -> Self {
        REGISTERED.with_borrow_mut(|registered| *registered = register(types));
        let schema = Schema::build(Query, Mutation, Subscription).extension(OneStep).finish();
        REGISTERED.take();
        Self { schema, answering: Semaphore::new(1) }
    }

    /// Returns the errors of the document, by the rules that do not need the values of variables.
    pub async fn validate(&self, document: ExecutableDocument, operation: Option<&str>) -> Vec<ServerError> {
        self.schema.execute(request(document, operation).data(Validating)).await.errors
    }

    /// Runs a valid operation that selects only introspection.
    pub async fn answer(&self, document: ExecutableDocument, variables: Variables) -> Result<Json, Vec<ServerError>> {
        answer(&self.schema, document, variables).await
    }

    /// Like [`Self::answer`], for a single field, as text. Runs on a blocking thread, so other requests continue.
    pub async fn answer_of(
        &self,
        document: ExecutableDocument,
        variables: Variables,
        key: &str,
    ) -> Result<Vec<u8>, Vec<ServerError>> {
        // The semaphore is never closed.
        let _turn = self.answering.acquire().await;
        let (schema, key, runtime) = (self.schema.clone(), key.to_owned(), Handle::current());
        let made = tokio::task::spawn_blocking(move || {
            let data = runtime.block_on(answer(&schema, document, variables))?;
            Ok(data.get(&key).unwrap_or(&Json::Null).to_string().into_bytes())
        });
        made.await.unwrap_or_else(|error| Err(vec![ServerError::new(error.to_string(), None)]))
    }

    pub fn sdl(&self) -> String {
        self.schema.sdl()
    }
}

async fn answer(
    schema: &Schema<Query, Mutation, Subscription>,
    mut document: ExecutableDocument,
    variables: Variables,
) -> Result<Json, Vec<ServerError>> {
    corrections::mark(&mut document);
    let answer = schema.execute(request(document, None).variables(variables).data(Validated)).await;
    match answer.errors.is_empty() {
        true => Ok(corrections::unmark(answer.data.into_json().unwrap_or_default())),
        false => Err(answer.errors),
    }
}

fn request(document: ExecutableDocument, operation: Option<&str>) -> Request {
    let mut request = Request::new("");
    request.operation_name = operation.map(str::to_owned);
    request.set_parsed_query(document);
    request
}

/// Marks a request that stops after validation.
struct Validating;

/// Marks a request that skips validation: the rest of a larger document would not pass it.
struct Validated;

/// Runs only one of the two steps.
struct OneStep;

impl ExtensionFactory for OneStep {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for OneStep {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        match ctx.data_opt::<Validated>() {
            Some(_) => Ok(ValidationResult { cache_control: CacheControl::default(), complexity: 0, depth: 0 }),
            None => next.run(ctx).await,
        }
    }

    async fn execute(&self, ctx: &ExtensionContext<'_>, operation: Option<&str>, next: NextExecute<'_>) -> Response {
        match ctx.data_opt::<Validating>() {
            Some(_) => Response::new(Value::Null),
            None => next.run(ctx, operation).await,
        }
    }
}

#[derive(Default)]
struct Registered {
    types: Vec<MetaType>,
    /// `(type, interface)`.
    implements: Vec<(String, String)>,
    /// Scalars that the registry adds although the API does not use them.
    unused: Vec<&'static str>,
}

thread_local! {
    static REGISTERED: RefCell<Registered> = RefCell::default();
}

struct Query;
struct Mutation;
struct Subscription;

impl OutputType for Query {
    fn type_name() -> Cow<'static, str> {
        "Query".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        REGISTERED.with_borrow(|registered| {
            for ty in &registered.types {
                registry.types.insert(ty.name().to_owned(), ty.clone());
            }
            for (ty, interface) in &registered.implements {
                registry.add_implements(ty, interface);
            }
            for name in &registered.unused {
                registry.types.remove(*name);
            }
            // The library accepts only 64 bits; coercion checks ids instead.
            if let Some(MetaType::Scalar { is_valid, .. }) = registry.types.get_mut("ID") {
                *is_valid = None;
            }
        });
        Self::qualified_type_name()
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}

impl ContainerType for Query {
    async fn resolve_field(&self, _: &Context<'_>) -> ServerResult<Option<Value>> {
        Ok(Some(Value::Null))
    }
}

impl ObjectType for Query {}

impl OutputType for Mutation {
    fn type_name() -> Cow<'static, str> {
        "Mutation".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        // The types of introspection are registered by now.
        if let Some(MetaType::Object { fields, .. }) = registry.types.get_mut("__Schema")
            && let Some(description) = fields.get_mut("description")
        {
            description.ty = "String".to_owned();
        }
        Self::qualified_type_name()
    }

    async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}

impl ContainerType for Mutation {
    fn is_empty() -> bool {
        REGISTERED.with_borrow(|registered| registered.types.iter().all(|ty| ty.name() != "Mutation"))
    }

    async fn resolve_field(&self, _: &Context<'_>) -> ServerResult<Option<Value>> {
        Ok(Some(Value::Null))
    }
}

impl ObjectType for Mutation {}

impl SubscriptionType for Subscription {
    fn type_name() -> Cow<'static, str> {
        "Subscription".into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        Self::qualified_type_name()
    }

    fn is_empty() -> bool {
        REGISTERED.with_borrow(|registered| registered.types.iter().all(|ty| ty.name() != "Subscription"))
    }

    /// Only validated here.
    fn create_field_stream<'a>(&'a self, _: &'a Context<'_>) -> Option<BoxStream<'a, Response>> {
        None
    }
}

fn register(types: &Types) -> Registered {
    let unused = BUILT_IN.into_iter().filter(|name| types.get(name).is_none());
    let mut registered = Registered { unused: unused.collect(), ..Registered::default() };
    for ty in &types.definitions {
        registered.types.push(meta(ty, &types.definitions));
        if let TypeKind::Object(object) = &ty.kind {
            let interfaces = object.implements.iter();
            registered
                .implements
                .extend(interfaces.map(|interface| (ty.name.node.to_string(), interface.node.to_string())));
        }
    }
    registered
}

fn meta(ty: &TypeDefinition, all: &[TypeDefinition]) -> MetaType {
    let name = ty.name.node.to_string();
    let description = text(&ty.description);
    match &ty.kind {
        TypeKind::Scalar => MetaType::Scalar {
            name,
            description,
            is_valid: None,
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            specified_by_url: directive(&ty.directives, "specifiedBy").and_then(|applied| argument(applied, "url")),
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        },
        TypeKind::Object(object) => MetaType::Object {
            name,
            description,
            fields: object.fields.iter().map(|field| named_field(&field.node)).collect(),
            cache_control: Default::default(),
            extends: false,
            shareable: false,
            resolvable: true,
            keys: None,
            visible: None,
            inaccessible: false,
            interface_object: false,
            tags: Vec::new(),
            is_subscription: false,
            rust_typename: None,
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        },
        TypeKind::Interface(interface) => MetaType::Interface {
            possible_types: implementors(&name, all),
            name,
            description,
            fields: interface.fields.iter().map(|field| named_field(&field.node)).collect(),
            extends: false,
            keys: None,
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: None,
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        },
        TypeKind::Union(union) => MetaType::Union {
            name,
            description,
            possible_types: union.members.iter().map(|member| member.node.to_string()).collect(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: None,
            directive_invocations: Vec::new(),
        },
        TypeKind::Enum(choice) => MetaType::Enum {
            name,
            description,
            enum_values: choice.values.iter().map(|value| named_value(&value.node)).collect(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: None,
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        },
        TypeKind::InputObject(input) => MetaType::InputObject {
            name,
            description,
            input_fields: arguments(&input.fields),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            rust_typename: None,
            oneof: directive(&ty.directives, "oneOf").is_some(),
            directive_invocations: Vec::new(),
        },
    }
}

fn implementors(interface: &str, all: &[TypeDefinition]) -> IndexSet<String> {
    let implements = |ty: &&TypeDefinition| match &ty.kind {
        TypeKind::Object(object) => object.implements.iter().any(|name| name.node == interface),
        _ => false,
    };
    all.iter().filter(implements).map(|ty| ty.name.node.to_string()).collect()
}

fn named_field(field: &FieldDefinition) -> (String, MetaField) {
    let name = field.name.node.to_string();
    let meta = MetaField {
        name: name.clone(),
        description: text(&field.description),
        args: arguments(&field.arguments),
        ty: field.ty.node.to_string(),
        deprecation: deprecation(&field.directives),
        cache_control: Default::default(),
        external: false,
        requires: None,
        provides: None,
        visible: None,
        shareable: false,
        inaccessible: false,
        tags: Vec::new(),
        override_from: None,
        compute_complexity: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    };
    (name, meta)
}

fn arguments(inputs: &[Positioned<InputValueDefinition>]) -> IndexMap<String, MetaInputValue> {
    let named_input = |input: &Positioned<InputValueDefinition>| {
        let input = &input.node;
        let meta = MetaInputValue {
            name: input.name.node.to_string(),
            description: text(&input.description),
            ty: input.ty.node.to_string(),
            deprecation: deprecation(&input.directives),
            default_value: input.default_value.as_ref().map(|value| value.node.to_string()),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            is_secret: false,
            directive_invocations: Vec::new(),
        };
        (meta.name.clone(), meta)
    };
    inputs.iter().map(named_input).collect()
}

fn named_value(value: &EnumValueDefinition) -> (String, MetaEnumValue) {
    let name = value.value.node.to_string();
    let meta = MetaEnumValue {
        name: name.clone(),
        description: text(&value.description),
        deprecation: deprecation(&value.directives),
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        directive_invocations: Vec::new(),
    };
    (name, meta)
}

fn deprecation(directives: &[Positioned<ConstDirective>]) -> Deprecation {
    match directive(directives, "deprecated") {
        Some(applied) => {
            let reason = argument(applied, "reason").unwrap_or_else(|| "No longer supported".to_owned());
            Deprecation::Deprecated { reason: Some(reason) }
        }
        None => Deprecation::NoDeprecated,
    }
}

fn argument(applied: &ConstDirective, name: &str) -> Option<String> {
    match &applied.get_argument(name)?.node {
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn text(description: &Option<Positioned<String>>) -> Option<String> {
    description.as_ref().map(|description| description.node.clone())
}
