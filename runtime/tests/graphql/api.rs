//! An API without a database, which returns the cost of a request or the reason for its rejection.

use runtime::content::{ContentInfo, Limits, SchemaInfo, SiteInfo, TypeResolvers};
use runtime::graphql::coerce;
use runtime::graphql::document::prepare;
use runtime::graphql::limits::cost::{Cost, Parts};
use runtime::graphql::registry::Introspection;
use runtime::graphql::types::Types;
use serde_json::Value as Json;

const SDL: &str = include_str!("shop.graphql");
pub const LIMITS: Limits = Limits { depth: 12, cost: 10_000, aliases: 30, batch: 5, page: 100, list: 100, body: 1024 };

pub struct Api {
    types: Types,
    introspection: Introspection,
    pub limits: Limits,
}

#[expect(dead_code, reason = "each test uses some of them")]
impl Api {
    pub fn new() -> Self {
        Self::of(SDL)
    }

    pub fn of(sdl: &str) -> Self {
        Self::made(Types::parse(sdl).unwrap())
    }

    /// With facts from the content types besides the SDL.
    pub fn with(
        sdl: &'static str,
        types: &'static [&'static ContentInfo],
        resolvers: &'static [&'static [TypeResolvers]],
    ) -> Self {
        let site = SiteInfo { name: "Test", currency: "EUR", currencies: &["EUR"], limits: LIMITS };
        let schema = SchemaInfo {
            site,
            types,
            components: &[],
            roles: &[],
            access: &[],
            reviews: &[],
            preview_urls: &[],
            resolvers,
            queries: &[],
            mutations: &[],
            sdl,
            migrations: &[],
            catalog: "",
        };
        Self::made(Types::of(&schema).unwrap())
    }

    fn made(types: Types) -> Self {
        let introspection = Introspection::new(&types);
        Self { types, introspection, limits: LIMITS }
    }

    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The parts of the cost, or the problems.
    pub fn ask(&self, document: &str, variables: &Json) -> Result<Parts, Vec<String>> {
        self.ask_for(document, None, variables)
    }

    /// Like [`Self::ask`], for one of several operations.
    pub fn ask_for(&self, document: &str, operation: Option<&str>, variables: &Json) -> Result<Parts, Vec<String>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let prepared = runtime.block_on(prepare(&self.types, &self.introspection, &self.limits, document, operation));
        let prepared = prepared
            .map_err(|failures| failures.into_iter().map(|failure| failure.problem.message).collect::<Vec<_>>())?;
        let given = variables.as_object().unwrap();
        let definitions = &prepared.operation.variable_definitions;
        let variables = coerce::variables(&self.types, definitions, given, self.limits.list as usize);
        let variables = variables
            .map_err(|problems| problems.into_iter().map(|(problem, _)| problem.message).collect::<Vec<_>>())?;
        let cost = Cost::of(&self.types, &prepared.document, &prepared.operation);
        let cost = cost.check(&self.types, &variables, 0, &self.limits);
        cost.map_err(|broken| broken.into_iter().map(|broken| broken.problem.message).collect())
    }
}
