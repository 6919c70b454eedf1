//! `SiteCode`: the computed fields, queries and mutations of a site, as the server calls them.
//!
//! The traits are generated and typed. The generated function `site` fills a [`SiteBuilder`] from
//! their implementation, and the builder erases the types.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use sqlx::Row as _;
use sqlx::postgres::PgArguments;

use crate::Scope;
pub use crate::args::Args;
use crate::find::Find;
use crate::hooks::Cx;
use crate::id::Id;
use crate::read::Computes;
use crate::record::{Content, Entry, FieldType, Record, from_entry};
use crate::search::Search;
use crate::value::{Value, bind};
use base::error::{Error, Result};
use model::content::{ContentInfo, OperationInfo};

/// The context of a computed field or custom query.
#[derive(Clone, Copy, Debug)]
pub struct ReadCx<'a> {
    /// The actor and stage of the request; computed fields must not read another stage.
    pub scope: Scope<'a>,
}

impl ReadCx<'_> {
    /// The entry with all its lists and children; `None` if there is none that the actor may read.
    pub async fn get<T: Content>(&self, id: Id<T>) -> Result<Option<T>> {
        self.scope.get(id).await
    }

    /// Finds entries of the stage: `cx.find().filter(product::PRICE.lte(price)).first(10).all().await?`.
    pub fn find<T: Content>(&self) -> Find<'_, T> {
        self.scope.find()
    }

    /// Finds entries of the stage by words: `cx.search::<Product>("blue shoes").first(10).all().await?`.
    pub fn search<T: Content>(&self, text: &str) -> Search<'_, T> {
        self.scope.search(text)
    }

    /// The ids that a statement selects, in its order. `{stage}` stands for the PostgreSQL schema to read from.
    /// Parameters are sent as texts, so each needs a cast: `$1::bigint`.
    pub async fn ids<T>(&self, sql: &str, parameters: &[Value]) -> Result<Vec<Id<T>>> {
        let mut arguments = PgArguments::default();
        for parameter in parameters {
            bind(parameter, 0, &mut arguments)?;
        }
        let rows = self.scope.rows(sql.replace("{stage}", self.scope.sees().schema()), arguments).await?;
        let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<_>, sqlx::Error>>()?;
        Ok(ids.into_iter().map(Id::new).collect())
    }
}

pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Called by the generated function `site`.
pub struct SiteBuilder<S> {
    site: Arc<S>,
    code: SiteCode,
}

impl<S: Send + Sync + 'static> SiteBuilder<S> {
    pub fn new(site: S) -> Self {
        Self { site: Arc::new(site), code: SiteCode::default() }
    }

    pub fn computed<T: Record, V: FieldType + 'static>(
        mut self,
        name: &'static str,
        compute: for<'a> fn(&'a S, &'a [T], &'a ReadCx<'a>) -> Pending<'a, Vec<V>>,
    ) -> Self {
        let computed = Computed { site: Arc::clone(&self.site), compute };
        self.code.computed.insert((T::INFO.table, name), Box::new(computed));
        self
    }

    /// A computed field with arguments.
    pub fn computed_with<T: Record, V: FieldType + 'static>(
        mut self,
        name: &'static str,
        compute: for<'a> fn(&'a S, &'a [T], Args, &'a ReadCx<'a>) -> Pending<'a, Vec<V>>,
    ) -> Self {
        let computed = ComputedWith { site: Arc::clone(&self.site), compute };
        self.code.computed.insert((T::INFO.table, name), Box::new(computed));
        self
    }

    pub fn query<V: FieldType + 'static>(
        mut self,
        name: &'static str,
        run: for<'a> fn(&'a S, Args, &'a ReadCx<'a>) -> Pending<'a, V>,
    ) -> Self {
        self.code.queries.insert(name, Box::new(Query { site: Arc::clone(&self.site), run }));
        self
    }

    pub fn mutation<V: FieldType + 'static>(
        mut self,
        name: &'static str,
        run: for<'a, 'b> fn(&'a S, Args, &'a mut Cx<'b>) -> Pending<'a, V>,
    ) -> Self {
        self.code.mutations.insert(name, Box::new(Mutation { site: Arc::clone(&self.site), run }));
        self
    }

    pub fn build(self) -> SiteCode {
        self.code
    }
}

/// The site's code with erased types. Empty if the site has none.
#[derive(Default)]
pub struct SiteCode {
    /// By table and the field's GraphQL name.
    computed: BTreeMap<(&'static str, &'static str), Box<dyn AnyComputed>>,
    /// By GraphQL name.
    queries: BTreeMap<&'static str, Box<dyn AnyQuery>>,
    mutations: BTreeMap<&'static str, Box<dyn AnyMutation>>,
}

impl SiteCode {
    async fn computed(
        &self,
        scope: Scope<'_>,
        info: &ContentInfo,
        field: &str,
        args: Args,
        entries: Vec<Entry>,
    ) -> Result<Vec<Value>> {
        let found = self.computed.iter().find(|((table, name), _)| *table == info.table && *name == field);
        let (_, computed) = found.ok_or_else(|| missing(field))?;
        let declared = info.computed.iter().find(|computed| computed.name == field).and_then(|known| known.depends_on);
        let store = declared.and_then(|tables| scope.store.apart(scope.stage, tables));
        let cx = ReadCx { scope: Scope { store: store.as_ref().unwrap_or(scope.store), ..scope } };
        if declared.is_none() {
            // The site's code may ask a clock or another server.
            cx.scope.store.touch_by_hand();
        }
        let count = entries.len();
        // A list that was not loaded panics when read, since it dereferences to a `Vec`.
        let computing = AssertUnwindSafe(computed.run(entries, args, &cx)).catch_unwind();
        let values = computing.await.map_err(|cause| panicked(info, field, &*cause))??;
        if values.len() != count {
            let (table, found) = (info.table, values.len());
            return Err(Error::internal(format!("`{table}.{field}` returned {found} values for {count} entries")));
        }
        Ok(values)
    }

    /// A scalar, an id as `Value::Uuid`, or a `Value::List` of them.
    pub async fn query(&self, operation: &OperationInfo, args: Args, scope: Scope<'_>) -> Result<Value> {
        let store = operation.depends_on.and_then(|tables| scope.store.apart(scope.stage, tables));
        let cx = ReadCx { scope: Scope { store: store.as_ref().unwrap_or(scope.store), ..scope } };
        if operation.depends_on.is_none() {
            cx.scope.store.touch_by_hand();
        }
        self.queries.get(operation.name).ok_or_else(|| missing(operation.name))?.run(args, &cx).await
    }

    /// Like `query`, inside the transaction of `cx`.
    pub async fn mutation(&self, name: &str, args: Args, cx: &mut Cx<'_>) -> Result<Value> {
        self.mutations.get(name).ok_or_else(|| missing(name))?.run(args, cx).await
    }
}

impl Computes for SiteCode {
    fn compute<'a>(
        &'a self,
        scope: Scope<'a>,
        info: &'a ContentInfo,
        field: &'a str,
        args: Args,
        entries: Vec<Entry>,
    ) -> BoxFuture<'a, Result<Vec<Value>>> {
        self.computed(scope, info, field, args, entries).boxed()
    }
}

impl fmt::Debug for SiteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations = self.queries.keys().chain(self.mutations.keys());
        f.debug_set().entries(self.computed.keys()).entries(operations).finish()
    }
}

fn panicked(info: &ContentInfo, field: &str, cause: &(dyn Any + Send)) -> Error {
    let text = cause.downcast_ref::<&str>().copied().or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    Error::internal(format!("computed field `{field}` of `{}`: {}", info.name, text.unwrap_or("it panicked")))
}

fn missing(name: &str) -> Error {
    Error::internal(format!("the server was started without the site's code for `{name}`"))
}

trait AnyComputed: Send + Sync {
    fn run<'a>(&'a self, entries: Vec<Entry>, args: Args, cx: &'a ReadCx<'a>) -> Pending<'a, Vec<Value>>;
}

trait AnyQuery: Send + Sync {
    fn run<'a>(&'a self, args: Args, cx: &'a ReadCx<'a>) -> Pending<'a, Value>;
}

trait AnyMutation: Send + Sync {
    fn run<'a>(&'a self, args: Args, cx: &'a mut Cx<'_>) -> Pending<'a, Value>;
}

struct Computed<S, T, V> {
    site: Arc<S>,
    compute: for<'a> fn(&'a S, &'a [T], &'a ReadCx<'a>) -> Pending<'a, Vec<V>>,
}

struct ComputedWith<S, T, V> {
    site: Arc<S>,
    compute: for<'a> fn(&'a S, &'a [T], Args, &'a ReadCx<'a>) -> Pending<'a, Vec<V>>,
}

struct Query<S, V> {
    site: Arc<S>,
    run: for<'a> fn(&'a S, Args, &'a ReadCx<'a>) -> Pending<'a, V>,
}

struct Mutation<S, V> {
    site: Arc<S>,
    run: for<'a, 'b> fn(&'a S, Args, &'a mut Cx<'b>) -> Pending<'a, V>,
}

impl<S: Send + Sync, T: Record, V: FieldType> AnyComputed for Computed<S, T, V> {
    fn run<'a>(&'a self, entries: Vec<Entry>, _: Args, cx: &'a ReadCx<'a>) -> Pending<'a, Vec<Value>> {
        Box::pin(async move {
            let values = (self.compute)(&self.site, &typed::<T>(entries)?, cx).await?;
            Ok(values.iter().map(FieldType::to_value).collect())
        })
    }
}

impl<S: Send + Sync, T: Record, V: FieldType> AnyComputed for ComputedWith<S, T, V> {
    fn run<'a>(&'a self, entries: Vec<Entry>, args: Args, cx: &'a ReadCx<'a>) -> Pending<'a, Vec<Value>> {
        Box::pin(async move {
            let values = (self.compute)(&self.site, &typed::<T>(entries)?, args, cx).await?;
            Ok(values.iter().map(FieldType::to_value).collect())
        })
    }
}

fn typed<T: Record>(entries: Vec<Entry>) -> Result<Vec<T>> {
    entries.into_iter().map(from_entry::<T>).collect::<Result<_, _>>().map_err(Error::internal)
}

impl<S: Send + Sync, V: FieldType> AnyQuery for Query<S, V> {
    fn run<'a>(&'a self, args: Args, cx: &'a ReadCx<'a>) -> Pending<'a, Value> {
        Box::pin(async move { Ok((self.run)(&self.site, args, cx).await?.to_value()) })
    }
}

impl<S: Send + Sync, V: FieldType> AnyMutation for Mutation<S, V> {
    fn run<'a>(&'a self, args: Args, cx: &'a mut Cx<'_>) -> Pending<'a, Value> {
        Box::pin(async move { Ok((self.run)(&self.site, args, cx).await?.to_value()) })
    }
}
