//! Names reserved by the system, GraphQL or Rust, and names that make bad ids.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::declared::{Declared, FieldDecl};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::{Name, Scalar};
use crate::source::{Span, Spanned};
use crate::syntax::language::{Place, Structure};
use crate::syntax::node::Node;

/// Columns that every entry has.
pub const SYSTEM: &[&str] = &[
    "id",
    "revision",
    "status",
    "created_at",
    "updated_at",
    "published_at",
    "first_published_at",
    "scheduled_at",
    "created_by",
    "updated_by",
    "published_by",
];
/// Root fields that every API has.
const ROOT: &[&str] = &[
    "node",
    "nodes",
    "me",
    "people",
    "explain_access",
    "audit_log",
    "publish_check",
    "publish_dependencies",
    "publish_each",
    "revisions",
    "revision_diff",
    "restore_check",
    "deleted_entries",
    "scheduled_changes",
    "schedule_publish",
    "schedule_unpublish",
    "schedule_window",
    "move_scheduled_change",
    "cancel_scheduled_change",
    "retry_scheduled_change",
    "releases",
    "release",
    "release_check",
    "create_release",
    "update_release",
    "delete_release",
    "add_to_release",
    "remove_from_release",
    "publish_release",
    "schedule_release",
    "unschedule_release",
    "undo_release",
    "preview_links",
    "create_preview_link",
    "revoke_preview_link",
    "purge_deleted",
    "resolve",
    "search",
    "suggest",
    "search_rules",
    "set_search_rule",
    "search_synonyms",
    "add_search_synonyms",
    "remove_search_synonyms",
    "search_queries",
    "redirects",
    "create_redirect",
    "update_redirect",
    "delete_redirect",
    "import_redirects",
    "entry_locks",
    "lock_entry",
    "take_over_lock",
    "unlock_entry",
    "entry_comments",
    "comment_on",
    "reply_to_comment",
    "edit_comment",
    "remove_comment",
    "resolve_comment",
    "reopen_comment",
    "entry_review",
    "entries_at_stage",
    "move_to_stage",
    "approve_revision",
    "webhooks",
    "webhook",
    "webhook_deliveries",
    "webhook_delivery",
    "create_webhook",
    "update_webhook",
    "delete_webhook",
    "rotate_webhook_secret",
    "test_webhook",
    "replay_delivery",
    "replay_deliveries",
];
/// The arguments of a root field besides the unique field that it finds an entry by.
const LOOK_UP: [&str; 3] = ["stage", "release", "at"];
/// The parameter of own operations and computed fields besides their arguments.
const ARGUMENT: &str = "cx";
/// Columns of children, and the name of a relation whose column would be one of them (`parent_id`).
const CHILDREN: &[&str] = &["id", "parent", "parent_id", "position"];

/// Operators that combine conditions in filters, besides the conditions on fields and inverses.
pub const FILTER: &[&str] = &["and", "or", "not"];

/// Keywords that cannot be field names even with `r#`.
const NEVER_A_FIELD: &[&str] = &["crate", "self", "super"];

const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Types that every API or generated file contains, besides those of the field types.
const TYPES: &[&str] = &[
    "AccessAction",
    "AccessExplanation",
    "ActorKind",
    "AnyId",
    "ArgumentInfo",
    "AuditConnection",
    "AuditEdge",
    "AuditEntry",
    "AuditFilter",
    "BlocksInfo",
    "Boolean",
    "Box",
    "ChangeKind",
    "Clone",
    "ComponentInfo",
    "ComputedInfo",
    "ContentInfo",
    "CountPrecision",
    "Cx",
    "Debug",
    "Default",
    "DeletedEntry",
    "DiffKind",
    "DiffPart",
    "EntryAtStage",
    "EntryComment",
    "EntryCommentReply",
    "EntryLock",
    "EntryReview",
    "EntryReviewKind",
    "EntryReviewStep",
    "EntryStatus",
    "EntryStatusFilter",
    "EnumInfo",
    "FacetInfo",
    "FacetValue",
    "FieldDiff",
    "FieldInfo",
    "Float",
    "Future",
    "Id",
    "IdFilter",
    "InverseInfo",
    "Kind",
    "Limits",
    "Me",
    "Mutation",
    "Mutations",
    "Node",
    "NewPreviewLink",
    "None",
    "NullsOrder",
    "OnConflict",
    "OnDelete",
    "OperationInfo",
    "Option",
    "OrderDirection",
    "PageInfo",
    "PartialEq",
    "PreviewKind",
    "PreviewLink",
    "PublishDependency",
    "PublishOutcome",
    "PathPart",
    "Person",
    "PublishProblem",
    "Queries",
    "Query",
    "ReadCx",
    "Redirect",
    "RedirectConnection",
    "RedirectEdge",
    "RedirectFilter",
    "RedirectInput",
    "Redirection",
    "RedirectOrigin",
    "Required",
    "Release",
    "ReleaseAction",
    "ReleaseChange",
    "ReleaseChangeInput",
    "ReleaseState",
    "Resolved",
    "Result",
    "Retention",
    "Returns",
    "Revision",
    "ScheduleAction",
    "ScheduledChange",
    "ScheduleState",
    "SchemaInfo",
    "SearchConnection",
    "SearchEdge",
    "SearchFacets",
    "SearchFilter",
    "SearchHighlight",
    "SearchInfo",
    "SearchOrder",
    "SearchQueryCount",
    "SearchRange",
    "SearchRule",
    "SearchRuleInput",
    "SearchSynonyms",
    "SearchText",
    "SearchType",
    "SearchWeight",
    "Self",
    "Send",
    "Shape",
    "Site",
    "SiteBuilder",
    "SiteCode",
    "SiteInfo",
    "Some",
    "Stage",
    "Subscription",
    "Suggestions",
    "Sync",
    "ToMany",
    "User",
    "Vec",
    "Webhook",
    "WebhookAction",
    "WebhookCreateInput",
    "WebhookDelivery",
    "WebhookDeliveryConnection",
    "WebhookDeliveryEdge",
    "WebhookDeliveryState",
    "WebhookUpdateInput",
    "WebhookWithSecret",
];

/// System types in lower case, since all derived names are compared in lower case.
static TYPES_IN_SMALL_LETTERS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let of_scalar = |scalar: Scalar| {
        let row = scalar.mapping();
        [row.graphql.to_owned(), row.input.to_owned(), row.rust.to_owned(), format!("{}Filter", row.filter_name)]
    };
    let names = Scalar::ALL.into_iter().flat_map(of_scalar).chain(TYPES.iter().map(|&name| name.to_owned()));
    names.map(|name| name.to_ascii_lowercase()).collect()
});

/// Whether this is the name of a system type, as spelled in the API or in Rust.
pub fn is_type(pascal: &str) -> bool {
    TYPES_IN_SMALL_LETTERS.contains(&pascal.to_ascii_lowercase())
}

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    for owner in declared.owners() {
        check_type(owner.name, found);
    }
    for (name, owner) in &declared.types {
        check_type_id(name, owner.name.span, found);
        for entry in owner.node.get("computed").map_or(&[][..], Node::entries) {
            check_word(&entry.key, SYSTEM, found);
            let plural = super::collisions::plural_of(owner);
            for argument in entry.node.get("args").map_or(&[][..], Node::entries) {
                check_word(&argument.key, &[ARGUMENT, plural.snake()], found);
            }
        }
        if let Some(plural) = owner.node.get("plural").and_then(Node::spanned_text) {
            check_taken(&plural, ROOT, found);
        }
        for field in &owner.fields {
            if let Some(inverse) = field.node.get("inverse").and_then(Node::spanned_text) {
                check_taken(&inverse, SYSTEM, found);
                check_filter(&inverse, found);
            }
            if field.is(Structure::Children) {
                check_type_id(&format!("{name}_{}", field.singular()), field.name.span, found);
            }
        }
    }
    declared.owners().flat_map(|owner| owner.all_fields()).for_each(|field| check_field(field, found));
    for key in ["queries", "mutations"] {
        for entry in declared.site.and_then(|site| site.get(key)).map_or(&[][..], Node::entries) {
            check_word(&entry.key, ROOT, found);
            for argument in entry.node.get("args").map_or(&[][..], Node::entries) {
                check_word(&argument.key, &[ARGUMENT], found);
            }
        }
    }
}

fn check_type(name: &Spanned<String>, found: &mut Diagnostics) {
    let pascal = Name::new(&name.value).pascal();
    if is_type(&pascal) {
        let message = format!("every API already has a type `{pascal}`");
        found.push(Diagnostic::error(Code::ReservedName, name.span, message).help("choose another name"));
    } else if KEYWORDS.contains(&name.value.as_str()) {
        found.push(word_of_rust(name));
    } else {
        check_taken(name, ROOT, found);
    }
}

fn check_field(field: &FieldDecl<'_>, found: &mut Diagnostics) {
    let taken = match field.place {
        Place::Type => SYSTEM,
        Place::Children => CHILDREN,
        Place::Component => &[],
    };
    check_word(field.name, taken, found);
    let is_unique = field.node.get("unique").and_then(Node::bool) == Some(true);
    if field.place == Place::Type && is_unique && LOOK_UP.contains(&field.name.value.as_str()) {
        let name = &field.name.value;
        let message = format!("the query that finds an entry by `{name}` already has an argument with this name");
        found.push(Diagnostic::error(Code::ReservedName, field.name.span, message).help("choose another name"));
    }
    // Components have no filters.
    if field.place != Place::Component && !field.dropped {
        check_filter(field.name, found);
    }
    for value in field.node.get("values").map_or(&[][..], Node::one_or_many) {
        if value.text() == Some("self") {
            let message = "a value cannot have the name `self`";
            found.push(Diagnostic::error(Code::ReservedName, value.span, message).help("it is a Rust keyword"));
        }
    }
}

/// A name of a field, function or argument. Generated code writes Rust keywords as `r#type`, with a few exceptions.
fn check_word(name: &Spanned<String>, taken: &[&str], found: &mut Diagnostics) {
    if NEVER_A_FIELD.contains(&name.value.as_str()) {
        found.push(word_of_rust(name));
    } else {
        check_taken(name, taken, found);
    }
}

fn word_of_rust(name: &Spanned<String>) -> Diagnostic {
    let message = format!("`{}` is a Rust keyword, and names here become names in Rust", name.value);
    Diagnostic::error(Code::ReservedName, name.span, message).help("choose another name")
}

fn check_taken(name: &Spanned<String>, taken: &[&str], found: &mut Diagnostics) {
    if taken.contains(&name.value.as_str()) {
        let message = format!("the name `{}` is reserved by the system", name.value);
        found.push(Diagnostic::error(Code::ReservedName, name.span, message).help("choose another name"));
    }
}

fn check_filter(name: &Spanned<String>, found: &mut Diagnostics) {
    if FILTER.contains(&name.value.as_str()) {
        let message =
            format!("`{}` joins conditions in filters, so a filterable field cannot have this name", name.value);
        found.push(Diagnostic::error(Code::ReservedName, name.span, message).help("choose another name"));
    }
}

/// A TypeID prefix may contain only letters and `_`. Ours may contain digits, which other software need not accept.
fn check_type_id(table: &str, span: Span, found: &mut Diagnostics) {
    if table.len() > 63 {
        let message = format!("`{table}` has {} characters, but the prefix of an id has at most 63", table.len());
        found.push(Diagnostic::error(Code::NameTooLong, span, message).help("choose a shorter name"));
    } else if table.contains(|c: char| c.is_ascii_digit()) {
        let message = format!("other software does not accept ids that begin with `{table}` as TypeIDs");
        found.push(
            Diagnostic::warning(Code::NotTypeId, span, message).help("use a name without digits, or ignore this"),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::is_type;
    use crate::analyze::collisions::made_types;
    use crate::emit::{MigrationsInput, emit};
    use crate::{SourceFile, compile};

    /// A type with a field of every structure; further scalars would change nothing.
    const PRODUCT: &str = "
type: product
fields:
  name: { type: string, unique: true, filterable: true, sortable: true }
  owner: { type: user, filterable: true }
  price: { type: money, filterable: true }
  state: { type: enum, values: [open, closed], filterable: true }
  colors: { type: enum, values: [red, green], many: true, filterable: true }
  parent: { type: relation, to: self, inverse: parts }
  about: { type: relation, to: [product, tag] }
  mentions: { type: relation, to: [product, tag], many: true }
  tags: { type: relation, to: tag, many: true, inverse: products }
  seo: { type: component, of: seo }
  body: { type: blocks, of: [seo] }
  variants: { type: children, fields: { sku: { type: string, unique: true }, size: { type: enum, values: [s, m] } } }
computed: { on_sale: { type: boolean } }
access: { editor: { read: { fields: [name] }, create: { set: { name: A }, check: { state: open } } } }
";

    fn sources() -> Vec<SourceFile> {
        let operation =
            "{ best: { args: { first: { type: integer } }, returns: { type: product, many: true }, roles: [admin] } }";
        let files = [
            ("cms", format!("site: {{ name: A, currency: EUR }}\nqueries: {operation}\nmutations: {operation}")),
            ("product", PRODUCT.to_owned()),
            ("tag", "type: tag\naccess: { admin: { read: all } }\nfields: { name: { type: string } }".to_owned()),
            ("components/seo", "component: seo\nfields: { kind: { type: enum, values: [a, b] } }".to_owned()),
        ];
        files.map(|(name, text)| SourceFile { path: format!("schema/{name}.yaml"), text }).into()
    }

    /// Capitalised words in code, excluding comments, string literals and paths (after `::`).
    fn words(text: &str) -> BTreeSet<String> {
        let noise =
            regex::Regex::new(r#"(?s)""".*?"""|"(\\.|[^"\\])*"|//[^\n]*|#[^\n\[]*\n|::\w+"#).expect("a pattern");
        let word = regex::Regex::new(r"\b[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*\b").expect("a pattern");
        word.find_iter(&noise.replace_all(text, " ")).map(|found| found.as_str().to_owned()).collect()
    }

    #[test]
    fn every_type_of_the_output_is_reserved_or_checked_for_collisions() {
        let sources = sources();
        let compiled = compile(&sources).unwrap_or_else(|found| panic!("{}", found.render(&sources)));
        let made = made_types(&sources);
        let output = emit(&compiled.schema, &MigrationsInput::default());
        // Files with rules and resolvers contain no type names of the site, so nothing can collide with them.
        let apart = ["generated/src/access", "generated/src/resolvers"];
        let code = output.files().iter().filter(|(path, _)| {
            (path.ends_with(".rs") && !apart.iter().any(|apart| path.starts_with(apart))) || path.ends_with(".graphql")
        });
        let words: BTreeSet<_> = code.flat_map(|(_, text)| words(text)).collect();
        assert!(words.contains("ProductVariantPatch") && words.contains("ContentInfo"));
        let values = ["Open", "Closed", "Red", "Green", "Output"];
        let unknown: Vec<_> = words
            .iter()
            .filter(|word| !made.contains(*word) && !is_type(word) && !values.contains(&word.as_str()))
            .collect();
        assert!(unknown.is_empty(), "neither reserved nor checked: {unknown:?}");
    }
}
