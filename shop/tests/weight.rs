//! The computed weight of a cached document matches the memory that it holds, as measured by a counting allocator.

use std::fmt::Write as _;
use std::sync::Arc;

use runtime::content::Limits;
use runtime::graphql::cache::Cache;
use runtime::graphql::coerce::Variables;
use runtime::graphql::compile::{ConditionalPlans, Prepared, Site as Compiled};
use runtime::graphql::document::prepare;
use runtime::graphql::registry::Introspection;
use runtime::graphql::routes::Routes;
use runtime::graphql::types::{Declared, Types, is_list, named};

const LIMITS: Limits = Limits { depth: 20, cost: 50_000, aliases: 50, batch: 10, page: 100, list: 1000, body: 1024 };

struct Site {
    types: Types,
    routes: Routes,
    introspection: Introspection,
}

/// The weight of a value, and the bytes that were allocated for it and not freed.
fn weighed<T>(make: impl FnOnce() -> T, weight: impl FnOnce(&T) -> usize) -> (T, usize, usize) {
    let mut made = None;
    let counted = allocation_counter::measure(|| made = Some(make()));
    let made = made.expect("it was made");
    let weight = weight(&made);
    (made, weight, usize::try_from(counted.bytes_current).expect("no less than before"))
}

impl Site {
    fn new() -> Self {
        let types = Types::of(&generated::SCHEMA).unwrap();
        let introspection = Introspection::new(&types);
        Self { routes: Routes::of(&generated::SCHEMA), types, introspection }
    }

    fn plans(&self) -> Compiled<'_> {
        Compiled { schema: &generated::SCHEMA, types: &self.types, routes: &self.routes }
    }

    fn prepare(&self, document: &str) -> Prepared {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let prepared = runtime.block_on(prepare(&self.types, &self.introspection, &LIMITS, document, None));
        let prepared = prepared.unwrap_or_else(|failures| panic!("{document}: {}", failures[0].problem.message));
        Prepared::new(self.plans(), prepared, document)
    }

    #[track_caller]
    fn check(&self, document: &str) {
        let (prepared, weight, held) = weighed(|| Arc::new(self.prepare(document)), |prepared| prepared.weight());
        assert!(weight >= held, "{held} bytes are held, it weighs {weight}: {document}");
        assert!(weight <= 2 * held + 1_000, "{held} bytes are held, it weighs {weight}: {document}");
        let plans: ConditionalPlans = Cache::new(1 << 30);
        let plan = |values: &Variables| prepared.compiled(self.plans(), values, &plans);
        let nothing = Variables::new();
        let (_, weight, held) = weighed(|| plan(&nothing), |plan| plan.weight());
        // A plan that depends on conditions is in the cache, whose table is counted where it is filled.
        assert!(weight + 1_000 >= held, "{held} bytes are held, the plan weighs {weight}: {document}");
    }
}

fn xorshift(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 40).unwrap()
}

/// A random selection, without arguments.
fn selection(types: &Types, ty: &str, depth: usize, state: &mut u64, out: &mut String) {
    out.push_str("{ __typename");
    if let Some(Declared::Fields { fields, .. }) = types.get(ty) {
        for (name, field) in fields {
            let is_asked = field.arguments.values().any(|argument| !argument.ty.nullable && argument.default.is_none());
            if is_asked || !xorshift(state).is_multiple_of(3) || matches!(name.as_str(), "me" | "auditLog" | "bestOf") {
                continue;
            }
            let inner = named(&field.ty).as_str();
            match types.get(inner) {
                Some(Declared::Fields { .. } | Declared::Union) if depth > 0 => {
                    let _ = write!(
                        out,
                        " {name}{} ",
                        if is_list(&field.ty) && field.arguments.contains_key("filter") {
                            "(filter: {not: {}})"
                        } else {
                            ""
                        }
                    );
                    selection(types, inner, depth - 1, state, out);
                }
                Some(Declared::Fields { .. } | Declared::Union) => {}
                _ => _ = write!(out, " {name}"),
            }
        }
    }
    out.push_str(" }");
}

#[test]
fn no_document_holds_more_than_it_weighs() {
    let site = Site::new();
    let product = "id revision status createdAt updatedAt publishedAt firstPublishedAt publishedBy name slug summary description taxIncluded \
        stockStatus onSale price { amount currency } compareAtPrice { amount currency } attributes \
        body { __typename ... on Text { body } } seo { title } options { name values }";
    // Data created once for all documents are not counted for any of them.
    site.prepare("{ products { nodes { id } } __schema { types { name } } }");
    site.check("{ __typename }");
    site.check("{ products(first: 1) { nodes { name } } }");
    site.check("query One($slug: String!) { productBySlug(slug: $slug) { id name price { amountMinor } } }");
    site.check(&format!(
        "{{ products {{ edges {{ cursor node {{ {product} }} }} pageInfo {{ endCursor }} totalCount }} }}"
    ));
    site.check(&format!(
        "{{ nodes(ids: [\"{}\"]) {{ id ... on Product {{ {product} }} }} }}",
        "product_01h455vb4pex5vsknk084sn02q\", \"".repeat(200)
    ));
    site.check("{ a: __schema { types { name } } b: __schema { types { ...T } } } fragment T on __Type { name kind }");
    site.check("mutation($i: [BrandUpsertInput!]!) { upsertBrands(input: $i) { id name products { name } } }");
    site.check("query($a: Boolean!, $b: Boolean = true) { products { nodes { name @include(if: $a) brand @skip(if: $b) { name } } } }");
    let texts = (0..500).map(|n| format!("\"text {n}\"")).collect::<Vec<_>>().join(", ");
    site.check(&format!("{{ products(filter: {{name: {{in: [{texts}]}}}}) {{ totalCount }} }}"));
    // Fragments that expand to far more fields than are written.
    let chain: String = ["A", "B", "C", "D", "E"]
        .windows(2)
        .map(|pair| format!("fragment {} on Product {{ {product} related(first: 1) {{ ...{1} }} relatedTo(first: 1, filter: {{name: {{in: [{texts}]}}}}) {{ ...{1} }} }} ", pair[0], pair[1]))
        .collect();
    site.check(&format!("{{ products {{ nodes {{ ...A }} }} }} {chain} fragment E on Product {{ {product} }}"));
}

#[test]
fn no_random_document_holds_more_than_it_weighs() {
    let site = Site::new();
    site.prepare("{ products { nodes { id } } }");
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..40 {
        let mut document = String::new();
        selection(&site.types, "Query", 3, &mut state, &mut document);
        site.check(&document);
    }
}

#[test]
fn small_and_large_documents_take_memory_by_what_they_ask_for() {
    let site = Site::new();
    let weight = |document: &str| site.prepare(document).weight();
    let small = weight("{ products(first: 1) { nodes { name } } }");
    assert!(small < 5_000, "{small}");
    let names = "description slug name summary taxIncluded createdAt ";
    let large = weight(&format!(
        "{{ products {{ nodes {{ related {{ related {{ related {{ related {{ {names} }} {names} }} {names} }} {names} }} {names} }} }} }}"
    ));
    assert!(large < 24_000, "{large}");
}
