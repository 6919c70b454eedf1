//! The questions that a shop asks most, each as a document and as the best statement by hand that the tables allow.
//!
//! The statements use the listings of `live` too: a comparison with slower ones would say nothing of the server.

use super::{Case, Kind, Variables};

pub const ONE: &str =
    "select id, name, slug, summary, stock_status, price, price_currency from live.product where slug = $1";

const NEWEST_OF_CATEGORY: &str = "select t.id, t.name, t.slug, t.price, t.price_currency
    from (select owner_id, created_at from listing.product_categories
        where target_id = (select id from live.category where slug = $1) order by created_at desc, owner_id desc limit 20) l
    join live.product t on t.id = l.owner_id order by l.created_at desc, l.owner_id desc";

const CATEGORY_AND_PRICES: &str = r#"select t.id, t.name, t.slug, t.price, t.price_currency
    from (select owner_id, price from listing.product_categories
        where target_id = (select id from live.category where slug = $1)
        and price_currency collate "C" = 'EUR' and price between $2 and $3
        order by price_currency collate "C", price, owner_id limit 100) l
    join live.product t on t.id = l.owner_id order by l.price, l.owner_id"#;

const TWO_TAGS: &str = "select t.id, t.name, t.slug, t.price, t.price_currency
    from listing.product_tags a join listing.product_tags b on b.owner_id = a.owner_id join live.product t on t.id = a.owner_id
    where a.target_id = (select id from live.tag where slug = $1) and b.target_id = (select id from live.tag where slug = $2)
    order by sort.key(a.name) collate sort.und, a.owner_id limit 20";

/// First by the index of trigrams: with an unknown text, PostgreSQL would look through the order until 20 rows have it.
const CONTAINS: &str = "select id, name, slug, price, price_currency from live.product
    where id = any(array(select id from live.product where sort.lower(name) like listing.pattern($1)))
    order by sort.key(name) collate sort.und, id limit 20";

const COUNT_ALL: &str = "select coalesce(sum(n), 0)::bigint from listing.count
    where list = 'product' and target_id = '00000000-0000-0000-0000-000000000000'";

const COUNT_CATEGORY: &str = "select coalesce(sum(n), 0)::bigint from listing.count
    where list = 'product_categories' and target_id = (select id from live.category where slug = $1)";

const FOURTH_PAGE: &str = "select id, name, slug, price, price_currency from live.product
    where (sort.key(name) collate sort.und, id) > (sort.key($1) collate sort.und, $2::text::uuid)
    order by sort.key(name) collate sort.und, id limit 20";

/// As a guide to full text search would have it.
const SEARCH: &str = "select t.id, t.name, t.slug, t.price, t.price_currency
    from (select s.entry, ts_rank('{0.1, 0.25, 0.5, 1}', s.document, q, 1) as score
        from websearch_to_tsquery('english', $1) q, search.live s
        where s.type = 'product' and s.document @@ q order by score desc, s.entry desc limit 20) f
    join live.product t on t.id = f.entry order by f.score desc, f.entry desc";

const SEARCH_DOCUMENT: &str = "query Find($word: String!) { search(query: $word, types: [PRODUCT], first: 20) { nodes { ... on Product { id name slug price { amountMinor currency } } } } }";

pub const CASES: &[Case] = &[
    Case {
        name: "one",
        about: "one product by its slug",
        query: "query One($slug: String!) { productBySlug(slug: $slug) { id name slug summary stockStatus price { amountMinor currency } } }",
        kind: Kind::One,
        variables: Variables::Product,
        cached: true,
    },
    Case {
        name: "newest",
        about: "the 20 newest products with brand, category and tags",
        query: "{ products(first: 20, orderBy: [{ field: CREATED_AT, direction: DESC }]) { nodes { id name slug price { amountMinor currency } brand { name slug } categories(first: 1) { name slug } tags { name slug } } } }",
        kind: Kind::Newest,
        variables: Variables::None,
        cached: true,
    },
    Case {
        name: "deep",
        about: "three relations deep: a product, its brand, 10 products of the brand, their categories",
        query: "query Deep($slug: String!) { productBySlug(slug: $slug) { id name brand { name products(first: 10) { name slug categories { name slug } } } } }",
        kind: Kind::Deep,
        variables: Variables::Product,
        cached: false,
    },
    Case {
        name: "category",
        about: "the 20 newest products of a category",
        query: "query Category($category: String!) { products(first: 20, filter: { categories: { some: { slug: { eq: $category } } } }, orderBy: [{ field: CREATED_AT, direction: DESC }]) { nodes { id name slug price { amountMinor currency } } } }",
        kind: Kind::List(NEWEST_OF_CATEGORY),
        variables: Variables::Category,
        cached: false,
    },
    Case {
        name: "prices",
        about: "100 products of a category in a price range, the cheapest first",
        query: "query Prices($category: String!, $low: MoneyInput!, $high: MoneyInput!) { products(first: 100, filter: { categories: { some: { slug: { eq: $category } } }, price: { gte: $low, lte: $high } }, orderBy: [{ field: PRICE }]) { nodes { id name slug price { amountMinor currency } } } }",
        kind: Kind::List(CATEGORY_AND_PRICES),
        variables: Variables::CategoryAndPrices,
        cached: true,
    },
    Case {
        name: "two-tags",
        about: "20 products with both of two tags, by name",
        query: "query TwoTags($a: String!, $b: String!) { products(first: 20, filter: { and: [{ tags: { some: { slug: { eq: $a } } } }, { tags: { some: { slug: { eq: $b } } } }] }, orderBy: [{ field: NAME }]) { nodes { id name slug price { amountMinor currency } } } }",
        kind: Kind::List(TWO_TAGS),
        variables: Variables::TwoTags,
        cached: false,
    },
    Case {
        name: "contains",
        about: "20 products whose names contain a rare text, by name",
        query: "query Contains($word: String!) { products(first: 20, filter: { name: { contains: $word } }, orderBy: [{ field: NAME }]) { nodes { id name slug price { amountMinor currency } } } }",
        kind: Kind::List(CONTAINS),
        variables: Variables::Word,
        cached: false,
    },
    Case {
        name: "count",
        about: "how many products there are",
        query: "{ products { totalCount } }",
        kind: Kind::Count(COUNT_ALL),
        variables: Variables::None,
        cached: false,
    },
    Case {
        name: "count-category",
        about: "how many products a category has",
        query: "query CountCategory($category: String!) { products(filter: { categories: { some: { slug: { eq: $category } } } }) { totalCount } }",
        kind: Kind::Count(COUNT_CATEGORY),
        variables: Variables::Category,
        cached: false,
    },
    Case {
        name: "page-4",
        about: "the fourth page of 20 products by name",
        query: "query Page($after: String) { products(first: 20, after: $after, orderBy: [{ field: NAME }]) { nodes { id name slug price { amountMinor currency } } } }",
        kind: Kind::List(FOURTH_PAGE),
        variables: Variables::FourthPage,
        cached: false,
    },
    Case {
        name: "search-rare",
        about: "a search for a word that 20 products have",
        query: SEARCH_DOCUMENT,
        kind: Kind::Search(SEARCH),
        variables: Variables::Word,
        cached: false,
    },
    Case {
        name: "search-two",
        about: "a search for a rare and a frequent word",
        query: SEARCH_DOCUMENT,
        kind: Kind::Search(SEARCH),
        variables: Variables::WordAndMore,
        cached: false,
    },
    Case {
        name: "search-frequent",
        about: "a search for two words that most products have",
        query: SEARCH_DOCUMENT,
        kind: Kind::Search(SEARCH),
        variables: Variables::Words(&["copper linen", "oak river", "warm wool", "north slate", "quiet field"]),
        cached: false,
    },
];
