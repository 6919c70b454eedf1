//! `Routes`: the resolver of each root field, built at startup from generated facts.

use std::collections::HashMap;

use super::site::SiteField;
use super::types::Types;
use base::error::{Code, Error, Result};
use model::content::{ContentInfo, OperationInfo, Resolver, SchemaInfo, TypeResolvers, Verb};

#[derive(Clone, Copy, Debug)]
pub enum Route {
    /// Reads or writes content.
    Content(&'static Resolver),
    /// `node` and, with `many`, `nodes`.
    Nodes {
        many: bool,
    },
    /// `resolve`
    Resolve,
    /// `search`; `begun`: `suggest`.
    Search {
        begun: bool,
    },
    Site(SiteField),
    /// A custom operation.
    Own(&'static OperationInfo),
}

#[derive(Debug, Default)]
pub struct Routes {
    queries: HashMap<&'static str, Route>,
    mutations: HashMap<&'static str, Route>,
    subscriptions: HashMap<&'static str, &'static Resolver>,
    /// By type name.
    types: HashMap<&'static str, &'static TypeResolvers>,
}

impl Routes {
    pub fn of(schema: &SchemaInfo) -> Self {
        let mut routes = Self::default();
        routes.queries.extend([("node", Route::Nodes { many: false }), ("nodes", Route::Nodes { many: true })]);
        routes.queries.insert("resolve", Route::Resolve);
        let is_searched = schema.types.iter().any(|info| info.search.is_some());
        if is_searched {
            routes.queries.insert("search", Route::Search { begun: false });
            routes.queries.insert("suggest", Route::Search { begun: true });
        }
        for field in SiteField::all().filter(|field| is_searched || !matches!(field, SiteField::Search(_))) {
            let fields = if field.writes() { &mut routes.mutations } else { &mut routes.queries };
            fields.insert(field.name(), Route::Site(field));
        }
        for of_type in schema.resolvers.iter().copied().flatten() {
            routes.types.insert(of_type.of.name, of_type);
            for resolver in of_type.roots {
                if resolver.verb == Verb::Changed {
                    routes.subscriptions.insert(resolver.field, resolver);
                    continue;
                }
                let fields = if resolver.verb.writes() { &mut routes.mutations } else { &mut routes.queries };
                fields.insert(resolver.field, Route::Content(resolver));
            }
        }
        routes.queries.extend(schema.queries.iter().map(|operation| (operation.name, Route::Own(operation))));
        routes.mutations.extend(schema.mutations.iter().map(|operation| (operation.name, Route::Own(operation))));
        routes
    }

    /// Returns an error if a root field has no resolver, or a resolver no field: files of two versions were compiled together.
    pub fn check(&self, types: &Types) -> Result<()> {
        let names = |routes: &HashMap<&'static str, Route>| routes.keys().copied().collect::<Vec<_>>();
        let subscriptions = self.subscriptions.keys().copied().collect();
        let roots = [("Query", names(&self.queries)), ("Mutation", names(&self.mutations))];
        for (root, routes) in roots.into_iter().chain([("Subscription", subscriptions)]) {
            let declared: Vec<_> = types.fields(root).map(String::as_str).collect();
            let unanswered = declared.iter().find(|field| !routes.contains(*field));
            let undeclared = routes.iter().find(|field| !declared.contains(*field));
            if let Some(field) = unanswered.or(undeclared) {
                let message =
                    format!("`{root}.{field}` is missing in the SDL or in the resolvers: run `cargo xtask generate`");
                return Err(Error::new(Code::Internal, message));
            }
        }
        Ok(())
    }

    pub fn query(&self, field: &str) -> Option<Route> {
        self.queries.get(field).copied()
    }

    pub fn subscription(&self, field: &str) -> Option<&'static Resolver> {
        self.subscriptions.get(field).copied()
    }

    pub fn mutation(&self, field: &str) -> Option<Route> {
        self.mutations.get(field).copied()
    }

    /// The connection of a type, and its edge.
    pub fn connection(&self, info: &ContentInfo) -> &'static TypeResolvers {
        self.types.get(info.name).unwrap_or_else(|| panic!("codegen bug: nothing answers for `{}`", info.name))
    }

    /// The list behind a paged field: `tags` for `tagsConnection`.
    pub fn paged(&self, info: &ContentInfo, field: &str) -> Option<&'static str> {
        let pages = self.types.get(info.name)?.pages;
        pages.iter().find(|(pages, _)| *pages == field).map(|(_, list)| *list)
    }
}
