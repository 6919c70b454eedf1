//! The keys of each kind of file.

use crate::schema::Action;

use super::{DESCRIPTION, Key, NAMES, Place, Shape, WAS, key, needed};

/// `schema/<type>.yaml`.
pub const TYPE: &[Key] = &[
    needed("type", Shape::Name, "The name of the content type, in the singular; also the name of the file."),
    key("plural", Shape::Name, "The name of the list in the API. Derived from the name by default."),
    WAS,
    DESCRIPTION,
    key("title", Shape::Name, "The field that represents the entry in lists and messages."),
    key("lifecycle", Shape::Record(LIFECYCLE), "How an entry is published."),
    key(
        "path",
        Shape::Text,
        "The paths of its entries on the site: `/blog/{slug}`, or `/shop/{parent*}/{slug}` for a tree. `docs/paths.md` says what follows from it.",
    ),
    key(
        "preview_url",
        Shape::Text,
        "The address of the page that shows an entry, for preview links: `https://shop.example/products/{slug}?preview={token}`. \
         In braces: `id`, `token`, or a field of the type `slug` or `string`. An address that begins with `/` is one of the server.",
    ),
    needed("fields", Shape::Fields(Place::Type), "The fields, in the order of the API."),
    key(
        "search",
        Shape::Paths(SEARCH, &WEIGHT),
        "How its entries are searched. Texts of other entries are searched with them by a path: `brand.name: B`.",
    ),
    key("computed", Shape::Map(&Shape::Record(COMPUTED)), "Fields that `app/` computes."),
    key("indexes", Shape::List(&Shape::Record(INDEX)), "Indexes over several fields."),
    key(
        "access",
        ACCESS,
        "Who may do what: a map of roles, each with a map of actions. Anything not listed is denied.",
    ),
];

const WEIGHT: Shape = Shape::Word(&["A", "B", "C", "D"]);

const SEARCH: &[Key] = &[
    key(
        "language",
        Shape::Word(LANGUAGES),
        "The language of the texts: words are found in all their forms. `simple` (default): words are found as they are written.",
    ),
    key(
        "exact",
        Shape::List(&Shape::Path),
        "Fields such as `variants.sku` whose value, searched as a whole, puts the entry first. Unique fields and slugs that are searched are among them.",
    ),
    key(
        "synonyms",
        Shape::List(&Shape::List(&Shape::Text)),
        "Groups of words or phrases that mean the same: `[[tee, t-shirt]]`.",
    ),
    key(
        "stop_words",
        Shape::List(&Shape::Text),
        "Words of a query that are not looked for, besides those of the language: `[buy, cheap]`. A query of such words alone is taken as it is.",
    ),
    key(
        "boost",
        Shape::Map(&Shape::Map(&Shape::Value)),
        "By enum or boolean field and value, what the score is multiplied by: `stock_status: { in_stock: 1.5, out_of_stock: 0.5 }`.",
    ),
    key(
        "recency",
        Shape::Limit { min: 1, max: 3650, default: 365, unit: "days" },
        "An entry that was published today has one and a half times its score; after this many days, half of that bonus is left.",
    ),
];

/// The text search configurations that every PostgreSQL has.
pub const LANGUAGES: &[&str] = &[
    "simple",
    "arabic",
    "armenian",
    "basque",
    "catalan",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hindi",
    "hungarian",
    "indonesian",
    "irish",
    "italian",
    "lithuanian",
    "nepali",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "serbian",
    "spanish",
    "swedish",
    "tamil",
    "turkish",
    "yiddish",
];

const LIFECYCLE: &[Key] = &[
    key(
        "drafts",
        Shape::Bool,
        "`true` (default): an entry is saved as a draft and then published. `false`: it is published whenever it is saved.",
    ),
    key(
        "keep",
        Shape::Limit { min: 1, max: 100_000, default: 100, unit: "revisions" },
        "How many revisions of an entry are kept. With `for` as well, a revision is removed once it is outside of both. \
         The draft, what is published and what is scheduled are never removed.",
    ),
    key(
        "for",
        Shape::Period,
        "How long revisions are kept. Without `keep`, older ones are removed however few there are.",
    ),
    key("bin", Shape::Period, "How long deleted entries stay in the bin: `P30D` (30 days) by default."),
    key("review", Shape::Record(REVIEW), "The stages that an entry passes before it can be published."),
];

const REVIEW: &[Key] = &[needed(
    "stages",
    Shape::List(&Shape::Record(STAGE)),
    "The stages in order. An entry begins at the first one, and returns to it when it is saved. It can be published at the last one.",
)];

const STAGE: &[Key] = &[
    needed("name", Shape::Name, "The name of the stage."),
    key(
        "move",
        NAMES,
        "Roles that may move an entry to this stage, of those whose users may read its draft. By default those who may update it.",
    ),
    key("from", NAMES, "Stages that an entry may come from. By default any."),
    key(
        "approvals",
        Shape::Limit { min: 0, max: 20, default: 0, unit: "accounts" },
        "How many accounts must approve the revision at the stage before.",
    ),
    key("approve", NAMES, "Roles that may approve. By default those of `move`."),
    key("own", Shape::Bool, "The author of the revision may approve it too."),
];

const COMPUTED: &[Key] = &[
    needed("type", Shape::ScalarType, "The type of the value: a scalar field type."),
    DESCRIPTION,
    key("required", Shape::Bool, "The field always has a value."),
    key(
        "with",
        NAMES,
        "The lists that the computation reads, which are loaded with the entry: children, and relations with `many: true`. Reading another one is an error.",
    ),
    key("args", Shape::Map(&Shape::Record(ARGUMENT)), "The arguments of the field in the API."),
    DEPENDS_ON,
];

const DEPENDS_ON: Key = key(
    "depends_on",
    NAMES,
    "The content types whose published entries decide the value, beside the entry itself and the arguments; `[]` for none. \
    Responses with it are cached then, so it may depend on nothing else: no clock, no other server, not the reader.",
);

const INDEX: &[Key] = &[
    needed(
        "on",
        Shape::List(&Shape::Text),
        "Fields, or `created_at`, `updated_at`, `published_at`, `first_published_at`; with ` desc` after the name for descending order.",
    ),
    key("unique", Shape::Bool, "No two entries have the same values in all these fields."),
];

const RULE: Shape = Shape::Either(&[Shape::Bool, Shape::Word(&["all", "none"]), Shape::Record(RULE_KEYS)]);
const ACCESS: Shape = Shape::Map(&Shape::Record(ROLE_ACTIONS));
const ROLE_ACTIONS: &[Key] = &[
    action(Action::Read),
    action(Action::ReadDrafts),
    action(Action::Create),
    action(Action::Update),
    action(Action::Publish),
    action(Action::Delete),
    action(Action::ReadHistory),
    action(Action::Import),
    action(Action::Export),
];

const fn action(action: Action) -> Key {
    key(action.as_str(), RULE, action.about())
}

const RULE_KEYS: &[Key] = &[
    key(
        "where",
        Shape::Condition,
        "A condition on the entry before the action; the rule applies only to matching entries.",
    ),
    key("check", Shape::Condition, "A condition on the entry as it will be after the write."),
    key(
        "fields",
        Shape::Either(&[Shape::Word(&["all"]), PATHS, Shape::Record(EXCEPT)]),
        "The fields that may be read or written; `variants.sku` is a field of the children `variants`.",
    ),
    key("set", Shape::Map(&Shape::Any), "Fields, and the values that every write sets."),
];
const PATHS: Shape = Shape::List(&Shape::Path);
const EXCEPT: &[Key] = &[needed("except", PATHS, "All fields except these.")];

/// `schema/components/<component>.yaml`.
pub const COMPONENT: &[Key] = &[
    needed("component", Shape::Name, "The name of the component; also the name of the file."),
    WAS,
    DESCRIPTION,
    needed("fields", Shape::Fields(Place::Component), "The fields, in the order of the API."),
];

/// `schema/cms.yaml`.
pub const SITE: &[Key] = &[
    needed("site", Shape::Record(SITE_KEYS), "Settings of the whole site."),
    key(
        "roles",
        Shape::Map(&Shape::Record(ROLE)),
        "The site's own roles, and changes to `admin`, `editor`, `viewer` and `anonymous`.",
    ),
    key("queries", QUERIES, "The site's own queries, implemented in `app/`."),
    key("mutations", OPERATIONS, "The site's own mutations, implemented in `app/`."),
];

const ROLE: &[Key] = &[
    DESCRIPTION,
    key(
        "second_factor",
        Shape::Word(&["required", "optional"]),
        "Whether its users must sign in with a second factor. Default: `optional`.",
    ),
    key(
        "manages",
        Shape::List(&Shape::Word(&["users", "tokens", "audit", "webhooks", "redirects", "search"])),
        "What it manages in addition to content: accounts, the API tokens of others, the audit log, webhooks, redirects, the rules of searches. Default: nothing; `admin` manages everything.",
    ),
];

const SITE_KEYS: &[Key] = &[
    needed("name", Shape::Text, "The name of the site."),
    needed("currency", Shape::Text, "The currency (ISO 4217) of amounts that are given without one."),
    key("currencies", Shape::List(&Shape::Text), "All currencies that the site accepts. Default: only `currency`."),
    key(
        "locales",
        Shape::List(&Shape::Text),
        "The languages (BCP 47) of the site, the default one first. Default: `en`.",
    ),
    key(
        "collation",
        Shape::Text,
        "The language (BCP 47) in whose order text is sorted and compared. Default: `und`, the order of Unicode for all languages.",
    ),
    key("limits", Shape::Record(LIMITS), "The limits of a request."),
];

/// One request's limits, in the order of [`crate::schema::Limits`].
pub const LIMITS: &[Key] = &[
    key("depth", Shape::Limit { min: 3, max: 64, default: 16, unit: "levels" }, "The most levels of nested fields."),
    key(
        "cost",
        Shape::Limit { min: 100, max: 10_000_000, default: 50_000, unit: "objects" },
        "The largest cost of a request or a batch; `docs/operations.md` has the prices.",
    ),
    key(
        "aliases",
        Shape::Limit { min: 0, max: 1_000, default: 50, unit: "aliases" },
        "The most aliased fields in an operation.",
    ),
    key(
        "batch",
        Shape::Limit { min: 1, max: 100, default: 10, unit: "operations" },
        "The most operations in a batched request.",
    ),
    key("page", Shape::Limit { min: 1, max: 1_000, default: 100, unit: "entries" }, "The largest `first` or `last`."),
    key(
        "list",
        Shape::Limit { min: 1, max: 100_000, default: 1_000, unit: "items" },
        "The longest list in an argument or variable.",
    ),
    key("body", Shape::Limit { min: 1, max: 65_536, default: 1_024, unit: "KiB" }, "The largest request body."),
];

const OPERATIONS: Shape = Shape::Map(&Shape::Record(OPERATION));
const QUERIES: Shape = Shape::Map(&Shape::Record(&[DESCRIPTION, ARGS, RETURNED, ROLES, DEPENDS_ON]));
const OPERATION: &[Key] = &[DESCRIPTION, ARGS, RETURNED, ROLES];
const ARGS: Key = key("args", Shape::Map(&Shape::Record(ARGUMENT)), "The arguments.");
const RETURNED: Key = needed("returns", Shape::Record(RETURNS), "The type of the result.");
const ROLES: Key = key(
    "roles",
    Shape::List(&Shape::Name),
    "The roles that may call it; `anonymous` stands for requests without a token. Other roles are denied, and an operation without `roles` is an error.",
);
const ARGUMENT: &[Key] = &[
    needed("type", Shape::ScalarType, "The type of the value: a scalar field type."),
    DESCRIPTION,
    key("many", Shape::Bool, "The argument is a list."),
    key("required", Shape::Bool, "The argument must be given."),
    key("default", Shape::Any, "The value if none is given."),
];
const RETURNS: &[Key] = &[
    needed("type", Shape::Name, "A content type or a scalar field type."),
    key("many", Shape::Bool, "The result is a list."),
];
